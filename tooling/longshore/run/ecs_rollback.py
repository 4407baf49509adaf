"""Rollbacks that have started already: those of ECS, and those that an earlier process of this run started."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from longshore.aws.ecs_types import Deployment, Service
from longshore.errors import AwsError, CrashLoopError, LongshoreError
from longshore.result import ServiceResult
from longshore.rollout import deployments, origin
from longshore.rollout.baseline import Baseline, refuse_overtaken
from longshore.rollout.completion import is_settled
from longshore.rollout.looks import looks
from longshore.rollout.observation import observe
from longshore.rollout.origin import Origin
from longshore.rollout.tracking import Move, ServiceLook, TrackedDeployment
from longshore.run.deployer import Deployer
from longshore.run.run import Run

BEGINS_WITHIN = 30.0
"""Seconds in which ECS's own rollback appears after a deployment has FAILED; AWS documents no number."""

_MOMENT = timedelta(microseconds=1)


def find(
    run: Run, deployer: Deployer, key: str, tracked: TrackedDeployment, move: Move, error: LongshoreError
) -> TrackedDeployment | None:
    """ECS's own rollback of our deployment, if there is one: two rollbacks of one service must not race.

    Args:
        run: the run.
        deployer: reads and updates services.
        key: of the service.
        tracked: our deployment.
        move: the intended rollback.
        error: the error that caused it.

    Returns:
        The rollback, for the caller to await; None if ECS does not roll back.

    Raises:
        SupersededError: another deployment has replaced ours.
        UnknownOutcomeError: AWS did not show in time whether ECS or another process has replaced ours.
    """
    service = run.result.services[key]
    crashes = isinstance(error, CrashLoopError) and error.service == service.name and move.count is None
    # Unlike our update, ECS's rollback does not wait at pause hooks.
    stopped = (crashes or (tracked.hooked and move.count is None)) and _stop(run, deployer, tracked)
    look = _await_rollback(deployer, run.contract.cluster, tracked, move, stopped=stopped)
    primary = look.service.primary if look else None
    if look is None or primary is None:
        return None
    whose, replaced = origin.of_primary(look), primary.id != tracked.deployment
    if not replaced or primary.task_definition != move.task_definition:
        if whose in (Origin.ANOTHER, Origin.UNKNOWN):
            raise origin.error_about(whose, look.service, look.others)
        return None
    if move.count is not None:
        # A new count for the same revision starts no deployment: ECS's rollback gets fewer tasks.
        with run.effect(f"scale {service.name} back", str(move.count)):
            deployer.ecs.update(run.contract.cluster, service.name, move.task_definition, move.count)
    deadline = deployer.deadline_of(run, key, move)
    return _adopted(deployer, run.contract.cluster, look, primary, move, deadline)


def find_earlier(
    run: Run, deployer: Deployer, service: ServiceResult, move: Move, deadline: float
) -> TrackedDeployment | None:
    """The rollback that an earlier process of this run, or ECS, has started; None if there is none.

    Raises:
        SupersededError: another deployment has replaced ours.
        UnknownOutcomeError: AWS did not show in time whether ECS or another process has replaced ours.
    """
    current = _refuse_other(run, deployer, service)
    primary = current.primary
    if not run.resumed or primary is None or primary.task_definition != move.task_definition:
        return None
    if move.count is not None and current.desired != move.count:
        return None
    ecs, cluster = deployer.ecs, run.contract.cluster
    newest = next(iter(ecs.deployment_history(cluster, service.name)), None)
    tracked = TrackedDeployment(move, primary.id, primary.created_at, deadline, by_ecs=True)
    if newest is None or newest.deploys(primary.id) is not False:
        return tracked
    # ECS's rollback has no separate service deployment; if it has its old id, it may have its old date, too.
    began = max(primary.created_at, newest.created_at)
    counts_from = _counts_from(deployer, cluster, move.service, primary, began)
    return replace(tracked, created_at=began, counts_from=counts_from, whole=newest.arn)


def left_with_hooks(run: Run, deployer: Deployer, service: ServiceResult, deadline: float) -> TrackedDeployment | None:
    """The deployment that an earlier process of this run has left on a service with hooks, where it may wait.

    None if there is none, or if it has ended: then there is nothing to stop.
    """
    if not run.resumed or service.after is None or service.after == service.before:
        return None
    ecs, revision = deployer.ecs, service.after.task_definition
    current = ecs.services(run.contract.cluster, [service.name])[service.name]
    primary, arn = current.primary, current.current_deployment
    if not current.settings.hooks or primary is None or arn is None or primary.task_definition != revision:
        return None
    if primary.rollout_state != "IN_PROGRESS":
        return None
    details = ecs.service_deployments([arn]).get(arn)
    if details is None or not details.deploys(primary.id):
        return None
    move = Move(service.name, revision)
    return TrackedDeployment(move, primary.id, primary.created_at, deadline, arn=arn, hooked=True)


def never_started(run: Run, deployer: Deployer, service: ServiceResult, error: LongshoreError) -> bool:
    """Whether a service whose update was refused, or got no response, is still on its previous revision."""
    refused = isinstance(error, AwsError) and not error.ambiguous
    # An update without a response may become visible a moment later, so one read proves nothing.
    for _ in deployer.clock.polls(0.0 if refused else deployments.SHOWN_WITHIN, longest=1.0):
        current = deployer.ecs.services(run.contract.cluster, [service.name])[service.name]
        settled = is_settled(deployer.ecs, run.contract.cluster, current)
        if not settled or current.task_definition != service.before.task_definition:
            return False
    return True


