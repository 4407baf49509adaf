"""Applying the approved plan, and taking in what it has registered."""

from __future__ import annotations

from typing import Any

from longshore.errors import ApplyError, PlanError, StalePlanError, TerraformError
from longshore.masking import secrets_of_containers
from longshore.run import build_and_plan, plan_scope, snapshot
from longshore.run.options import ReleaseOptions
from longshore.run.run import Run
from longshore.terraform import plan
from longshore.terraform.driver import SavedPlan

_TOO_MANY_AT_ONCE = "Too many concurrent attempts to create a new revision"
"""A refusal that passes (failures.md, row 39); botocore does not retry it."""


def applied(run: Run, saved: SavedPlan) -> bool:
    """Whether another process of this release has applied the plan: there is nothing left to approve."""
    return run.resumed and not saved.changed


def apply(run: Run, order: ReleaseOptions, saved: SavedPlan) -> None:
    """Applies the approved plan; the contract with the revisions it registered becomes the run's.

    A plan that went stale, or that ECS refused for the moment, is made again once, and applied only if it would change
    the same.

    Raises:
        ApplyError: Terraform failed, or ECS does not know what it says it registered, or an image was not built.
        NotReadyError: a service that the apply made is not ready to be moved.
        PlanError: the plan made again differs from the one that was approved.
    """
    if applied(run, saved):
        # The apply had ended when the process died, but perhaps not the writing of the outputs.
        run.contract = run.env.contract(_written(run) if plan_scope.only_task_definitions(run) else None)
    else:
        with run.effect(f"apply {run.result.version}"):
            outputs = _apply(run, order, saved)
        if plan_scope.only_task_definitions(run):
            outputs = _written(run)
        run.contract = run.env.contract(outputs)
    snapshot.notice_replaced(run)
    _see_registered(run)
    snapshot.record(run)  # with --allow-infra, an apply makes services and schedules, or takes them away


def _apply(run: Run, order: ReleaseOptions, saved: SavedPlan) -> dict[str, Any]:
    terraform, console = run.env.terraform, run.env.console
    try:
        try:
            return terraform.apply(saved, console.detail)
        except TerraformError as error:
            stale = isinstance(error, StalePlanError)
            if not stale and _TOO_MANY_AT_ONCE not in error.message:
                raise
            approved, fingerprint = run.result.changes, run.result.fingerprint
            with plan_scope.planned(run, run.result.version, alone=plan_scope.only_task_definitions(run)) as again:
                build_and_plan.judge(run, order, plan.changes(terraform.show(again)))
                # The lines that were shown don't tell: secrets are masked in them, and of the rest they have addresses.
                if stale and run.result.fingerprint != fingerprint:
                    raise PlanError("the state changed while the plan waited, and it differs now") from None
                run.result.changes = approved
                return terraform.apply(again, console.detail)
    except TerraformError as error:
        raise ApplyError(error.message, error.hint) from error


def _written(run: Run) -> dict[str, Any]:
    try:
        return plan_scope.written(run, run.result.version)
    except TerraformError as error:
        raise ApplyError(error.message, error.hint) from error


def register(run: Run) -> None:
    """Applies the version of a release that is gone back to, whose revisions have been deregistered since.

    Raises:
        PlanError: the plan would change more than task definitions.
        ApplyError: Terraform failed.
    """
    env = run.env
    with plan_scope.planned(run, run.result.version, alone=plan_scope.only_task_definitions(run)) as saved:
        build_and_plan.judge(run, ReleaseOptions(), plan.changes(env.terraform.show(saved)))
        apply(run, ReleaseOptions(), saved)


def _see_registered(run: Run) -> None:
    """Looks whether each revision of the contract holds the images that this release is about."""
    for key, service in run.contract.services.items():
        definition = run.env.aws.ecs.task_definition(service.task_definition)
        run.env.console.masks.hide(secrets_of_containers(definition["containerDefinitions"]))
        images = {container["name"]: container["image"] for container in definition["containerDefinitions"]}
        for container, image in service.containers.items():
            if image not in run.result.images:
                raise ApplyError(
                    f"container {container} of {key} wants image {image}, which this release has not built",
                    f"Add {image} to images in invoke.yaml, then release again.",
                )
            wanted = f"{run.result.images[image].repository}:{run.result.version}"
            if images.get(container) != wanted:
                raise ApplyError(
                    f"revision {service.task_definition} of {key} has image {images.get(container)} in container"
                    f" {container}, not {wanted}",
                    "Terraform must take image_tag for it: look at the section on your own Terraform in the README.",
                )
