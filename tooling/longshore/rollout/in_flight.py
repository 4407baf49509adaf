"""Refuses to start on a service whose deployment is still in flight."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from longshore.aws.ecs_types import Service, ServiceDeployment
from longshore.errors import NotReadyError

_UNDER_WAY = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")


def refuse_in_flight(
    services: Mapping[str, Service],
    latest: Mapping[str, ServiceDeployment],
    *,
    repairing: bool = False,
    ours: Collection[str] = (),
) -> None:
    """Refuses to start while a deployment runs (aws.md: never on a PRIMARY that is not COMPLETED).

    Args:
        services: the services by name.
        latest: their newest service deployments, by name.
        repairing: a deployment that has FAILED for good is what we are here to repair.
        ours: ids of deployments that are left of a release of ours, to be repaired as well.

    Raises:
        NotReadyError: names the services and their deployments, and what ends those that never end.
    """
    said = {
        name: text
        for name, service in services.items()
        if not (service.primary and service.primary.id in ours)
        and (text := _busy(service, latest.get(service.name), repairing=repairing))
    }
    if said:
        hint = _way_out([services[name] for name in said], latest, repairing=repairing)
        if any("FAILED" in text for text in said.values()):
            hint = "Bring the last good release back first: invoke rollback"
        raise NotReadyError("a deployment is in flight: " + "; ".join(said.values()), hint)


def _way_out(busy: Sequence[Service], latest: Mapping[str, ServiceDeployment], *, repairing: bool) -> str:
    """What ends deployments that never end by themselves."""
    ways = [] if repairing else ["if a release of ours has left it: invoke rollback"]
    for service in busy:
        found = latest.get(service.name)
        if found and found.status in _UNDER_WAY:
            ways.append(f"stop it: aws ecs stop-service-deployment --service-deployment-arn {found.arn}")
        else:
            ways.append(f"move {service.name} to a revision that works: aws ecs update-service")
    return f"Wait until it has ended, then try again. If it never ends, {'; or '.join(ways)}"


def _busy(service: Service, latest: ServiceDeployment | None, *, repairing: bool) -> str:
    primary = service.primary
    if latest and latest.status in _UNDER_WAY and service.desired:
        return f"{service.name}: {latest.arn.rpartition('/')[2]} is {latest.status}"
    if primary is None or not service.desired or primary.rollout_state == "COMPLETED":
        return ""
    if repairing and primary.rollout_state == "FAILED":
        return ""
    return f"{service.name}: {primary.id} is {primary.rollout_state}"
