"""Puts the sandbox's ECS in the place of moto's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from moto.ecs import urls

from longshore.sandbox.cloud import Cloud
from longshore.sandbox.ecs.api import Ecs
from longshore.sandbox.ecs.docker_runtime import DockerRuntime
from longshore.sandbox.ecs.orchestrator import SETTLING, Orchestrator
from longshore.sandbox.ecs.responses import EcsResponse
from longshore.sandbox.ecs.runtime import Runtime


def install(
    cloud: Cloud,
    runtime: Runtime | None = None,
    clock: Callable[[], float] = time.time,
    settling: float = SETTLING,
    rollback_window: float = 0.0,
) -> Ecs:
    """Put this ECS in the place of moto's; to be called before moto's server starts.

    Args:
        cloud: the sandbox.
        runtime: what runs the tasks; Docker by default.
        clock: the time in seconds since the epoch.
        settling: seconds for which a task with neither port nor health check must run before it counts; AWS's are 40.
        rollback_window: seconds for which PRIMARY shows FAILED before the circuit breaker's roll-back begins.

    Returns:
        The ECS, not started yet.
    """
    woken = threading.Event()
    orchestrator = Orchestrator(runtime or DockerRuntime(cloud, woken.set), clock, settling, rollback_window)
    ecs = Ecs(cloud, orchestrator, woken)
    EcsResponse.ecs = ecs
    urls.url_paths["{0}/$"] = EcsResponse.dispatch
    return ecs
