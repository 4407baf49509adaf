"""Applies the approved plan, and gives the run the contract with the registered revisions."""

from __future__ import annotations

from typing import Any

from longshore.aws.ecs import Ecs
from longshore.environment.environment import Environment
from longshore.errors import ApplyError, PlanError, StalePlanError, TerraformError
from longshore.masking import secrets_of_containers
from longshore.run import build_and_plan, plan_scope, snapshot
from longshore.run.options import ReleaseOptions
from longshore.run.run import Run
from longshore.terraform import plan
from longshore.terraform.driver import Driver, SavedPlan

_TOO_MANY_AT_ONCE = "Too many concurrent attempts to create a new revision"
"""ECS refuses RegisterTaskDefinition with this message for a moment; botocore does not retry it (docs/failures.md)."""


def is_applied(run: Run, saved: SavedPlan) -> bool:
    """Whether an earlier process of this run has applied the plan, so that nothing is left to approve."""
    return run.resumed and not saved.changed


def apply(run: Run, env: Environment, options: ReleaseOptions, saved: SavedPlan) -> None:
    """Applies the approved plan and reads the contract again.

    A plan that went stale, or that ECS refused for a moment, is made again once, and applied only if it would change
    the same things.

    Raises:
        ApplyError: Terraform failed, ECS does not have the registered revision, or an image was not built.
        NotReadyError: a service that the apply created cannot be rolled out yet.
        PlanError: the new plan differs from the approved one.
    """
    aws, version, targeted = env.aws, run.result.version, plan_scope.only_task_definitions(run.result)
    if is_applied(run, saved):
        # The process may have been killed between the apply and the update of the outputs.
        outputs = _update_outputs(run, env.terraform) if targeted else None
    else:
        with run.effect(f"apply {version}"):
            outputs = _apply(run, env, options, saved)
        if targeted:
            outputs = _update_outputs(run, env.terraform)
    run.contract = env.contract(outputs)
    snapshot.notice_replaced(run, aws.ecs)
    _check_registered_images(run, aws.ecs)
    snapshot.take(run, aws.ecs, aws.events)  # with --allow-infra, an apply creates and removes services and schedules


def register(run: Run, env: Environment) -> None:
    """Registers the version of an earlier release again, whose revisions have been deregistered since.

    Raises:
        PlanError: the plan would change more than task definitions.
        ApplyError: Terraform failed.
    """
    targeted = plan_scope.only_task_definitions(run.result)
    with plan_scope.planned(env.terraform, run.contract, run.result.version, targeted=targeted) as saved:
        build_and_plan.judge(run, env, ReleaseOptions(), plan.changes(env.terraform.show(saved)))
        apply(run, env, ReleaseOptions(), saved)


def _apply(run: Run, env: Environment, options: ReleaseOptions, saved: SavedPlan) -> dict[str, Any]:
    try:
        try:
            return env.terraform.apply(saved, run.detail)
        except TerraformError as error:
            stale = isinstance(error, StalePlanError)
            if not stale and _TOO_MANY_AT_ONCE not in error.message:
                raise
        return _apply_again(run, env, options, stale=stale)
    except TerraformError as error:
        raise ApplyError(error.message, error.hint) from error


def _apply_again(run: Run, env: Environment, options: ReleaseOptions, *, stale: bool) -> dict[str, Any]:
    """Makes the plan once more and applies it, if it would change the same things as the approved one."""
    terraform, version = env.terraform, run.result.version
    approved, fingerprint = run.result.changes, run.result.fingerprint
    targeted = plan_scope.only_task_definitions(run.result)
    with plan_scope.planned(terraform, run.contract, version, targeted=targeted) as saved:
        build_and_plan.judge(run, env, options, plan.changes(terraform.show(saved)))
        # By fingerprint: the lines that were shown mask secrets, and name only the address of many changes.
        if stale and run.result.fingerprint != fingerprint:
            raise PlanError(
                "the state has changed since the plan was made, and the new plan differs from the approved one",
                "Run the same command again to see the new plan.",
            )
        run.result.changes = approved
        return terraform.apply(saved, run.detail)


def _update_outputs(run: Run, terraform: Driver) -> dict[str, Any]:
    try:
        return plan_scope.update_outputs(run, terraform, run.result.version)
    except TerraformError as error:
        raise ApplyError(error.message, error.hint) from error


def _check_registered_images(run: Run, ecs: Ecs) -> None:
    """Checks that every revision of the contract uses the images of this run.

    Raises:
        ApplyError: names the container and its image.
    """
    for key, service in run.contract.services.items():
        definition = ecs.task_definition(service.task_definition)
        run.hide(secrets_of_containers(definition["containerDefinitions"]))
        images = {container["name"]: container["image"] for container in definition["containerDefinitions"]}
        for container, image in service.containers.items():
            if image not in run.result.images:
                raise ApplyError(
                    f"container {container} of {key} uses image {image}, which is not configured in invoke.yaml",
                    f"Add {image} to images in invoke.yaml, then release again.",
                )
            expected = f"{run.result.images[image].repository}:{run.result.version}"
            if images.get(container) != expected:
                raise ApplyError(
                    f"container {container} of {key} has image {images.get(container)} in revision"
                    f" {service.task_definition}, not {expected}",
                    "The root must use the variable image_tag for it: see docs/terraform.md.",
                )
