"""Waits until deployments have completed, services have their tasks, or both have stayed healthy for a while."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from longshore.clock import Clock
from longshore.errors import CrashLoopError, DeadlineError, RolloutError, SupersededError, UnknownOutcomeError
from longshore.rollout import origin
from longshore.rollout.deployments import SHOWN_WITHIN, completed, failed_tasks
from longshore.rollout.failed_tasks import SEE_REASONS, QuietTime, summarized
from longshore.rollout.looks import looks
from longshore.rollout.observation import observe
from longshore.rollout.pauses import PACE, HeldTime
from longshore.rollout.ports import ServiceClient
from longshore.rollout.tracking import ServiceLook, TrackedDeployment

SERVICES_A_SECOND = 5
"""How many services are read in a second, so that a large wave does not use up the budget (longshore.aws.rates)."""

OnLook = Callable[[ServiceLook], None]
"""Receives each service at each look, before it is judged."""

Predicate = Callable[[ServiceLook], bool]
"""Whether a service has reached its goal; raises a RolloutError if it never will."""


def wait(
    ecs: ServiceClient, cluster: str, deployments: Sequence[TrackedDeployment], clock: Clock, on_look: OnLook
) -> None:
    """Waits until all deployments have completed.

    Each is judged by the id that our call returned and by its service deployment. Reads are eventually consistent: one
    that shows neither our deployment nor a newer one means "not yet", and so does a newer one until AWS shows whether
    ECS rolls ours back or another process has deployed. An unknown state means "in progress" until the deadline. Reads
    that fail are repeated until then. The time for which a deployment waits at a lifecycle hook does not count.

    Args:
        ecs: reads services, deployments and tasks.
        cluster: name of the cluster.
        deployments: the deployments; their deadlines count from now.
        clock: time.
        on_look: receives each service at each look.

    Raises:
        CrashLoopError: several tasks of one deployment stopped for the same reason.
        DeadlineError: one had not completed at its deadline.
        RolloutError: one failed; the message has ECS's reason.
        SupersededError: another deployment has replaced one.
        UnknownOutcomeError: ECS could not be read at the deadline.
    """
    reader, begun = _Reader(ecs, cluster, _by_service(deployments), on_look, clock), clock.now()
    near_end, pause = set[str](), len(deployments) / SERVICES_A_SECOND
    for look in looks(partial(reader.pending, completed), clock, math.inf, longest=max(2.5, pause)):
        if not reader.tracked:
            return
        if look.seen and all(service.paused for service in look.seen):
            look.pace.interval = PACE
        if newly := {service.service.name for service in look.seen or () if _near_end(service)} - near_end:
            look.pace.hurry()  # once for each: alarms may keep a deployment near its end for minutes
            near_end |= newly
        now, waited = clock.now(), reader.held.seconds
        late = [d for name, d in reader.tracked.items() if now - begun - waited.get(name, 0.0) >= d.deadline]
        if late:
            raise _too_late(late, look.unread)


def wait_for_counts(
    ecs: ServiceClient, cluster: str, scaled: Sequence[TrackedDeployment], clock: Clock, on_look: OnLook
) -> None:
    """Waits until each service runs exactly the number of tasks that it was scaled to.

    Args:
        ecs: reads services and tasks.
        cluster: name of the cluster.
        scaled: the deployments of the services, with ``by_ecs``; their deadlines count from now.
        clock: time.
        on_look: receives each service at each look.

    Raises:
        CrashLoopError: several new tasks of one service stopped for the same reason.
        DeadlineError: one did not have its tasks at its deadline.
        SupersededError: another deployment replaced ours, or another process set a different count.
        UnknownOutcomeError: ECS could not be read at the deadline.
    """
    stopped_before = {task.arn for tracked in scaled for task in ecs.stopped_tasks(cluster, tracked.move.service)}
    reader, begun = _Reader(ecs, cluster, _by_service(scaled), on_look, clock, frozenset(stopped_before)), clock.now()

    def has_its_count(look: ServiceLook) -> bool:
        return _has_its_count(look, settled=clock.now() - begun > SHOWN_WITHIN)

    unread = ""
    for look in looks(partial(reader.pending, has_its_count), clock, _longest(scaled)):
        unread = look.unread
        if not reader.tracked:
            return
    raise _too_late(reader.tracked.values(), unread)


def bake(
    ecs: ServiceClient,
    cluster: str,
    deployments: Sequence[TrackedDeployment],
    seconds: float,
    clock: Clock,
    on_look: OnLook,
) -> None:
    """Waits until all services have been healthy for a time without a break; one unhealthy look restarts the time.

    A failed task makes the time longer (`QuietTime`).

    Args:
        ecs: reads services, deployments and tasks.
        cluster: name of the cluster.
        deployments: the deployments of the services.
        seconds: how long the services must be healthy, at least.
        clock: time.
        on_look: receives each service at each look.

    Raises:
        CrashLoopError: new tasks of one service failed too often, or the services were never quiet after one.
        DeadlineError: they were not healthy for that long before the longest of their deadlines plus ``seconds``.
        RolloutError, UnknownOutcomeError: as `wait`.
    """
    if not deployments:
        return  # no service had to be moved
    reader, begun = _Reader(ecs, cluster, _by_service(deployments), on_look, clock), clock.now()
    quiet = QuietTime(seconds, until=begun + _longest(deployments) + seconds, since=begun)
    read, pause = partial(reader.pending, _healthy, every=True), len(deployments) / SERVICES_A_SECOND
    for look in looks(read, clock, math.inf, first=max(0.3, pause), longest=max(1.0, pause)):
        quiet.learn(task for tracked in reader.tracked.values() for task in tracked.failed)
        if look.seen or look.unread:
            quiet.since = clock.now()
        elif look.begun - quiet.since >= quiet.seconds:
            return
        if clock.now() >= quiet.until:
            break
    late = [reader.tracked[pending.service.name] for pending in look.seen or ()]
    raise _too_restless(late or list(reader.tracked.values()), look.unread, quiet.seconds)


@dataclass(frozen=True)
class _Reader:
    """Reads the services of tracked deployments.

    Attributes:
        ecs: reads services, deployments and tasks.
        cluster: name of the cluster.
        tracked: the deployments by the name of their service; each read adds to them.
        on_look: receives each service at each look.
        clock: time.
        stopped_before: ARNs of tasks that do not count as failures.
        held: how long each service has waited at hooks.
        stopped_since: when each service's deployment was first seen as stopped, by the name of the service.
    """

    ecs: ServiceClient
    cluster: str
    tracked: dict[str, TrackedDeployment]
    on_look: OnLook
    clock: Clock
    stopped_before: frozenset[str] = frozenset()
    stopped_since: dict[str, float] = field(default_factory=dict)
    held: HeldTime = field(default_factory=HeldTime)

    def pending(self, reached: Predicate, *, every: bool = False) -> list[ServiceLook]:
        """Reads the services, and returns those that have not reached their goal; the others are not read again.

        With ``every``, all services are read each time, and a task that has failed since the last look makes its
        service pending.
        """
        services = self._read()
        for look in services:
            self.on_look(look)
        pending = [look for look in services if not self._reached(look, reached, every=every)]
        if not every:
            for name in {look.service.name for look in services} - {look.service.name for look in pending}:
                del self.tracked[name]
        return pending

    def _read(self) -> list[ServiceLook]:
        services = [self._timed(look) for look in observe(self.ecs, self.cluster, self.tracked)]
        self.tracked.update((look.service.name, look.tracked) for look in services)
        return services

    def _timed(self, look: ServiceLook) -> ServiceLook:
        """The look with the times for which its deployment has waited at hooks, and has been stopped.

        Another process may have replaced one that is stopped.
        """
        details, name, now = look.service_deployment, look.service.name, self.clock.now()
        look = replace(look, held=self.held.learn(name, now, waits=look.paused is not None))
        if details is None or details.status not in origin.STOPPED:
            self.stopped_since.pop(name, None)
            return look
        return replace(look, stopped_for=now - self.stopped_since.setdefault(name, now))

    def _reached(self, look: ServiceLook, reached: Predicate, *, every: bool) -> bool:
        done, name = reached(look), look.service.name
        if done and not every:
            return True
        stopped = [task for task in self.ecs.stopped_tasks(self.cluster, name) if task.arn not in self.stopped_before]
        failed = failed_tasks(stopped, look)
        self.tracked[name] = replace(look.tracked, failed=failed)
        return done and len(failed) == len(look.tracked.failed)


def _by_service(deployments: Iterable[TrackedDeployment]) -> dict[str, TrackedDeployment]:
    return {tracked.move.service: tracked for tracked in deployments}


def _longest(deployments: Iterable[TrackedDeployment]) -> float:
    return max((tracked.deadline for tracked in deployments), default=0)


def _has_its_tasks(look: ServiceLook) -> bool:
    """Whether enough tasks of the tracked deployment run: those that are only starting say nothing against it."""
    service = look.service
    ours = service.deployment(look.tracked.deployment)
    return (ours.running if ours else service.running) >= service.settings.enough(service.desired)


def _near_end(look: ServiceLook) -> bool:
    """Whether all tasks of the tracked deployment run, and none of an earlier one."""
    ours = look.service.deployment(look.tracked.deployment)
    return bool(ours and ours.running >= ours.desired and look.service.running <= ours.running)


def _healthy(look: ServiceLook) -> bool:
    return completed(look) and _has_its_tasks(look)


def _has_its_count(look: ServiceLook, *, settled: bool) -> bool:
    """Whether a service runs exactly the number of tasks that it was scaled to.

    Args:
        look: the service.
        settled: whether a read must show the new count by now.

    Raises:
        SupersededError: another deployment replaced ours, or another process set a different count.
    """
    service, tracked, primary = look.service, look.tracked, look.service.primary
    if primary and primary.id != tracked.deployment and primary.created_at > tracked.created_at:
        raise SupersededError(f"{service.name}: deployment {primary.id} took over", origin.UNTOUCHED, service.name)
    if settled and service.desired != tracked.move.count:
        raise SupersededError(
            f"{service.name}: another process set the count to {service.desired}",
            "That count was left untouched.",
            service.name,
        )
    # Tasks that an early success has left behind may run for two weeks.
    current = primary if primary and service.settings.old_tasks_stay else service
    return service.desired == current.running == tracked.move.count and not service.pending


def _too_restless(late: Sequence[TrackedDeployment], unread: str, seconds: float) -> RolloutError | UnknownOutcomeError:
    """The error of services that were not healthy for long enough: a crash loop, if tasks of one failed."""
    for tracked in late:
        if tracked.failed and not unread:
            name = tracked.move.service
            text = f"{summarized(name, tracked.failed)}; it was not healthy for {seconds:.0f} s afterwards"
            return CrashLoopError(text, SEE_REASONS, name)
    return _too_late(late, unread)


def _too_late(late: Iterable[TrackedDeployment], unread: str) -> RolloutError | UnknownOutcomeError:
    late = list(late)
    names = ", ".join(f"{tracked.move.service} (deployment {tracked.deployment})" for tracked in late)
    seconds = max(tracked.deadline for tracked in late)
    if unread:
        return UnknownOutcomeError(
            f"could not determine within {seconds:.0f} s whether {names} completed: {unread}",
            "Nothing was rolled back. Once AWS answers again, run invoke status, then invoke release or rollback.",
        )
    return DeadlineError(f"not completed after {seconds:.0f} s: {names}", SEE_REASONS, late[0].move.service)
