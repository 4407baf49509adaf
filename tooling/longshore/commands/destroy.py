"""Destroys an environment, and keeps the images and the ledger of its application."""

from __future__ import annotations

from longshore import signals
from longshore.commands.bootstrap import apply_saved
from longshore.environment.environment import Environment
from longshore.errors import UsageError
from longshore.run import checks, environment_lock
from longshore.terraform import plan
from longshore.terraform.driver import ApplyStage, PlanOptions


def destroy(env: Environment, *, confirmed: str | None, wait: float = 0.0) -> list[str]:
    """Destroys the app stack of an environment; the foundation, with the registry and the ledger, stays.

    It holds the lock of the environment from before the plan until Terraform has ended.

    Args:
        env: the environment.
        confirmed: its name, if it was confirmed on the command line; None to ask for it.
        wait: seconds to wait for the lock.

    Returns:
        The changes, one line per address.

    Raises:
        UsageError: the name is wrong, or there is no terminal to type it at.
        LockedError: another process or a person holds the environment; nothing was destroyed.
        ApplyError: Terraform failed.
    """
    if confirmed is not None:
        _compare(env, confirmed)
    checks.before_bootstrap(env, planning=False)
    terraform, name = env.terraform, env.target.environment

    def on_stage(stage: ApplyStage) -> None:
        explanation.left = f"{stage} of {name} was destroyed"
        if stage is ApplyStage.ENDED:
            explanation.next_step = "There is nothing left to destroy."

    with (
        signals.explained("nothing was destroyed", f"To destroy the rest: invoke destroy -e {name}") as explanation,
        environment_lock.taken_early(env, checks.caller(env), "destroy", wait=wait) as lock,
        terraform.plan(options=PlanOptions(destroy=True)) as saved,
    ):
        lines = [str(change) for change in plan.changes(terraform.show(saved))]
        env.console.differences(lines)
        if confirmed is None:
            _compare(env, _ask(env))
        lock.check()
        apply_saved(env, terraform, saved, on_stage)
        return lines


def _ask(env: Environment) -> str:
    name = env.target.environment
    if not env.console.prompt.interactive:
        raise UsageError(
            "not running in a terminal, so the destruction cannot be confirmed; nothing was destroyed",
            f"Confirm it on the command line: --yes-really {name}",
        )
    return env.console.prompt.ask(f"Type {name} to destroy it: ").strip()


def _compare(env: Environment, confirmed: str) -> None:
    name = env.target.environment
    if confirmed != name:
        raise UsageError(
            f"{confirmed!r} is not the name of the environment, {name!r}; nothing was destroyed",
            f"To destroy it: invoke destroy -e {name}",
        )
