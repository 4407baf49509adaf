"""Reads services together with all that AWS says of their tracked deployments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from longshore.aws.ecs_types import Service, ServiceDeployment
from longshore.rollout import origin
from longshore.rollout.ports import ServiceClient
from longshore.rollout.tracking import ServiceLook, TrackedDeployment


def observe(ecs: ServiceClient, cluster: str, tracked: Mapping[str, TrackedDeployment]) -> list[ServiceLook]:
    """One look at each service, by the name of the service.

    The service deployments of a service are listed only while ours is unknown, and once something has replaced or
    stopped it: then one that another process started tells that apart from a rollback by ECS.
    """
    services = ecs.services(cluster, list(tracked))
    current = _current(ecs, services, tracked)
    resolved = {name: _with_arn(ecs, cluster, tracked[name], current.get(name)) for name in services}
    known = {deployment.arn: deployment for deployment in current.values()}
    arns = {deployment.arn or deployment.whole for deployment in resolved.values()}
    wanted = sorted(arn for arn in arns if arn and arn not in known)
    known |= ecs.service_deployments(wanted)
    looks = [
        ServiceLook(service, resolved[name], known.get(resolved[name].arn or ""), paused=_paused(known, resolved[name]))
        for name, service in services.items()
    ]
    return [replace(look, others=_others(ecs, cluster, look)) for look in looks]


def _paused(known: Mapping[str, ServiceDeployment], tracked: TrackedDeployment) -> ServiceDeployment | None:
    """The service deployment of a tracked deployment, if it waits at a hook."""
    details = known.get(tracked.arn or tracked.whole or "")
    return details if details and details.waits else None


def _current(
    ecs: ServiceClient, services: Mapping[str, Service], tracked: Mapping[str, TrackedDeployment]
) -> dict[str, ServiceDeployment]:
    """The current service deployment of each service whose tracked one is unknown, if ECS names it."""
    arns = {
        name: service.current_deployment
        for name, service in services.items()
        if service.current_deployment and tracked[name].arn is None and not tracked[name].by_ecs
    }
    described = ecs.service_deployments(list(arns.values())) if arns else {}
    return {name: described[arn] for name, arn in arns.items() if arn in described}


def _with_arn(
    ecs: ServiceClient, cluster: str, tracked: TrackedDeployment, current: ServiceDeployment | None
) -> TrackedDeployment:
    if tracked.arn or tracked.by_ecs:
        return tracked
    if current and current.deploys(tracked.deployment):
        return replace(tracked, arn=current.arn)
    service, created_at = tracked.move.service, tracked.created_at
    arn = ecs.find_deployment(cluster, service, tracked.deployment, created_at, tracked.previous)
    return replace(tracked, arn=arn)


def _others(ecs: ServiceClient, cluster: str, look: ServiceLook) -> tuple[ServiceDeployment, ...]:
    tracked, details = look.tracked, look.service_deployment
    stopped = details is not None and details.status in (*origin.STOPPED, *origin.ROLLING_BACK)
    if not stopped and not origin.is_replaced(look.service, tracked):
        return ()
    history = ecs.deployment_history(cluster, look.service.name, tracked.created_at)
    return tuple(origin.others(history, tracked))
