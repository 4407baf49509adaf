"""Watches deployments until they have completed, services until they have their tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from longshore.aws.ecs_types import Service
from longshore.clock import Clock
from longshore.errors import AwsError, DeadlineError, RolloutError, SupersededError, UnknownOutcomeError
from longshore.rollout.deployments import LOOK_WHY, SHOWN_WITHIN, TrackedDeployment, completed, count_failures
from longshore.rollout.ports import ServiceClient

SERVICES_A_SECOND = 5
"""So many are looked at while they are watched: each takes two reads or three, and ECS allows some 20 (aws.md)."""

OnService = Callable[[Service], None]


def wait(
    ecs: ServiceClient, cluster: str, started: Sequence[TrackedDeployment], clock: Clock, on_service: OnService
) -> None:
    """Waits until every one of these deployments has completed.

    Judged by the deployment id that our call returned and by the service deployment that it is: a read without our id
    and without a newer one is "not yet" (reads are eventually consistent); a state that is not known is "in progress"
    until the deadline; a read that fails is repeated until then.

    Args:
        ecs: the services.
        cluster: name of the cluster.
        started: what was started; the deadlines count from now.
        clock: time.
        on_service: gets each service at each look.

    Raises:
        CrashLoopError: enough tasks of one stopped for the same reason.
        DeadlineError: one had not completed at its deadline.
        RolloutError: one failed, with ECS's reason.
        SupersededError: somebody else's deployment took one over.
        UnknownOutcomeError: at the deadline ECS could not be read.
    """
    waiting = {one.move.service: one for one in started}
    begun, unread = clock.now(), ""
    for pace in clock.polls(max((one.deadline for one in started), default=0)):
        found, unread = _try_to_look(ecs, cluster, waiting, on_service)
        for name, service in found.items():
            if service is None:
                del waiting[name]
            elif service.running >= service.desired:
                pace.hurry()
        if not waiting:
            return
        late = [one for one in waiting.values() if clock.now() - begun >= one.deadline]
        if late:
            raise _too_late(late, unread)
    # A process that was paused between two questions about the time may come here.
    raise _too_late(list(waiting.values()), unread)


def wait_for_counts(
    ecs: ServiceClient, cluster: str, scaled: Sequence[TrackedDeployment], clock: Clock, on_service: OnService
) -> None:
    """Waits until as many tasks run as each service was scaled to.

    Args:
        ecs: the services.
        cluster: name of the cluster.
        scaled: the deployments that were scaled; the deadlines count from now.
        clock: time.
        on_service: gets each service at each look.

    Raises:
        CrashLoopError: enough new tasks of one stopped for the same reason.
        DeadlineError: one had not as many at its deadline.
        SupersededError: somebody else has deployed meanwhile, or set another count.
        UnknownOutcomeError: at the deadline ECS could not be read.
    """
    waiting = {one.move.service: one for one in scaled}
    known = {name: {task.arn for task in ecs.stopped_tasks(cluster, name)} for name in waiting}
    begun, unread = clock.now(), ""
    for _ in clock.polls(max((one.deadline for one in scaled), default=0)):
        try:
            for name, service in ecs.services(cluster, list(waiting)).items():
                on_service(service)
                if _scaled(service, waiting[name], settled=clock.now() - begun > SHOWN_WITHIN):
                    del waiting[name]
                else:
                    new = [task for task in ecs.stopped_tasks(cluster, name) if task.arn not in known[name]]
                    count_failures(new, waiting[name])
            unread = ""
        except AwsError as error:
            if not error.transient:
                raise
            unread = error.message
        if not waiting:
            return
    raise _too_late(list(waiting.values()), unread)


def _scaled(service: Service, one: TrackedDeployment, *, settled: bool) -> bool:
    """Whether exactly as many tasks run as are wanted; ``settled`` once a read shows what our call has changed.

    Raises:
        SupersededError: it is somebody else's by now.
    """
    primary = service.primary
    replaced = primary is not None and primary.id != one.deployment and primary.created_at > one.created_at
    if replaced or (settled and service.desired != one.move.count):
        what = (
            f"deployment {primary.id} took over" if primary and replaced else f"the count was set to {service.desired}"
        )
        raise SupersededError(f"{service.name}: {what} meanwhile", "Theirs is left alone.", service.name)
    return service.desired == service.running == one.move.count and not service.pending


def keep_watching(
    ecs: ServiceClient,
    cluster: str,
    started: Sequence[TrackedDeployment],
    seconds: float,
    clock: Clock,
    on_service: OnService,
) -> None:
    """Waits until the services have been well for so long without a break: one bad look, and the time begins anew.

    Raises:
        RolloutError: as `wait`; DeadlineError if they were not well for so long before the longest of their deadlines.
    """
    if not started:
        return  # all of them were there already
    waiting = {one.move.service: one for one in started}
    well_since, unread = clock.now(), ""
    unwell: list[str] = []
    pause = len(started) / SERVICES_A_SECOND
    until = max((one.deadline for one in started), default=0) + seconds
    for _ in clock.polls(until, first=max(0.3, pause), longest=max(1.0, pause)):
        now = clock.now()
        found, unread = _try_to_look(ecs, cluster, waiting, on_service, steady=True)
        unwell = [name for name, service in found.items() if service]
        if unwell or unread:
            well_since = clock.now()
        elif now - well_since >= seconds:
            return
    raise _too_late([waiting[name] for name in unwell] or started, unread)


def _try_to_look(
    ecs: ServiceClient,
    cluster: str,
    waiting: Mapping[str, TrackedDeployment],
    on_service: OnService,
    *,
    steady: bool = False,
) -> tuple[dict[str, Service | None], str]:
    """As `_look`; where a read fails that may succeed the next time: nothing, and what AWS said."""
    try:
        return _look(ecs, cluster, waiting, on_service, steady=steady), ""
    except AwsError as error:
        if not error.transient:
            raise
        return {}, error.message


def _look(
    ecs: ServiceClient,
    cluster: str,
    waiting: Mapping[str, TrackedDeployment],
    on_service: OnService,
    *,
    steady: bool = False,
) -> dict[str, Service | None]:
    """One look at all of them: None for each that is where it should be.

    With ``steady`` it must have all its tasks as well, and none may have failed since the last look.
    """
    services = ecs.services(cluster, list(waiting))
    for name, one in waiting.items():
        if one.arn is None and not one.by_ecs:
            one.arn = ecs.find_deployment(cluster, name, one.created_at, one.known)
    known = ecs.service_deployments([one.arn for one in waiting.values() if one.arn])
    found: dict[str, Service | None] = {}
    for name, service in services.items():
        on_service(service)
        one = waiting[name]
        well = completed(service, one, known.get(one.arn or ""))
        if steady or not well:
            failed = count_failures(ecs.stopped_tasks(cluster, name), one)
            well = well and service.running >= service.desired and failed == one.failed
            one.failed = failed
        found[name] = None if well else service
    return found


def _too_late(late: Sequence[TrackedDeployment], unread: str) -> RolloutError | UnknownOutcomeError:
    names = ", ".join(f"{one.move.service} (deployment {one.deployment})" for one in late)
    seconds = max(one.deadline for one in late)
    if unread:
        return UnknownOutcomeError(
            f"whether {names} got there after {seconds:.0f} s is not known: {unread}",
            "Nothing was moved back. When AWS answers again: invoke status, then invoke release or invoke rollback.",
        )
    return DeadlineError(f"not completed after {seconds:.0f} s: {names}", LOOK_WHY, late[0].move.service)
