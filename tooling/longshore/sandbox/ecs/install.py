"""Installing the sandbox's ECS instead of moto's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from moto.cloudwatch.models import cloudwatch_backends
from moto.ecs import urls

from longshore.sandbox.cloud import Cloud
from longshore.sandbox.ecs.api import Ecs
from longshore.sandbox.ecs.docker_runtime import DockerRuntime
from longshore.sandbox.ecs.orchestrator import Orchestrator
from longshore.sandbox.ecs.responses import EcsResponse
from longshore.sandbox.ecs.runtime import Runtime
from longshore.sandbox.ecs.targets import find_in
from longshore.sandbox.ecs.timing import Timing


def install(
    cloud: Cloud,
    runtime: Runtime | None = None,
    clock: Callable[[], float] = time.time,
    timing: Timing | None = None,
) -> Ecs:
    """Replace moto's ECS; call this before moto's server starts.

    Args:
        cloud: the sandbox.
        runtime: runs the tasks; Docker by default.
        clock: the time in seconds since the epoch.
        timing: when effects show; as recorded by default.

    Returns:
        The ECS, not started yet.
    """
    woken = threading.Event()

    def alarms() -> dict[str, str]:
        """The states of all alarms: SetAlarmState changes them, because there are no metrics."""
        backend = cloudwatch_backends[cloud.account_id][cloud.region]
        return {name: str(alarm.state_value) for name, alarm in list(backend.alarms.items())}

    find_check = find_in(cloud.account_id, cloud.region)
    orchestrator = Orchestrator(runtime or DockerRuntime(cloud, woken.set), clock, timing, alarms, find_check)
    ecs = Ecs(cloud, orchestrator, woken)
    EcsResponse.ecs = ecs
    urls.url_paths["{0}/$"] = EcsResponse.dispatch
    return ecs
