"""Between the scheduler and whatever runs tasks: what is handed over, and what comes back.

The Docker runtime (docker_runtime.py) runs real containers; a scripted one can take its place, since the scheduler asks
for reports and is never called back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from longshore.sandbox.ecs.fleet import Health


@dataclass(frozen=True)
class Launch:
    """A task to run.

    Attributes:
        task: its id.
        cluster: name of its cluster.
        service: name of its service; empty for a one-off task.
        family: of its task definition.
        definition: the task definition, in the ECS API's field names.
        overrides: TaskOverride of RunTask.
        launch_type: EC2 or FARGATE.
        port: container port to put behind the service's front door; None for none.
        revision: of the family; 0 where nobody said.
    """

    task: str
    cluster: str
    service: str
    family: str
    definition: Mapping[str, Any]
    overrides: Mapping[str, Any] = field(default_factory=dict)
    launch_type: str = "EC2"
    port: int | None = None
    revision: int = 0


@dataclass(frozen=True)
class ContainerReport:
    """What changed about a container; None and empty mean: no news."""

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
    """What changed about a task; None and empty mean: no news.

    Attributes:
        status: the task's new lastStatus.
        stop_code: why it stops, if that was not the scheduler's or a user's doing.
        reason: its stoppedReason, likewise.
        reachable: its port accepts connections now, and its front door sends requests to it.
    """

    task: str
    status: str = ""
    stop_code: str = ""
    reason: str = ""
    reachable: bool = False
    containers: Sequence[ContainerReport] = ()


class Runtime(Protocol):
    """Runs tasks. Nothing here blocks, but `close`."""

    def start(self, launch: Launch) -> None:
        """Begin to start a task; reports follow, the last one says STOPPED."""

    def stop(self, task: str) -> None:
        """Begin to stop a task: take it from its front door, SIGTERM, the stop time-out, SIGKILL."""

    def withdraw(self, cluster: str, service: str) -> None:
        """A service is gone: close its front door."""

    def poll(self, now: float) -> Sequence[Report]:
        """What has happened since the last call, in order."""

    def close(self) -> None:
        """End everything that still runs, quickly, and remove its traces."""
