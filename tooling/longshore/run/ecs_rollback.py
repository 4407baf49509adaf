"""Rollbacks that have started already: those of ECS, and those that an earlier process of this run started."""

from __future__ import annotations

from longshore.aws.ecs_types import Deployment, Service
from longshore.errors import AwsError, CrashLoopError, LongshoreError, SupersededError
from longshore.result import ServiceResult
from longshore.rollout import deployments
from longshore.rollout.deployments import Move, TrackedDeployment
from longshore.run.deployer import Deployer
from longshore.run.run import Run

BEGINS_WITHIN = 30.0
"""Seconds in which ECS's own rollback appears after a deployment has FAILED; AWS documents no number."""


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
    """
    ecs, cluster, service = deployer.ecs, run.contract.cluster, run.result.services[key]
    if isinstance(error, CrashLoopError) and error.service == service.name and move.count is None:
        _stop(run, deployer, tracked)
    for _ in deployer.clock.polls(BEGINS_WITHIN, longest=1.0):
        current = ecs.services(cluster, [service.name])[service.name]
        primary = current.primary
        if primary and primary.id != tracked.deployment and primary.created_at > tracked.created_at:
            _refuse_other(run, deployer, service, primary, tracked)
            if primary.task_definition != move.task_definition:
                return None
            if move.count is not None:
                # A new count for the same revision starts no deployment: ECS's rollback gets fewer tasks.
                with run.effect(f"scale {service.name} back", str(move.count)):
                    ecs.update(cluster, service.name, move.task_definition, move.count)
            deadline = deployer.deadline_of(key)
            return TrackedDeployment(move, primary.id, primary.created_at, deadline, by_ecs=True)
        if not _will_roll_back(deployer, current, tracked):
            return None
    return None


def find_earlier(
    run: Run, deployer: Deployer, service: ServiceResult, move: Move, deadline: float
) -> TrackedDeployment | None:
    """The rollback that an earlier process of this run, or ECS, has started; None if there is none.

    Raises:
        SupersededError: another deployment has replaced ours.
    """
    current = deployer.ecs.services(run.contract.cluster, [service.name])[service.name]
    primary = current.primary
    if primary:
        _refuse_other(run, deployer, service, primary, None)
    if not run.resumed or primary is None or primary.task_definition != move.task_definition:
        return None
    if move.count is not None and current.desired != move.count:
        return None
    return TrackedDeployment(move, primary.id, primary.created_at, deadline, by_ecs=True)


def never_started(run: Run, deployer: Deployer, service: ServiceResult, error: LongshoreError) -> bool:
    """Whether a service whose update was refused, or got no response, is still on its previous revision."""
    refused = isinstance(error, AwsError) and not error.ambiguous
    # An update without a response may become visible a moment later, so one read proves nothing.
    for _ in deployer.clock.polls(0.0 if refused else deployments.SHOWN_WITHIN, longest=1.0):
        current = deployer.ecs.services(run.contract.cluster, [service.name])[service.name]
        settled = current.primary is not None and current.primary.rollout_state == "COMPLETED"
        if not settled or current.task_definition != service.before.task_definition:
            return False
    return True


def _stop(run: Run, deployer: Deployer, tracked: TrackedDeployment) -> None:
    """Stops a deployment whose tasks keep crashing; if ECS refuses, our own rollback replaces it."""
    try:
        if tracked.arn and _status(deployer, tracked) in ("PENDING", "IN_PROGRESS"):
            with run.effect(f"stop {tracked.deployment}"):
                deployer.ecs.stop_deployment(tracked.arn)
    except AwsError as error:
        run.detail(f"deployment {tracked.deployment} could not be stopped: {error.message}")


def _will_roll_back(deployer: Deployer, service: Service, tracked: TrackedDeployment) -> bool:
    """Whether ECS is about to roll our deployment back, by the status of its service deployment."""
    status = _status(deployer, tracked)
    if status in ("STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL"):
        return True
    deployment = service.deployment(tracked.deployment)
    failed = deployment is not None and deployment.rollout_state == "FAILED"
    return failed and service.rolls_back and status in ("", "PENDING", "IN_PROGRESS")


def _status(deployer: Deployer, tracked: TrackedDeployment) -> str:
    """The status of our service deployment; empty if ECS does not return it."""
    statuses = deployer.ecs.service_deployments([tracked.arn]) if tracked.arn else {}
    return statuses[tracked.arn].status if tracked.arn in statuses else ""


def _refuse_other(
    run: Run, deployer: Deployer, service: ServiceResult, primary: Deployment, tracked: TrackedDeployment | None
) -> None:
    """Refuses to roll back a service that another process has deployed to since.

    ECS's own rollback does not count, even though it may return to a revision other than the one before this run: the
    one that completed last.

    Raises:
        SupersededError: the service is on neither the revision before this run nor the one of this run.
    """
    ecs, cluster = deployer.ecs, run.contract.cluster
    ours = (service.before.task_definition, service.after.task_definition) if service.after else ()
    if not ours or primary.task_definition in ours:
        return
    latest = None if tracked else ecs.latest_deployments(cluster, [service.name]).get(service.name)
    status = _status(deployer, tracked) if tracked else latest.status if latest else ""
    if not status.startswith("ROLLBACK_"):
        raise SupersededError(
            f"{service.name}: another deployment, {primary.id} of {primary.task_definition}, took over",
            deployments.UNTOUCHED,
            service.name,
        )
