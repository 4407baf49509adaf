"""Moves services to revisions, and waits for the deployment that its own call started."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from longshore.aws.ecs import Deployment, Service
from longshore.clock import Clock
from longshore.errors import AwsError, RolloutError, SupersededError


class Services(Protocol):
    """What a roll-out needs of ECS (longshore.aws.ecs)."""

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]: ...  # noqa: D102
    def update(  # noqa: D102
        self, cluster: str, service: str, task_definition: str, count: int | None, *, force: bool
    ) -> str: ...


@dataclass(frozen=True)
class Move:
    """A service and the revision it shall run; ``count`` is None to leave the count as it is."""

    service: str
    task_definition: str
    count: int | None = None


@dataclass(frozen=True)
class Started:
    """A move whose deployment ECS has accepted."""

    move: Move
    deployment: str


OnService = Callable[[Service], None]


def start(ecs: Services, cluster: str, move: Move) -> Started:
    """Starts a move. A service that already has the revision gets a new deployment of it all the same."""
    current = ecs.services(cluster, [move.service])[move.service]
    force = current.task_definition == move.task_definition
    return Started(move, ecs.update(cluster, move.service, move.task_definition, move.count, force=force))


def refuse_in_flight(services: Mapping[str, Service]) -> None:
    """Refuses to start while somebody else's deployment runs (aws.md: never on a PRIMARY that is not COMPLETED).

    Raises:
        RolloutError: names the services and their deployments.
    """
    busy = [
        f"{s.name}: {s.primary.id} is {s.primary.rollout_state}"
        for s in services.values()
        if s.primary and s.primary.rollout_state != "COMPLETED" and s.desired
    ]
    if busy:
        raise AwsError(
            "a deployment is in flight: " + "; ".join(busy), "Wait until it has ended, then start the release again."
        )


def wait(
    ecs: Services, cluster: str, started: Sequence[Started], deadline: float, clock: Clock, on_service: OnService
) -> None:
    """Waits until every one of these deployments has completed.

    Judged by deployment id alone: a read without our id and without a newer one is "not yet" (reads are eventually
    consistent); a state that is not known is "in progress" until the deadline.

    Args:
        ecs: the services.
        cluster: name of the cluster.
        started: what was started.
        deadline: seconds after which waiting ends.
        clock: time.
        on_service: gets each service at each look.

    Raises:
        RolloutError: one failed, or had not completed at the deadline; with ECS's reason.
        SupersededError: somebody else's deployment took one over.
    """
    waiting = {one.move.service: one for one in started}
    for _ in clock.polls(deadline):
        for name, service in _look(ecs, cluster, list(waiting)).items():
            on_service(service)
            if _completed(service, waiting[name]):
                del waiting[name]
        if not waiting:
            return
    late = ", ".join(f"{one.move.service} (deployment {one.deployment})" for one in waiting.values())
    raise RolloutError(f"not completed after {deadline:.0f} s: {late}", "The service's events and task logs say why.")


def _look(ecs: Services, cluster: str, names: Sequence[str]) -> dict[str, Service]:
    try:
        return ecs.services(cluster, names)
    except AwsError as error:
        if error.transient:
            return {}
        raise


def _completed(service: Service, started: Started) -> bool:
    ours, primary = service.deployment(started.deployment), service.primary
    if ours and ours.rollout_state == "FAILED":
        raise RolloutError(
            f"{service.name}: deployment {ours.id} failed: {ours.reason or service.latest_event}",
            "The service's events and task logs say why.",
        )
    if primary and primary.id != started.deployment and _newer(primary, ours):
        raise SupersededError(
            f"{service.name}: deployment {primary.id} of {primary.task_definition} took over from {started.deployment}",
            "Somebody else deployed meanwhile; theirs is left alone.",
            service.name,
        )
    return bool(ours and ours.status == "PRIMARY" and ours.rollout_state == "COMPLETED")


def _newer(primary: Deployment, ours: Deployment | None) -> bool:
    # Without ours to compare with, the answer may be an old one: not yet.
    return ours is not None and primary.created_at >= ours.created_at
