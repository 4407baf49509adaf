"""The scope of a plan: the whole root, or (--only-release) the task definitions of the contract alone.

The latter is for a hotfix while a change of the infrastructure is pending. Terraform does not update a root output if
one of its dependencies is not targeted, so the outputs are updated afterwards, by a plan that changes nothing else
(`terraform plan -refresh-only`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from longshore.config.contract import Contract
from longshore.errors import PlanError, TerraformError
from longshore.result import ReleaseResult
from longshore.run.run import Run
from longshore.terraform import plan
from longshore.terraform.driver import PLAN_DEFAULTS, Driver, PlanOptions, SavedPlan


def only_task_definitions(result: ReleaseResult) -> bool:
    """Whether the run was started with --only-release."""
    return bool(result.options.get("only_release"))


@contextmanager
def planned(
    terraform: Driver, contract: Contract, tag: str, *, targeted: bool, options: PlanOptions = PLAN_DEFAULTS
) -> Iterator[SavedPlan]:
    """The plan for a tag, kept while the block lasts.

    Args:
        terraform: the stack.
        contract: its task definitions are the targets.
        tag: the tag.
        targeted: plan the task definitions alone.
        options: of the plan.

    Raises:
        PlanError: the task definitions cannot be planned alone.
        TerraformError: Terraform failed.
    """
    if targeted:
        options = replace(options, targets=_targets(terraform, contract, tag, plan_only=options.plan_only))
    with terraform.plan({"image_tag": tag}, options) as saved:
        yield saved


def update_outputs(run: Run, terraform: Driver, tag: str) -> dict[str, Any]:
    """Updates the outputs after the task definitions of a tag were applied alone, and returns them.

    Raises:
        TerraformError: Terraform failed.
    """
    with terraform.plan({"image_tag": tag}, options=PlanOptions(refresh_only=True)) as saved:
        if not saved.changed:
            return terraform.outputs()
        with run.effect(f"update the outputs of {tag}"):
            return terraform.apply(saved, run.detail)


def _targets(terraform: Driver, contract: Contract, tag: str, *, plan_only: bool) -> list[str]:
    """The addresses of the contract's task definitions, if the outputs can be updated afterwards."""
    targets = plan.addresses(terraform.state(), contract.task_definitions())
    options = PlanOptions(refresh_only=True, plan_only=plan_only)
    try:
        with terraform.plan({"image_tag": tag}, options=options) as saved:
            unknown = plan.unknown_outputs(terraform.show(saved)) if saved.changed else []
    except TerraformError as error:
        # If a pending change adds a part of a module, expressions that read it fail.
        raise _not_alone(error.message) from error
    if unknown:
        raise _not_alone(", ".join(unknown))
    return targets


def _not_alone(reason: str) -> PlanError:
    return PlanError(
        f"--only-release is not possible: a pending change adds to the contract: {reason}",
        "Apply that change first: invoke apply --allow-infra. Or release from a tree without it.",
    )
