"""The interface between the scheduler and a runtime: the tasks that it starts, and the reports that it returns.

The Docker runtime (docker_runtime.py) runs real containers; a scripted one can replace it, since the scheduler polls
for reports and is never called back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from longshore.sandbox.ecs.fleet import Health
from longshore.sandbox.ecs.target_health import Check, Outcome


@dataclass(frozen=True)
class Launch:
    """A task to start.

    Attributes:
        task: id of the task.
        cluster: name of its cluster.
        service: name of its service; empty for a one-off task.
        family: family of its task definition.
        definition: the task definition, with the ECS API's field names.
        overrides: TaskOverride of RunTask.
        launch_type: EC2 or FARGATE.
        port: container port behind the service's load balancer; None for no port.
        balanced: whether the checks of a target group decide when it gets requests, by `Runtime.route`.
        revision: revision of its task definition; 0 if unknown.
        digests: the digests to run instead of the tags of its images, by container.
    """

    task: str
    cluster: str
    service: str
    family: str
    definition: Mapping[str, Any]
    overrides: Mapping[str, Any] = field(default_factory=dict)
    launch_type: str = "EC2"
    port: int | None = None
    balanced: bool = False
    revision: int = 0
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ContainerReport:
    """A change of a container; empty fields and None mean no change."""

    name: str
    status: str = ""
    exit_code: int | None = None
    reason: str = ""
    runtime_id: str = ""
    image_digest: str = ""
    ports: tuple[tuple[int, int], ...] = ()
    health: Health | None = None


@dataclass(frozen=True)
class Report:
    """A change of a task; empty fields and None mean no change.

    Attributes:
        status: the task's new lastStatus.
        stop_code: the stop code, if neither the scheduler nor a user stopped it.
        reason: its stoppedReason, in the same case.
        reachable: whether its port accepts connections and it is registered with the load balancer.
        checks: the outcomes of checks, each with the ARN of its target group.
    """

    task: str
    status: str = ""
    stop_code: str = ""
    reason: str = ""
    reachable: bool = False
    containers: Sequence[ContainerReport] = ()
    checks: Sequence[tuple[str, Outcome]] = ()


class Runtime(Protocol):
    """Runs tasks. No method blocks, except `close`."""

    def start(self, launch: Launch) -> None:
        """Begin to start a task; reports follow, and the last one is STOPPED."""

    def stop(self, task: str) -> None:
        """Begin to stop a task: deregister it, send SIGTERM, wait for the stop time-out, send SIGKILL."""

    def check(self, task: str, container: str, port: int, check: Check) -> None:
        """Begin to check a target: a container's port of a task; a report with the outcome follows."""

    def route(self, task: str, *, healthy: bool) -> None:
        """Send requests to a task: if it is unhealthy, only while no other task of its service is healthy."""

    def withdraw(self, cluster: str, service: str) -> None:
        """Close the load balancer of a deleted service."""

    def poll(self, now: float) -> Sequence[Report]:
        """The reports since the last call, in order."""

    def close(self) -> None:
        """Stop all tasks at once, and remove their containers."""
