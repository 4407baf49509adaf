"""Watches deployments until they have completed, services until they have their tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from longshore.clock import Clock
from longshore.errors import DeadlineError, RolloutError, SupersededError, UnknownOutcomeError
from longshore.rollout.deployments import (
    LOOK_WHY,
    SHOWN_WITHIN,
    ServiceLook,
    TrackedDeployment,
    completed,
    count_failures,
)
from longshore.rollout.looks import looks
from longshore.rollout.ports import ServiceClient

SERVICES_A_SECOND = 5
"""So many are looked at while they are watched: each takes two reads or three, and ECS allows some 20 (aws.md)."""

OnLook = Callable[[ServiceLook], None]
"""Gets each service at each look, before it is judged."""

Predicate = Callable[[ServiceLook], bool]
"""Whether a service is where it should be; raises a RolloutError if it will never be."""


def wait(ecs: ServiceClient, cluster: str, started: Sequence[TrackedDeployment], clock: Clock, on_look: OnLook) -> None:
    """Waits until every one of these deployments has completed.

    Judged by the deployment id that our call returned and by the service deployment that it is: a read without our id
    and without a newer one is "not yet" (reads are eventually consistent); a state that is not known is "in progress"
    until the deadline; a read that fails is repeated until then.

    Args:
        ecs: the services.
        cluster: name of the cluster.
        started: what was started; the deadlines count from now.
        clock: time.
        on_look: gets each service at each look.

    Raises:
        CrashLoopError: enough tasks of one stopped for the same reason.
        DeadlineError: one had not completed at its deadline.
        RolloutError: one failed, with ECS's reason.
        SupersededError: somebody else's deployment took one over.
        UnknownOutcomeError: at the deadline ECS could not be read.
    """
    reader, begun = _Reader(ecs, cluster, _by_service(started), on_look), clock.now()
    for look in looks(partial(reader.pending, completed), clock, _longest(started)):
        if not reader.tracked:
            return
        if any(_has_its_tasks(pending) for pending in look.seen or ()):
            look.pace.hurry()
        late = [one for one in reader.tracked.values() if clock.now() - begun >= one.deadline]
        if late:
            raise _too_late(late, look.unread)
    # A process that was paused between two questions about the time may come here.
    raise _too_late(reader.tracked.values(), look.unread)


def wait_for_counts(
    ecs: ServiceClient, cluster: str, scaled: Sequence[TrackedDeployment], clock: Clock, on_look: OnLook
) -> None:
    """Waits until as many tasks run as each service was scaled to.

    Args:
        ecs: the services.
        cluster: name of the cluster.
        scaled: the deployments that were scaled (``by_ecs``: a count starts none); the deadlines count from now.
        clock: time.
        on_look: gets each service at each look.

    Raises:
        CrashLoopError: enough new tasks of one stopped for the same reason.
        DeadlineError: one had not as many at its deadline.
        SupersededError: somebody else has deployed meanwhile, or set another count.
        UnknownOutcomeError: at the deadline ECS could not be read.
    """
    stopped_before = {task.arn for one in scaled for task in ecs.stopped_tasks(cluster, one.move.service)}
    reader, begun = _Reader(ecs, cluster, _by_service(scaled), on_look, frozenset(stopped_before)), clock.now()

    def scaled_by_now(look: ServiceLook) -> bool:
        return _scaled(look, settled=clock.now() - begun > SHOWN_WITHIN)

    unread = ""
    for look in looks(partial(reader.pending, scaled_by_now), clock, _longest(scaled)):
        unread = look.unread
        if not reader.tracked:
            return
    raise _too_late(reader.tracked.values(), unread)


def bake(
    ecs: ServiceClient,
    cluster: str,
    started: Sequence[TrackedDeployment],
    seconds: float,
    clock: Clock,
    on_look: OnLook,
) -> None:
    """Waits until the services have been well for so long without a break: one bad look, and the time begins anew.

    Raises:
        RolloutError: as `wait`; DeadlineError if they were not well for so long before the longest of their deadlines.
    """
    if not started:
        return  # all of them were there already
    reader, healthy_since = _Reader(ecs, cluster, _by_service(started), on_look), clock.now()
    pause = len(started) / SERVICES_A_SECOND
    read = partial(reader.pending, _healthy, every=True)
    for look in looks(read, clock, _longest(started) + seconds, first=max(0.3, pause), longest=max(1.0, pause)):
        if look.seen or look.unread:
            healthy_since = clock.now()
        elif look.begun - healthy_since >= seconds:
            return
    raise _too_late([pending.tracked for pending in look.seen or ()] or started, look.unread)


@dataclass(frozen=True)
class _Reader:
    """Reads the services of tracked deployments.

    Attributes:
        tracked: the deployments by the name of their service, with all that was learned of them so far.
        ignored: ARNs of stopped tasks that had stopped before.
    """

    ecs: ServiceClient
    cluster: str
    tracked: dict[str, TrackedDeployment]
    on_look: OnLook
    ignored: frozenset[str] = frozenset()

    def pending(self, arrived: Predicate, *, every: bool = False) -> list[ServiceLook]:
        """The services that are not where they should be; the others are not read again.

        With ``every`` all are read each time, and one of which a task has failed since the last look is pending.
        """
        services = self._read()
        for look in services:
            self.on_look(look)
        pending = [look for look in services if not self._arrived(look, arrived, every=every)]
        if not every:
            for name in {look.service.name for look in services} - {look.service.name for look in pending}:
                del self.tracked[name]
        return pending

    def _read(self) -> list[ServiceLook]:
        services = self.ecs.services(self.cluster, list(self.tracked))
        for name, one in self.tracked.items():
            if one.arn is None and not one.by_ecs:
                arn = self.ecs.find_deployment(self.cluster, name, one.created_at, one.previous)
                self.tracked[name] = replace(one, arn=arn)
        deployments = self.ecs.service_deployments([one.arn for one in self.tracked.values() if one.arn])
        return [
            ServiceLook(service, one := self.tracked[name], deployments.get(one.arn or ""))
            for name, service in services.items()
        ]

    def _arrived(self, look: ServiceLook, arrived: Predicate, *, every: bool) -> bool:
        there, name = arrived(look), look.service.name
        if there and not every:
            return True
        stopped = [task for task in self.ecs.stopped_tasks(self.cluster, name) if task.arn not in self.ignored]
        failed = count_failures(stopped, look.tracked)
        self.tracked[name] = replace(look.tracked, failed=failed)
        return there and failed == look.tracked.failed


def _by_service(started: Iterable[TrackedDeployment]) -> dict[str, TrackedDeployment]:
    return {one.move.service: one for one in started}


def _longest(started: Iterable[TrackedDeployment]) -> float:
    return max((one.deadline for one in started), default=0)


def _has_its_tasks(look: ServiceLook) -> bool:
    return look.service.running >= look.service.desired


def _healthy(look: ServiceLook) -> bool:
    return completed(look) and _has_its_tasks(look)


def _scaled(look: ServiceLook, *, settled: bool) -> bool:
    """Whether exactly as many tasks run as are wanted; ``settled`` once a read shows what our call has changed.

    Raises:
        SupersededError: it is somebody else's by now.
    """
    service, one, primary = look.service, look.tracked, look.service.primary
    replaced = primary is not None and primary.id != one.deployment and primary.created_at > one.created_at
    if replaced or (settled and service.desired != one.move.count):
        what = (
            f"deployment {primary.id} took over" if primary and replaced else f"the count was set to {service.desired}"
        )
        raise SupersededError(f"{service.name}: {what} meanwhile", "Theirs is left alone.", service.name)
    return service.desired == service.running == one.move.count and not service.pending


def _too_late(late: Iterable[TrackedDeployment], unread: str) -> RolloutError | UnknownOutcomeError:
    late = list(late)
    names = ", ".join(f"{one.move.service} (deployment {one.deployment})" for one in late)
    seconds = max(one.deadline for one in late)
    if unread:
        return UnknownOutcomeError(
            f"whether {names} got there after {seconds:.0f} s is not known: {unread}",
            "Nothing was moved back. When AWS answers again: invoke status, then invoke release or invoke rollback.",
        )
    return DeadlineError(f"not completed after {seconds:.0f} s: {names}", LOOK_WHY, late[0].move.service)
