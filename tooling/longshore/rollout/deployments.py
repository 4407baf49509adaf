"""Moves services to revisions, and waits for the deployment that its own call started."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from longshore.aws.ecs_types import Service, ServiceDeployment, Task
from longshore.errors import (
    CrashLoopError,
    RolloutError,
    SupersededError,
)
from longshore.rollout.ports import DeploymentHistory, ServiceClient

SAME_FAILURES = 3
"""So many tasks of one deployment that stopped for the same reason are no accident.

ECS's circuit breaker wants three failures too, at least, but forgets them as soon as one task runs (aws.md): a task
that crashes after its start may never trip it.
"""

_ENDED_ELSEWHERE = ("STOP_REQUESTED", "STOPPED")
_ROLLING_BACK = ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED")

SHOWN_WITHIN = 5.0
"""Seconds after which a read shows what a call has changed; AWS gives no number."""

LOOK_WHY = "The reasons follow; the service's events and task logs say more."


@dataclass(frozen=True)
class Move:
    """A service and the revision it shall run; ``count`` is None to leave the count as it is."""

    service: str
    task_definition: str
    count: int | None = None


@dataclass(frozen=True)
class TrackedDeployment:
    """A move whose deployment ECS has accepted.

    Attributes:
        move: what was asked for.
        deployment: id of the deployment that our call started.
        created_at: when ECS made it, by its own clock.
        deadline: seconds that it has.
        by_ecs: the deployment is ECS's own roll-back, which nobody's call started.
        previous: ARN of the service deployment that there was before.
        arn: ARN of the service deployment that it is; None until it is known.
        failed: how many of its tasks have failed so far.
    """

    move: Move
    deployment: str
    created_at: datetime
    deadline: float
    by_ecs: bool = False
    previous: str | None = None
    arn: str | None = None
    failed: int = 0


@dataclass(frozen=True)
class ServiceLook:
    """One look at the service of a tracked deployment.

    Attributes:
        service: the service.
        tracked: the deployment, with all that was learned of it so far.
        service_deployment: the service deployment that it is, if it is known.
    """

    service: Service
    tracked: TrackedDeployment
    service_deployment: ServiceDeployment | None = None


def start(ecs: ServiceClient, cluster: str, move: Move, deadline: float) -> TrackedDeployment:
    """Starts a move. A service that already has the revision gets a new deployment of it all the same."""
    current = ecs.services(cluster, [move.service])[move.service]
    previous = ecs.newest_deployment(cluster, move.service)
    force = current.task_definition == move.task_definition
    deployment = ecs.update(cluster, move.service, move.task_definition, move.count, force=force)
    return TrackedDeployment(move, deployment.id, deployment.created_at, deadline, previous=previous)


def find_again(
    ecs: DeploymentHistory, cluster: str, move: Move, before: str, deadline: float
) -> TrackedDeployment | None:
    """The deployment of a move whose process died, by what the service works towards now.

    Args:
        ecs: the services.
        cluster: name of the cluster.
        move: what was asked for, or was about to be.
        before: the revision (ARN) that the service ran before.
        deadline: seconds that it has from now.

    Returns:
        It; None where the service is still where it was before.

    Raises:
        RolloutError: ECS has rolled it back meanwhile.
        SupersededError: somebody else has deployed meanwhile.
    """
    service = ecs.services(cluster, [move.service])[move.service]
    primary = service.primary
    if primary and primary.task_definition == move.task_definition != before:
        return TrackedDeployment(move, primary.id, primary.created_at, deadline)
    latest = ecs.latest_deployments(cluster, [move.service]).get(move.service)
    if latest and latest.status in _ROLLING_BACK:
        said = latest.reason or f"ECS rolled it back ({latest.status})"
        raise RolloutError(f"{move.service}: while nobody watched: {said}", LOOK_WHY, move.service)
    if primary and primary.task_definition not in (before, move.task_definition):
        raise SupersededError(
            f"{move.service}: somebody else's deployment {primary.id} of {primary.task_definition} took over",
            "Theirs is left alone.",
            move.service,
        )
    return None


def completed(look: ServiceLook) -> bool:
    """Whether our deployment has completed, by what ECS says of the service and of its service deployment.

    Raises:
        RolloutError: it has failed.
        SupersededError: somebody else's took over.
    """
    service, tracked = look.service, look.tracked
    ours, primary = service.deployment(tracked.deployment), service.primary
    if ours and ours.rollout_state == "FAILED":
        raise _failed(look, ours.reason)
    whole = look.service_deployment
    status, reason = (whole.status, whole.reason) if whole else ("", "")
    if status in _ROLLING_BACK:
        raise _failed(look, reason or f"ECS rolls it back ({status})")
    if primary and primary.id != tracked.deployment and primary.created_at > tracked.created_at:
        raise SupersededError(
            f"{service.name}: deployment {primary.id} of {primary.task_definition} took over from {tracked.deployment}",
            "Somebody else deployed meanwhile; theirs is left alone.",
            service.name,
        )
    if status in _ENDED_ELSEWHERE:
        raise _failed(look, reason or f"it was stopped ({status})")
    settled = tracked.by_ecs or whole is None or status == "SUCCESSFUL"
    return bool(settled and ours and ours.status == "PRIMARY" and ours.rollout_state == "COMPLETED")


def count_failures(stopped: Sequence[Task], tracked: TrackedDeployment) -> int:
    """How many tasks of our deployment have failed.

    Raises:
        CrashLoopError: enough of them for the same reason.
    """
    reasons = Counter(text for task in stopped if task.started_by == tracked.deployment and (text := task.failure()))
    for reason, count in reasons.most_common(1):
        if count >= SAME_FAILURES:
            name = tracked.move.service
            raise CrashLoopError(f"{name}: {count} new tasks stopped: {reason}", LOOK_WHY, name)
    return reasons.total()


def _failed(look: ServiceLook, reason: str) -> RolloutError:
    name = look.service.name
    reason = reason or look.service.latest_event
    return RolloutError(f"{name}: deployment {look.tracked.deployment} failed: {reason}", LOOK_WHY, name)
