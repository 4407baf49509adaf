"""Refuses to start on services that have a deployment in flight."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from longshore.aws.ecs_types import Service, ServiceDeployment
from longshore.errors import NotReadyError
from longshore.rollout.completion import is_complete

_UNDER_WAY = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")


def refuse_in_flight(
    services: Mapping[str, Service],
    latest: Mapping[str, ServiceDeployment],
    *,
    repairing: bool = False,
    ours: Collection[str] = (),
) -> None:
    """Refuses to start while a deployment is in flight.

    A deployment that starts before the previous one has completed cannot be rolled back by ECS's circuit breaker.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html

    Args:
        services: the services by name.
        latest: their newest service deployments, by name.
        repairing: whether a deployment that ended as FAILED may be replaced.
        ours: ids of deployments that an earlier release left behind; they may be replaced as well.

    Raises:
        NotReadyError: names the services and their deployments, and says how to end the deployments.
    """
    in_flight = {
        name: text
        for name, service in services.items()
        if not (service.primary and service.primary.id in ours)
        and (text := _unfinished(service, latest.get(service.name), repairing=repairing))
    }
    if in_flight:
        hint = _how_to_end([services[name] for name in in_flight], latest, repairing=repairing)
        if any("FAILED" in text for text in in_flight.values()):
            hint = "Return to the last good release first: invoke rollback"
        raise NotReadyError("a deployment is in flight: " + "; ".join(in_flight.values()), hint)


def _unfinished(service: Service, latest: ServiceDeployment | None, *, repairing: bool) -> str:
    """The deployment of a service that is in flight, and its state; empty if there is none."""
    primary = service.primary
    if latest and latest.status in _UNDER_WAY and service.desired:
        return f"{service.name}: {latest.arn.rpartition('/')[2]} is {latest.status}"
    if primary is None or not service.desired or is_complete(service, latest):
        return ""
    if repairing and primary.rollout_state == "FAILED":
        return ""
    return f"{service.name}: {primary.id} is {primary.rollout_state}"


def _how_to_end(services: Sequence[Service], latest: Mapping[str, ServiceDeployment], *, repairing: bool) -> str:
    """A hint for deployments that may never end."""
    commands = [] if repairing else ["run invoke rollback (if an earlier release left it behind)"]
    for service in services:
        deployment = latest.get(service.name)
        if deployment and deployment.status in _UNDER_WAY:
            commands.append(f"stop it: aws ecs stop-service-deployment --service-deployment-arn {deployment.arn}")
        else:
            commands.append(f"move {service.name} to a revision that works: aws ecs update-service")
    return f"Wait until it has ended, then try again. If it does not end, {'; or '.join(commands)}"
