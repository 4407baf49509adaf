"""Who made a deployment PRIMARY: ECS, which rolls our deployment back, or another process.

An UpdateService that deploys has its own service deployment; a rollback by ECS belongs to that of our deployment.
The reads of the two become consistent at different times, so until one of them shows its side, the answer is UNKNOWN.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum, auto

from longshore.aws.ecs_types import Deployment, Service, ServiceDeployment
from longshore.errors import SupersededError, UnknownOutcomeError
from longshore.rollout.tracking import ServiceLook, TrackedDeployment

KNOWN_WITHIN = 120.0
"""Seconds in which AWS shows whose deployment is PRIMARY; AWS documents no number, and lags of 30 s are tested."""

ROLLING_BACK = ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED")
STOPPED = ("STOP_REQUESTED", "STOPPED")
"""The statuses of a service deployment that ECS rolls back, and of one that it does not continue.

A service deployment is stopped as well when another process deploys, so the latter prove nothing.
"""

UNTOUCHED = "That deployment was left untouched."

_ANNOUNCED = "rolling back to deployment"
"""A part of the PRIMARY's ``rolloutStateReason``: "ECS deployment circuit breaker: rolling back to deploymentId …".

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
"""


class Origin(Enum):
    """Who made a deployment PRIMARY."""

    ECS = auto()
    """ECS, by rolling a deployment back."""

    ANOTHER = auto()
    """Another process, by deploying."""

    UNKNOWN = auto()
    """AWS does not show it yet."""


def is_replaced(service: Service, tracked: TrackedDeployment) -> bool:
    """Whether a deployment other than the tracked one is PRIMARY, and the read is not just out of date.

    ECS may roll back to a deployment under its old id, with a new date or the old one. Then only the
    tracked deployment beside it, no longer PRIMARY, shows that the read is a recent one.
    """
    primary = service.primary
    if primary is None or primary.id == tracked.deployment:
        return False
    return primary.created_at > tracked.created_at or service.deployment(tracked.deployment) is not None


def of_primary(look: ServiceLook) -> Origin | None:
    """Who made the PRIMARY of a look replace the tracked deployment; None if nothing has replaced it yet."""
    service, tracked, details = look.service, look.tracked, look.service_deployment
    if look.others:
        return Origin.ANOTHER
    if details and details.status in ROLLING_BACK:
        return Origin.ECS
    if not is_replaced(service, tracked):
        return None
    if service.primary and announces_rollback(service.primary) and not _newer(service, tracked):
        return Origin.ECS
    return Origin.UNKNOWN


def of_untracked(service: Service, history: Sequence[ServiceDeployment]) -> Origin:
    """Who made a deployment PRIMARY of which only AWS's own record is known.

    Args:
        service: the service.
        history: its service deployments, newest first.
    """
    primary, newest = service.primary, next(iter(history), None)
    if primary is None or newest is None:
        return Origin.UNKNOWN
    own = next((deployment for deployment in history if deployment.deploys(primary.id)), None)
    if announces_rollback(primary) or (newest is not own and newest.status in ROLLING_BACK):
        return Origin.ECS
    if newest is own:
        return Origin.ANOTHER
    comparable = newest.deploys(primary.id) is not None
    return Origin.ANOTHER if not comparable and newest.created_at >= primary.created_at else Origin.UNKNOWN


def announces_rollback(deployment: Deployment) -> bool:
    """Whether the reason of a deployment's state is that ECS rolls back to it."""
    return _ANNOUNCED in deployment.reason.lower()


def others(history: Sequence[ServiceDeployment], tracked: TrackedDeployment) -> Iterator[ServiceDeployment]:
    """The service deployments that another process has started since the tracked deployment.

    Args:
        history: the service deployments of the service.
        tracked: our deployment, or a rollback by ECS that we await.
    """
    ids = tuple(filter(None, (tracked.deployment, tracked.replaces)))
    own = next((d for d in history if d.arn == tracked.arn or d.deploys(tracked.deployment)), None)
    for deployment in history:
        matches = [deployment.deploys(deployment_id) for deployment_id in ids]
        if deployment.arn in (tracked.arn, tracked.previous) or True in matches:
            continue
        if None in matches and (own is None or deployment.created_at <= own.created_at):
            continue  # without digits it may be ours, which is not found yet
        if deployment.created_at > tracked.created_at:
            yield deployment


def error_about(
    whose: Origin, service: Service, others: Sequence[ServiceDeployment] = (), ours: str = ""
) -> SupersededError | UnknownOutcomeError:
    """The error about a service on which a deployment runs that this run did not start, and that is not ECS's.

    Args:
        whose: who started it.
        service: the service.
        others: the service deployments of another process, which may be shown earlier than the service's deployments.
        ours: id of our deployment, if it is known.
    """
    deployment = _name(service, others, ours)
    if whose is Origin.ANOTHER:
        text = f"took over from {ours}" if ours else "took over"
        return SupersededError(f"{service.name}: another deployment, {deployment}, {text}", UNTOUCHED, service.name)
    return UnknownOutcomeError(
        f"{service.name}: could not determine within {KNOWN_WITHIN:.0f} s whether ECS or another process started the"
        f" running deployment, {deployment}",
        f"{UNTOUCHED} Run invoke status, then invoke release or rollback.",
    )


def _name(service: Service, others: Sequence[ServiceDeployment], ours: str) -> str:
    primary = service.primary
    if primary and primary.id != ours:
        return f"{primary.id} of {primary.task_definition}"
    return next((other.arn.rpartition("/")[2] for other in others), f"one of {service.task_definition}")


def _newer(service: Service, tracked: TrackedDeployment) -> list[Deployment]:
    """The deployments beside the PRIMARY that are newer than the tracked one: then ECS may roll back another one."""
    listed = (d for d in service.deployments if d.status != "PRIMARY" and d.id != tracked.deployment)
    return [deployment for deployment in listed if deployment.created_at > tracked.created_at]
