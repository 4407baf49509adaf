"""The state in which a run expects a service just before it moves it: any other is the work of another process."""

from __future__ import annotations

from dataclasses import dataclass

from longshore.aws.ecs_types import Service
from longshore.clock import Clock
from longshore.rollout import origin
from longshore.rollout.origin import Origin
from longshore.rollout.ports import ServiceClient


@dataclass(frozen=True)
class Baseline:
    """The expected state of a service before a move.

    Attributes:
        revisions: ARNs of the revisions that may run in any deployment.
        deployments: ids of the deployments that may be PRIMARY with any revision.
    """

    revisions: frozenset[str]
    deployments: frozenset[str] = frozenset()

    def matches(self, service: Service) -> bool:
        """Whether a service is still in this state."""
        primary = service.primary
        revision = primary.task_definition if primary else service.task_definition
        return revision in self.revisions or (primary is not None and primary.id in self.deployments)


def refuse_overtaken(ecs: ServiceClient, cluster: str, baseline: Baseline, service: Service, clock: Clock) -> Service:
    """Refuses to move a service that another process has deployed to; a rollback by ECS may be replaced.

    Returns:
        The service as it was read last.

    Raises:
        SupersededError: another process has deployed.
        UnknownOutcomeError: AWS did not show in time whose deployment is running.
    """
    current = service
    for _ in clock.polls(origin.KNOWN_WITHIN):
        if baseline.matches(current):
            return current
        whose = origin.of_untracked(current, ecs.deployment_history(cluster, service.name))
        if whose is Origin.ECS:
            return current
        if whose is Origin.ANOTHER:
            break
        current = ecs.services(cluster, [service.name])[service.name]
    raise origin.error_about(whose, current)
