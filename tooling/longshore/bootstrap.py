"""Sets an environment up, and takes it down."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from longshore import plan, preflight
from longshore.environment import Environment
from longshore.errors import ApplyError, PlanError, TerraformError, UsageError
from longshore.target import Stack
from longshore.terraform import SavedPlan, Terraform


def bootstrap(env: Environment, *, yes: bool) -> list[str]:
    """Makes the state bucket, the foundation and the app stack; safe to run again.

    Both plans are shown before anything but the bucket is made. A stack that is new can only be planned once what it
    looks up exists: so the app's plan follows the foundation's apply where that changes anything.

    Returns:
        What was changed: one line for each address.
    """
    preflight.before_bootstrap(env)
    if bucket := env.target.state_bucket:
        env.console.say(f"State bucket {bucket}")
        env.aws.buckets.make_private(bucket, env.target.state_region)
    stacks = [stack for stack in (env.target.foundation, env.target.stack) if stack]
    return [line for stack in stacks for line in _apply(env, stack, yes=yes)]


def destroy(env: Environment, *, confirmed: str | None) -> list[str]:
    """Takes an environment down: never the registry or the ledger, which are the foundation's.

    Args:
        env: the environment.
        confirmed: its name, given beforehand; asked for if None.

    Raises:
        UsageError: another name was typed.
    """
    preflight.before_bootstrap(env, planning=False)
    name = env.target.environment
    with ExitStack() as stack:
        terraform = env.terraform
        saved = stack.enter_context(terraform.plan(destroy=True, on_event=None))
        found = plan.changes(terraform.show(saved))
        env.console.differences([str(change) for change in found])
        typed = confirmed
        if typed is None:
            if not env.console.interactive:
                raise UsageError("there is no terminal to type the name at", f"Use --yes-really {name}.")
            typed = env.console.ask(f"Type {name} to take it down: ").strip()
        if typed != name:
            raise UsageError(f"{typed!r} is not {name!r}; nothing was taken down")
        return _apply_saved(env, terraform, saved, [str(change) for change in found])


def _apply(env: Environment, stack: Stack, *, yes: bool) -> list[str]:
    terraform = env.terraform_of(stack)
    env.console.say(f"Plan of {stack.name} ({stack.directory.name})")
    with terraform.plan() as saved:
        if not saved.changed:
            env.console.differences([])
            return []
        found = plan.changes(terraform.show(saved))
        _refuse_loss(found)
        lines = [str(change) for change in found]
        env.console.differences(lines)
        env.console.approve(f"Apply {stack.name}?", yes=yes)
        return _apply_saved(env, terraform, saved, lines)


def _apply_saved(env: Environment, terraform: Terraform, saved: SavedPlan, lines: list[str]) -> list[str]:
    try:
        terraform.apply(saved, env.console.detail)
    except TerraformError as error:
        raise ApplyError(error.message, error.hint) from error
    return lines


def _refuse_loss(found: Sequence[plan.Change]) -> None:
    kept = ("aws_ecr_repository", "aws_dynamodb_table")
    lost = [str(change) for change in found if "delete" in change.actions and change.type in kept]
    if lost:
        raise PlanError(
            "the plan would delete images or records:\n" + "\n".join(f"  {line}" for line in lost),
            "If that is meant, do it with terraform itself.",
        )
