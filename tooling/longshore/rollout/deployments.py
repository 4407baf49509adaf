"""Moves services to revisions, and judges the deployments that this starts."""

from __future__ import annotations

from collections.abc import Sequence

from longshore.aws.ecs_types import Service, ServiceDeployment, Task
from longshore.clock import Clock
from longshore.errors import RolloutError
from longshore.rollout import origin
from longshore.rollout.baseline import Baseline, refuse_overtaken
from longshore.rollout.completion import is_complete
from longshore.rollout.failed_tasks import SEE_REASONS, refuse_crash_loop
from longshore.rollout.origin import Origin
from longshore.rollout.pauses import why_ended
from longshore.rollout.ports import DeploymentHistory, ServiceClient
from longshore.rollout.tracking import Move, ServiceLook, TrackedDeployment

SHOWN_WITHIN = 5.0
"""Seconds after which a read shows the effect of a call; AWS gives no number."""


def start(
    ecs: ServiceClient,
    cluster: str,
    move: Move,
    deadline: float,
    *,
    baseline: Baseline | None = None,
    clock: Clock | None = None,
) -> TrackedDeployment:
    """Starts a move; a service that already has the revision gets a new deployment of it.

    Args:
        ecs: moves and reads services.
        cluster: name of the cluster.
        move: the move.
        deadline: seconds that the deployment may take.
        baseline: the state of the service since this run looked at it, compared just before the move; None for any.
        clock: time.

    Raises:
        SupersededError: another process has deployed since; the service was not moved.
        UnknownOutcomeError: the running deployment could not be attributed; the service was not moved.
    """
    previous = ecs.newest_deployment(cluster, move.service)
    current = ecs.services(cluster, [move.service])[move.service]
    if baseline and not baseline.matches(current):
        current = refuse_overtaken(ecs, cluster, baseline, current, clock or Clock())
    force = current.task_definition == move.task_definition
    deployment = ecs.update(cluster, move.service, move.task_definition, move.count, force=force)
    replaces = current.primary.id if current.primary else None
    return TrackedDeployment(
        move,
        deployment.id,
        deployment.created_at,
        deadline,
        previous=previous,
        replaces=replaces,
        hooked=bool(current.settings.hooks),
    )


def find_again(
    ecs: DeploymentHistory, cluster: str, move: Move, before: str, deadline: float, clock: Clock
) -> TrackedDeployment | None:
    """Finds the deployment of a move that another process began, by the revision that the service is moving to.

    Args:
        ecs: reads services and their deployments.
        cluster: name of the cluster.
        move: the move, which may not have begun.
        before: ARN of the revision that the service ran before.
        deadline: seconds that the deployment may take from now.
        clock: time.

    Returns:
        The deployment; None if the service has not moved.

    Raises:
        RolloutError: ECS has rolled it back.
        SupersededError: another deployment has replaced it.
        UnknownOutcomeError: AWS did not show in time whose deployment is running.
    """
    for _ in clock.polls(origin.KNOWN_WITHIN):
        service = ecs.services(cluster, [move.service])[move.service]
        primary, history = service.primary, ecs.deployment_history(cluster, move.service)
        if primary and primary.task_definition == move.task_definition != before:
            hooked = bool(service.settings.hooks)
            return TrackedDeployment(move, primary.id, primary.created_at, deadline, hooked=hooked)
        whose = origin.of_untracked(service, history)
        if whose is Origin.ECS:
            raise RolloutError(
                f"{move.service}: ECS rolled the deployment back while no release was running:"
                f" {_why_rolled_back(service, history)}",
                SEE_REASONS,
                move.service,
            )
        if primary is None or primary.task_definition in (before, move.task_definition):
            return None
        if whose is Origin.ANOTHER:
            break
    raise origin.error_about(whose, service)


def completed(look: ServiceLook) -> bool:
    """Whether the tracked deployment has completed, judged by its id and by its service deployment.

    Raises:
        RolloutError: it failed.
        SupersededError: another deployment has replaced it.
    """
    service, tracked, details = look.service, look.tracked, look.service_deployment
    deployment, primary = service.deployment(tracked.deployment), service.primary
    if deployment and deployment.rollout_state == "FAILED":
        raise _failed(look, deployment.reason)
    status, reason = (details.status, details.reason) if details else ("", "")
    match origin.of_primary(look):
        case Origin.ECS:
            announced = primary.reason if primary and origin.announces_rollback(primary) else ""
            raise _failed(look, reason or announced or f"ECS is rolling it back ({status})")
        case Origin.ANOTHER:
            raise origin.error_about(Origin.ANOTHER, service, look.others, tracked.deployment)
        case Origin.UNKNOWN:
            return False
    if status in origin.STOPPED and look.stopped_for >= origin.KNOWN_WITHIN:
        raise _failed(look, reason or f"it was stopped ({status})")
    settled = tracked.by_ecs or details is None or status == "SUCCESSFUL"
    return bool(settled and deployment and deployment.status == "PRIMARY" and is_complete(service, details))


def failed_tasks(stopped: Sequence[Task], look: ServiceLook) -> tuple[Task, ...]:
    """The failed tasks of a tracked deployment: those that were seen before, and those that ECS shows now.

    A rollback by ECS may have the id of the deployment to which it returns, and tasks that failed before do not count.

    Raises:
        CrashLoopError: too many of them failed for the same cause.
    """
    tracked = look.tracked
    shown = [task for task in stopped if task.started_by == tracked.deployment and task.failure()]
    new = [task for task in shown if not _happened_before(task, tracked)]
    failed = {task.arn: task for task in (*tracked.failed, *new)}
    refuse_crash_loop(look.service, tuple(failed.values()))
    return tuple(failed.values())


def _happened_before(task: Task, tracked: TrackedDeployment) -> bool:
    """Whether a task belongs to an earlier life of its deployment, to which ECS has rolled back under its old id."""
    return bool(task.created_at and task.created_at < (tracked.counts_from or tracked.created_at))


def _why_rolled_back(service: Service, history: Sequence[ServiceDeployment]) -> str:
    newest, primary = next(iter(history), None), service.primary
    if newest and newest.status in origin.ROLLING_BACK:
        return newest.reason or newest.status
    return primary.reason if primary else ""


def _failed(look: ServiceLook, reason: str) -> RolloutError:
    name = look.service.name
    reason = (reason or look.service.latest_event) + why_ended(look.service_deployment)
    if look.service_deployment and look.service_deployment.alarms:
        reason += f" (in ALARM: {', '.join(look.service_deployment.alarms)})"
    return RolloutError(f"{name}: deployment {look.tracked.deployment} failed: {reason}", SEE_REASONS, name)
