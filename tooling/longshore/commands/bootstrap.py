"""Sets an environment up, and takes it down."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from longshore.config.target import Stack
from longshore.environment.environment import Environment
from longshore.errors import ApplyError, TerraformError, UsageError
from longshore.run import checks
from longshore.terraform import gate, plan
from longshore.terraform.driver import Driver, PlanOptions, SavedPlan


def bootstrap(env: Environment, *, yes: bool, allow_destroy: Sequence[str] = ()) -> list[str]:
    """Makes the state bucket, the foundation and the app stack; safe to run again.

    Both plans are shown before anything but the bucket is made. A stack that is new can only be planned once what it
    looks up exists: so the app's plan follows the foundation's apply where that changes anything.

    Args:
        env: the environment.
        yes: ask nothing.
        allow_destroy: the addresses of what may be destroyed or replaced, though it is stateful or running.

    Returns:
        What was changed: one line for each address.

    Raises:
        PlanError: something would be lost that was not named.
    """
    allowed = gate.Allowed(destroy=allow_destroy)
    checks.before_bootstrap(env)
    stacks = [stack for stack in (env.target.foundation, env.target.stack) if stack]
    bucket = env.target.state_bucket
    if bucket and any(stack.backend for stack in stacks):
        env.console.say(f"State bucket {bucket}")
        env.aws.buckets.make_private(bucket, env.target.state_region)
    return [line for stack in stacks for line in _apply(env, stack, allowed, yes=yes)]


def destroy(env: Environment, *, confirmed: str | None) -> list[str]:
    """Takes an environment down: never the registry or the ledger, which are the foundation's.

    Args:
        env: the environment.
        confirmed: its name, given beforehand; asked for if None.

    Raises:
        UsageError: another name was typed.
    """
    checks.before_bootstrap(env, planning=False)
    name = env.target.environment
    with ExitStack() as stack:
        terraform = env.terraform
        saved = stack.enter_context(terraform.plan(options=PlanOptions(destroy=True)))
        found = plan.changes(terraform.show(saved))
        env.console.differences([str(change) for change in found])
        typed = confirmed
        if typed is None:
            if not env.console.prompt.interactive:
                raise UsageError("there is no terminal to type the name at", f"Use --yes-really {name}.")
            typed = env.console.prompt.ask(f"Type {name} to take it down: ").strip()
        if typed != name:
            raise UsageError(f"{typed!r} is not {name!r}; nothing was taken down")
        return _apply_saved(env, terraform, saved, [str(change) for change in found])


def _apply(env: Environment, stack: Stack, allowed: gate.Allowed, *, yes: bool) -> list[str]:
    terraform = env.terraform_of(stack)
    for line in terraform.set_up():
        env.console.say(line)
    env.console.say(f"Plan of {stack.name} ({stack.directory.name})")
    with terraform.plan() as saved:
        if not saved.changed:
            env.console.differences([])
            return []
        found = plan.changes(terraform.show(saved))
        gate.refuse_loss(found, allowed)
        lines = [str(change) for change in found]
        env.console.differences(lines)
        env.console.prompt.approve(f"Apply {stack.name}?", yes=yes)
        return _apply_saved(env, terraform, saved, lines)


def _apply_saved(env: Environment, terraform: Driver, saved: SavedPlan, lines: list[str]) -> list[str]:
    try:
        terraform.apply(saved, env.console.detail)
    except TerraformError as error:
        raise ApplyError(error.message, error.hint) from error
    return lines
