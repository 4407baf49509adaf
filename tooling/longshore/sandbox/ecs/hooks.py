"""Pause hooks: a deployment waits at a stage until ContinueServiceDeployment answers its hook, or its time is over.

Rules: the developer guide's "Lifecycle hooks for Amazon ECS service deployments", "Pause hooks" and "Continuing service
deployments", and the ECS API's DeploymentLifecycleHook. A comment marks each choice that AWS does not document.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from longshore.sandbox.ecs.definitions import ecs_error
from longshore.sandbox.ecs.fleet import Deployment, Service, Task
from longshore.sandbox.ecs.stages import AWAITING, STAGES, Hook

MOST_HOOKS = 10
"""The number of pause hooks that a service may have (developer guide, "Pause hooks")."""

_DEFAULT_MINUTES, _DEFAULT_ACTION = 1440, "ROLLBACK"
_MINUTES = range(1, 20160 + 1)
_NO_TRAFFIC = ("TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT")


def check(parameters: Mapping[str, Any]) -> None:
    """Refuse pause hooks that AWS refuses, and stages that the sandbox does not have.

    Raises:
        ServiceException: InvalidParameterException. All texts are unknown.
    """
    hooks = (parameters.get("deploymentConfiguration") or {}).get("lifecycleHooks") or []
    if len(hooks) > MOST_HOOKS:
        _refuse(f"A service can have at most {MOST_HOOKS} pause hooks.")
    for hook in hooks:
        if hook.get("targetType") != "PAUSE":  # without a type it invokes a function (ECS API, targetType)
            _refuse("The sandbox does not play lifecycleHooks.targetType AWS_LAMBDA: use PAUSE.")
        stages = hook.get("lifecycleStages") or []
        if not stages:
            _refuse("lifecycleStages is required.")
        for stage in stages:
            _check_stage(stage)
        minutes = (hook.get("timeoutConfiguration") or {}).get("timeoutInMinutes")
        if minutes is not None and minutes not in _MINUTES:
            _refuse(f"timeoutInMinutes must be between {_MINUTES[0]} and {_MINUTES[-1]}.")


def _check_stage(stage: str) -> None:
    if stage in _NO_TRAFFIC:
        _refuse(f"PAUSE hooks cannot be configured at {stage}.")
    if stage not in STAGES:
        _refuse(f"The sandbox does not play lifecycleHooks.lifecycleStages {stage}: use {', '.join(STAGES)}.")


def watch(service: Service, tasks: Sequence[Task], now: float, *, on_rollback: bool) -> None:
    """Move the PRIMARY deployment of a service through its stages, as far as its hooks allow.

    Args:
        service: the service.
        tasks: its tasks that have not stopped.
        now: the time.
        on_rollback: whether a rollback waits at pause hooks, too. AWS runs hooks on a rollback at the two stages at
            which traffic is shifted, and those take no pause hook.
    """
    configured = service.settings["deploymentConfiguration"].get("lifecycleHooks") or []
    if service.status != "ACTIVE" or not (configured or service.primary.stages.hooks):
        return
    deployment, stages = service.primary, service.primary.stages
    if deployment.completed or deployment.failed or (deployment.rolls_back and not on_rollback):
        return
    _expire(deployment, now)
    while not stages.waiting and not stages.failed and (stage := _next(service, deployment, tasks)):
        stages.stage = stage
        stages.hooks += _reached(configured, stage, now)


def answer(deployment: Deployment, hook_id: str, action: str) -> None:
    """Answer a hook that waits.

    Args:
        deployment: the deployment that has reached it.
        hook_id: its id.
        action: CONTINUE or ROLLBACK.

    Raises:
        ServiceException: InvalidParameterException; the deployment has no such hook, or it does not wait any more.
    """
    hook = next((hook for hook in deployment.stages.hooks if hook.id == hook_id), None)
    if hook is None:
        _refuse(f"The lifecycle hook {hook_id} does not exist.")
    elif hook.status != AWAITING:
        _refuse(f"The lifecycle hook {hook_id} is not in AWAITING_ACTION status: {hook.status}.")
    elif action == "CONTINUE":
        hook.status = "SUCCEEDED"
    else:
        hook.status = "FAILED"
        _fail(deployment, f"Service deployment rolled back because {hook.stage} lifecycle hook(s) failed.")


def _expire(deployment: Deployment, now: float) -> None:
    for hook in deployment.stages.hooks:
        if hook.status == AWAITING and hook.expires_at <= now:
            hook.status = "TIMED_OUT"
            if hook.action == "ROLLBACK":  # in the manner of a hook that failed; text unknown
                _fail(deployment, f"Service deployment rolled back because {hook.stage} lifecycle hook(s) timed out.")


def _fail(deployment: Deployment, reason: str) -> None:
    # Recorded of a hook that failed: the service deployment passes through ROLLBACK_REQUESTED, with that reason.
    deployment.stages.failed = deployment.status_reason = reason
    if deployment.status in ("PENDING", "IN_PROGRESS"):
        deployment.status = "ROLLBACK_REQUESTED"


def _next(service: Service, deployment: Deployment, tasks: Sequence[Task]) -> str | None:
    """The stage that follows; None if it is not reached yet."""
    match deployment.stages.stage:
        case "":
            # More than one revision was ACTIVE before this deployment (ECS API, lifecycleStages).
            return "RECONCILE_SERVICE" if len(service.deployments) > 2 else "PRE_SCALE_UP"
        case "RECONCILE_SERVICE":
            return "PRE_SCALE_UP"
        case "PRE_SCALE_UP":
            return "SCALE_UP"
        case "SCALE_UP":
            serving = sum(task.serving for task in tasks if task.deployment == deployment.id)
            return "POST_SCALE_UP" if serving >= service.wanted else None
        case _:
            return None


def _reached(configured: Sequence[Mapping[str, Any]], stage: str, now: float) -> Iterator[Hook]:
    for hook in configured:
        if stage in hook["lifecycleStages"]:
            limit = hook.get("timeoutConfiguration") or {}
            minutes = limit.get("timeoutInMinutes") or _DEFAULT_MINUTES
            yield Hook(stage, now + 60.0 * minutes, limit.get("action") or _DEFAULT_ACTION)


def _refuse(message: str) -> None:
    raise ecs_error("InvalidParameterException", message)
