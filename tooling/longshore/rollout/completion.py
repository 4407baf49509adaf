"""Whether a deployment has completed: by its rolloutState, or by its service deployment after an early success."""

from __future__ import annotations

from longshore.aws.ecs_types import Service, ServiceDeployment
from longshore.rollout.ports import LatestDeployments


def is_complete(service: Service, details: ServiceDeployment | None) -> bool:
    """Whether the PRIMARY deployment of a service has completed.

    With early success criteria, AWS does not document whether rolloutState is COMPLETED once the service deployment is
    SUCCESSFUL, or when all tasks have been replaced: with the clean-up DEFERRED, that may take two weeks.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/early-success-criteria.html

    Args:
        service: the service.
        details: its newest service deployment; None if that is unknown.
    """
    primary = service.primary
    if primary is None or primary.rollout_state == "COMPLETED":
        return primary is not None
    early = service.settings.early_success is not None and primary.rollout_state == "IN_PROGRESS"
    return bool(early and details and details.status == "SUCCESSFUL" and details.deploys(primary.id) is not False)


def is_settled(ecs: LatestDeployments, cluster: str, service: Service) -> bool:
    """Whether the PRIMARY deployment of a service has completed; its service deployment is read if that matters."""
    if is_complete(service, None) or service.settings.early_success is None:
        return is_complete(service, None)
    return is_complete(service, ecs.latest_deployments(cluster, [service.name]).get(service.name))