def _stop(run: Run, deployer: Deployer, tracked: TrackedDeployment) -> bool:
    """Stops a deployment whose tasks keep crashing, or that has hooks; if ECS refuses, our own rollback replaces it."""
    try:
        arn = tracked.arn or _arn(run, deployer, tracked)
        if arn and _status(deployer, arn) in ("PENDING", "IN_PROGRESS"):
            with run.effect(f"stop {tracked.deployment}"):
                deployer.ecs.stop_deployment(arn)
            return True
    except AwsError as error:
        run.detail(f"deployment {tracked.deployment} could not be stopped: {error.message}")
    return False


def _await_rollback(
    deployer: Deployer, cluster: str, tracked: TrackedDeployment, move: Move, *, stopped: bool
) -> ServiceLook | None:
    """Waits until our deployment has been replaced, and AWS shows by whom, as long as ECS may still roll it back.

    Returns:
        The last look at the service if ours has been replaced; None if ECS does not roll back.
    """
    clock, name = deployer.clock, tracked.move.service
    begun, last = clock.now(), None
    for look in looks(
        lambda: observe(deployer.ecs, cluster, {name: tracked})[0], clock, origin.KNOWN_WITHIN, longest=1
    ):
        if look.seen is None:
            continue
        last, whose = look.seen, origin.of_primary(look.seen)
        if whose is Origin.ANOTHER or (whose is Origin.ECS and _is_visible(look.seen, move)):
            return last
        early = clock.now() - begun < BEGINS_WITHIN
        if whose is not Origin.UNKNOWN and not _will_roll_back(look.seen, early=early, stopped=stopped):
            return None
    return last


def _is_visible(look: ServiceLook, move: Move) -> bool:
    """Whether the PRIMARY is ECS's rollback of the tracked deployment, by a read that is not out of date."""
    primary, details = look.service.primary, look.service_deployment
    if origin.is_replaced(look.service, look.tracked):
        return True
    # It has its old id and its old date, and ours is no longer listed.
    ended = details is not None and details.status == "ROLLBACK_SUCCESSFUL"
    return ended and primary is not None and primary.task_definition == move.task_definition


def _will_roll_back(look: ServiceLook, *, early: bool, stopped: bool) -> bool:
    """Whether a deployment that is still PRIMARY may yet be replaced.

    Args:
        look: the service.
        early: whether a rollback by ECS need not have begun yet.
        stopped: whether this run has stopped the deployment.
    """
    status = look.service_deployment.status if look.service_deployment else ""
    deployment = look.service.deployment(look.tracked.deployment)
    failed = deployment is not None and deployment.rollout_state == "FAILED"
    if status in origin.ROLLING_BACK:
        return status != "ROLLBACK_FAILED"
    if status in origin.STOPPED:
        # Another process may have stopped it by deploying.
        return not failed or (early and status == "STOP_REQUESTED")
    return stopped or (early and failed and look.service.rolls_back)


def _adopted(
    deployer: Deployer, cluster: str, look: ServiceLook, primary: Deployment, move: Move, deadline: float
) -> TrackedDeployment:
    """The rollback that ECS has made PRIMARY; if it has its old id, its earlier life does not count."""
    tracked = look.tracked
    began = max(primary.created_at, tracked.created_at)
    counts_from = _counts_from(deployer, cluster, move.service, primary, began)
    replaces = tracked.deployment
    return TrackedDeployment(
        move,
        primary.id,
        began,
        deadline,
        by_ecs=True,
        replaces=replaces,
        counts_from=counts_from,
        hooked=tracked.hooked,
        whole=tracked.arn,
    )


def _counts_from(deployer: Deployer, cluster: str, service: str, primary: Deployment, began: datetime) -> datetime:
    """The time from which failed tasks of a rollback count: if its date is an old one, all that have stopped do not."""
    if primary.created_at >= began:
        return began
    tasks = deployer.ecs.stopped_tasks(cluster, service)
    stopped = [task.created_at for task in tasks if task.started_by == primary.id and task.created_at]
    return max([began, *(created + _MOMENT for created in stopped)])


def _arn(run: Run, deployer: Deployer, tracked: TrackedDeployment) -> str | None:
    """The ARN of the service deployment of a service with hooks, which may appear a moment after our update."""
    ecs, cluster, service = deployer.ecs, run.contract.cluster, tracked.move.service
    if not tracked.hooked:
        return None
    for _ in deployer.clock.polls(deployments.SHOWN_WITHIN, longest=1.0):
        if arn := ecs.find_deployment(cluster, service, tracked.deployment, tracked.created_at, tracked.previous):
            return arn
    return None


def _status(deployer: Deployer, arn: str) -> str:
    """The status of our service deployment; empty if ECS does not return it."""
    described = deployer.ecs.service_deployments([arn])
    return described[arn].status if arn in described else ""


def _refuse_other(run: Run, deployer: Deployer, service: ServiceResult) -> Service:
    """Refuses to roll back a service that another process has deployed to since.

    ECS's own rollback does not count, even though it may return to a revision other than the one before this run: the
    one that completed last.

    Returns:
        The service as it was read last.

    Raises:
        SupersededError: the service is on neither the revision before this run nor the one of this run.
        UnknownOutcomeError: AWS did not show in time whether ECS or another process has replaced ours.
    """
    ecs, cluster = deployer.ecs, run.contract.cluster
    ours = (service.before.task_definition, service.after.task_definition) if service.after else ()
    current = ecs.services(cluster, [service.name])[service.name]
    if not ours or current.primary is None:
        return current
    return refuse_overtaken(ecs, cluster, Baseline(frozenset(ours)), current, deployer.clock)
