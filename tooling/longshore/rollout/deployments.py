"""Moves services to revisions, and judges the deployments that this starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from longshore.aws.ecs_types import Service, ServiceDeployment, Task
from longshore.errors import RolloutError, SupersededError
from longshore.rollout.failed_tasks import SEE_REASONS, refuse_crash_loop
from longshore.rollout.ports import DeploymentHistory, ServiceClient

SHOWN_WITHIN = 5.0
"""Seconds after which a read shows the effect of a call; AWS gives no number."""

UNTOUCHED = "That deployment was left untouched."

_STOPPED = ("STOP_REQUESTED", "STOPPED")
_ROLLING_BACK = ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED")


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
        created_at: when ECS created it, by ECS's clock.
        deadline: seconds that it may take.
        by_ecs: it was not started by our call: ECS's own rollback, or the deployment of a service that is only scaled.
        previous: ARN of the service deployment before it.
        arn: ARN of its service deployment; None until that is known.
        failed: its tasks that have failed so far, also those that ECS has stopped showing.
    """

    move: Move
    deployment: str
    created_at: datetime
    deadline: float
    by_ecs: bool = False
    previous: str | None = None
    arn: str | None = None
    failed: tuple[Task, ...] = ()


@dataclass(frozen=True)
class ServiceLook:
    """One look at the service of a tracked deployment.

    Attributes:
        service: the service.
        tracked: the deployment, with everything learned about it so far.
        service_deployment: its service deployment, if that is known.
    """

    service: Service
    tracked: TrackedDeployment
    service_deployment: ServiceDeployment | None = None


def start(ecs: ServiceClient, cluster: str, move: Move, deadline: float) -> TrackedDeployment:
    """Starts a move; a service that already has the revision gets a new deployment of it."""
    current = ecs.services(cluster, [move.service])[move.service]
    previous = ecs.newest_deployment(cluster, move.service)
    force = current.task_definition == move.task_definition
    deployment = ecs.update(cluster, move.service, move.task_definition, move.count, force=force)
    return TrackedDeployment(move, deployment.id, deployment.created_at, deadline, previous=previous)


def find_again(
    ecs: DeploymentHistory, cluster: str, move: Move, before: str, deadline: float
) -> TrackedDeployment | None:
    """Finds the deployment of a move that another process began, by the revision that the service is moving to.

    Args:
        ecs: reads services and their deployments.
        cluster: name of the cluster.
        move: the move, which may not have begun.
        before: ARN of the revision that the service ran before.
        deadline: seconds that the deployment may take from now.

    Returns:
        The deployment; None if the service has not moved.

    Raises:
        RolloutError: ECS has rolled it back.
        SupersededError: another deployment has replaced it.
    """
    service = ecs.services(cluster, [move.service])[move.service]
    primary = service.primary
    if primary and primary.task_definition == move.task_definition != before:
        return TrackedDeployment(move, primary.id, primary.created_at, deadline)
    latest = ecs.latest_deployments(cluster, [move.service]).get(move.service)
    if latest and latest.status in _ROLLING_BACK:
        raise RolloutError(
            f"{move.service}: ECS rolled the deployment back while no release was running:"
            f" {latest.reason or latest.status}",
            SEE_REASONS,
            move.service,
        )
    if primary and primary.task_definition not in (before, move.task_definition):
        raise SupersededError(
            f"{move.service}: another deployment, {primary.id} of {primary.task_definition}, took over",
            UNTOUCHED,
            move.service,
        )
    return None


def completed(look: ServiceLook) -> bool:
    """Whether the tracked deployment has completed, judged by its id and by its service deployment.

    Raises:
        RolloutError: it failed.
        SupersededError: another deployment has replaced it.
    """
    service, tracked, details = look.service, look.tracked, look.service_deployment
    deployment, primary = service.deployment(tracked.deployment), service.primary
    if deployment and deployment.rollout_state == "FAILED":
        raise _failed(look, deployment.reason)
    status, reason = (details.status, details.reason) if details else ("", "")
    if status in _ROLLING_BACK:
        raise _failed(look, reason or f"ECS is rolling it back ({status})")
    if primary and primary.id != tracked.deployment and primary.created_at > tracked.created_at:
        raise SupersededError(
            f"{service.name}: deployment {primary.id} of {primary.task_definition} took over from {tracked.deployment}",
            UNTOUCHED,
            service.name,
        )
    if status in _STOPPED:
        raise _failed(look, reason or f"it was stopped ({status})")
    settled = tracked.by_ecs or details is None or status == "SUCCESSFUL"
    return bool(settled and deployment and deployment.status == "PRIMARY" and deployment.rollout_state == "COMPLETED")


def failed_tasks(stopped: Sequence[Task], look: ServiceLook) -> tuple[Task, ...]:
    """The failed tasks of a tracked deployment: those that were seen before, and those that ECS shows now.

    A rollback by ECS may have the id of the deployment to which it returns, and tasks that failed before do not count.

    Raises:
        CrashLoopError: too many of them failed for the same cause.
    """
    tracked = look.tracked
    shown = [task for task in stopped if task.started_by == tracked.deployment and task.failure()]
    new = [task for task in shown if task.stopped_at is None or task.stopped_at >= tracked.created_at]
    failed = {task.arn: task for task in (*tracked.failed, *new)}
    refuse_crash_loop(look.service, tuple(failed.values()))
    return tuple(failed.values())


def _failed(look: ServiceLook, reason: str) -> RolloutError:
    name = look.service.name
    reason = reason or look.service.latest_event
    return RolloutError(f"{name}: deployment {look.tracked.deployment} failed: {reason}", SEE_REASONS, name)
