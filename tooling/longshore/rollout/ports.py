"""The parts of AWS that a roll-out uses, as Protocols: longshore.aws implements them, and tests fake them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from longshore.aws.ecs_types import Deployment, Placement, Service, ServiceDeployment, Task
from longshore.aws.target_health import TargetHealth


class ServiceClient(Protocol):
    """Moves services and reads their deployments (longshore.aws.ecs)."""

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]: ...
    def update(
        self, cluster: str, service: str, task_definition: str, count: int | None, *, force: bool = False
    ) -> Deployment: ...
    def newest_deployment(self, cluster: str, service: str) -> str | None: ...
    def find_deployment(
        self, cluster: str, service: str, deployment_id: str, created_at: datetime, previous: str | None
    ) -> str | None: ...
    def deployment_history(
        self, cluster: str, service: str, since: datetime | None = None
    ) -> tuple[ServiceDeployment, ...]: ...
    def service_deployments(self, arns: Sequence[str]) -> dict[str, ServiceDeployment]: ...
    def stopped_tasks(self, cluster: str, service: str) -> list[Task]: ...


class DeploymentHistory(Protocol):
    """Reads the newest deployments of services (longshore.aws.ecs)."""

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]: ...
    def deployment_history(
        self, cluster: str, service: str, since: datetime | None = None
    ) -> tuple[ServiceDeployment, ...]: ...


class LatestDeployments(Protocol):
    """Reads the newest service deployment of services (longshore.aws.ecs)."""

    def latest_deployments(self, cluster: str, services: Sequence[str]) -> dict[str, ServiceDeployment]: ...


class TaskRunner(Protocol):
    """Starts and reads one-off tasks (longshore.aws.ecs)."""

    def run_task(
        self,
        cluster: str,
        task_definition: str,
        *,
        placement: Placement,
        client_token: str,
        started_by: str,
    ) -> Task: ...
    def tasks_of_family(self, cluster: str, family: str) -> list[Task]: ...
    def describe_tasks(self, cluster: str, arns: Sequence[str]) -> list[Task]: ...
    def task_definition(self, arn: str) -> dict[str, Any]: ...


class RunningTasks(Protocol):
    """Reads services and their running tasks (longshore.aws.ecs)."""

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]: ...
    def tasks(self, cluster: str, service: str) -> list[Task]: ...


class FailureReader(Protocol):
    """Reads the tasks and events that explain a failure (longshore.aws.ecs)."""

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]: ...
    def tasks(self, cluster: str, service: str) -> list[Task]: ...
    def stopped_tasks(self, cluster: str, service: str) -> list[Task]: ...
    def task_definition(self, arn: str) -> dict[str, Any]: ...


class TargetReader(Protocol):
    """Reads the health of the targets of target groups (longshore.aws.elbv2)."""

    def health(self, groups: Sequence[str]) -> list[TargetHealth]: ...


class LogTail(Protocol):
    """Reads the end of a log stream (longshore.aws.logs)."""

    def tail(self, group: str, stream: str, lines: int) -> list[str]: ...


class LogLines(Protocol):
    """Reads the lines that are new since the last call (longshore.aws.logs)."""

    def lines(self) -> Iterable[str]: ...


class LogStreams(Protocol):
    """Follows log streams (longshore.aws.logs)."""

    def follow(self, group: str, stream: str) -> LogLines: ...
