"""Moves of services, the deployments that they started, and the state of both at one look at ECS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from longshore.aws.ecs_types import Service, ServiceDeployment, Task


@dataclass(frozen=True)
class Move:
    """A service and its new revision; ``count`` is None to leave the desired count as it is."""

    service: str
    task_definition: str
    count: int | None = None


@dataclass(frozen=True)
class TrackedDeployment:
    """A move whose deployment ECS has accepted.

    Attributes:
        move: the move.
        deployment: id of the deployment.
        created_at: when ECS created it, by ECS's clock. A rollback by ECS that has the id and the date of an earlier
            deployment counts as created no earlier than the deployment that it replaces.
        deadline: seconds that it may take.
        by_ecs: it was not started by our call: ECS's own rollback, or the deployment of a service that is only scaled.
        previous: ARN of the service deployment before it.
        arn: ARN of its service deployment; None until that is known.
        failed: its tasks that have failed so far, also those that ECS has stopped showing.
        replaces: id of the deployment that was PRIMARY before it; None if that is unknown.
        hooked: its service has lifecycle hooks.
        whole: ARN of the service deployment that it rolls back, for a rollback by ECS; None if that is unknown.
        counts_from: tasks that were created before that time are not counted as failed; by default ``created_at``.
    """

    move: Move
    deployment: str
    created_at: datetime
    deadline: float
    by_ecs: bool = False
    previous: str | None = None
    arn: str | None = None
    failed: tuple[Task, ...] = ()
    replaces: str | None = None
    counts_from: datetime | None = None
    hooked: bool = False
    whole: str | None = None


@dataclass(frozen=True)
class ServiceLook:
    """One look at the service of a tracked deployment.

    Attributes:
        service: the service.
        tracked: the deployment, with everything learned about it so far.
        service_deployment: its service deployment, if that is known.
        others: the service deployments that another process has started since.
        stopped_for: the seconds for which its service deployment has been shown as stopped.
        paused: its service deployment, if it waits at a lifecycle hook.
        held: the span of time, by the clock, that it has waited at hooks since the last look; None if it has not.
    """

    service: Service
    tracked: TrackedDeployment
    service_deployment: ServiceDeployment | None = None
    others: tuple[ServiceDeployment, ...] = ()
    stopped_for: float = 0.0
    paused: ServiceDeployment | None = None
    held: tuple[float, float] | None = None
