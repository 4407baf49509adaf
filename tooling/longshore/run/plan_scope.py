"""The plan of a run: of everything, or (--only-release) of the contract's task definitions alone.

The latter is for a hotfix past a change of the infrastructure that somebody has not applied yet. Terraform leaves a
root output as it is where a part of what it depends on is no target. So the outputs are written down afterwards, by a
plan that changes nothing but them (`terraform plan -refresh-only`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from longshore.errors import PlanError, TerraformError
from longshore.run.run import Run
from longshore.terraform import plan
from longshore.terraform.driver import PLAN_DEFAULTS, PlanOptions, SavedPlan


def only_task_definitions(run: Run) -> bool:
    """Whether the run was ordered to leave everything but task definitions as it is."""
    return bool(run.result.options.get("only_release"))


@contextmanager
def planned(run: Run, tag: str, *, alone: bool, options: PlanOptions = PLAN_DEFAULTS) -> Iterator[SavedPlan]:
    """The plan for a tag, kept for as long as the block lasts.

    Args:
        run: the run.
        tag: the tag.
        alone: of the contract's task definitions and nothing else.
        options: of the plan.

    Raises:
        PlanError: the task definitions can't be planned alone.
        TerraformError: Terraform failed.
    """
    terraform, variables = run.env.terraform, {"image_tag": tag}
    if not alone:
        with terraform.plan(variables, options) as saved:
            yield saved
        return
    with terraform.plan(variables, replace(options, targets=_targets(run, tag))) as saved:
        yield saved


def _targets(run: Run, tag: str) -> list[str]:
    """The addresses of the contract's task definitions, once it is sure that the contract can be written afterwards."""
    terraform = run.env.terraform
    targets = plan.addresses(terraform.state(), run.contract.task_definitions())
    try:
        with terraform.plan({"image_tag": tag}, PlanOptions(refresh_only=True)) as saved:
            unknown = plan.unknown_outputs(terraform.show(saved)) if saved.changed else []
    except TerraformError as error:
        # Where a pending change adds a part of a module, its expressions may find nothing in its place.
        raise _not_alone(error.message) from error
    if unknown:
        raise _not_alone(", ".join(unknown))
    return targets


def _not_alone(why: str) -> PlanError:
    return PlanError(
        f"a change that is not applied yet adds to the contract, so it could not be written: {why}",
        "Apply that change first: invoke apply --allow-infra. Or release from a tree without it.",
    )


def written(run: Run, tag: str) -> dict[str, Any]:
    """The outputs after the task definitions of a tag were applied alone: written down, and nothing else.

    Raises:
        TerraformError: Terraform failed.
    """
    terraform = run.env.terraform
    with terraform.plan({"image_tag": tag}, PlanOptions(refresh_only=True)) as saved:
        if not saved.changed:
            return terraform.outputs()
        with run.effect(f"write the outputs of {tag}"):
            return terraform.apply(saved, run.env.console.detail)
