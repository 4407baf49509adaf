"""Sets up an environment."""

from __future__ import annotations

from collections.abc import Sequence

from longshore import signals
from longshore.commands import state_bucket
from longshore.config.target import Stack
from longshore.environment.environment import Environment
from longshore.errors import ApplyError, TerraformError
from longshore.run import checks, environment_lock
from longshore.run.environment_lock import FirstLock
from longshore.signals import Explanation
from longshore.terraform import gate, plan
from longshore.terraform.driver import ApplyStage, Driver, OnStage, SavedPlan


def bootstrap(
    env: Environment,
    *,
    yes: bool,
    allow_destroy: Sequence[str] = (),
    wait: float = 0.0,
    secure_state_bucket: bool = False,
) -> list[str]:
    """Creates the state bucket, and creates or updates the foundation and the app stack; safe to run again.

    Each stack is planned, approved and applied before the next one is planned: the app stack looks up resources of
    the foundation. The lock of the environment is held from the beginning, or, on a new account, from the end of the
    foundation, which creates the ledger.

    Args:
        env: the environment.
        yes: do not ask for confirmation.
        allow_destroy: addresses that may be destroyed or replaced, even if they hold data or are running.
        wait: seconds to wait for the lock.
        secure_state_bucket: change the settings of an existing state bucket to the recommended ones.

    Returns:
        The changes, one line per address.

    Raises:
        LockedError: another process or a person holds the environment.
        PlanError: a plan destroys or replaces an address that was not allowed.
        DeclinedError: a plan was declined, or there is no terminal to approve it.
        ApplyError: Terraform failed.
    """
    allowed = gate.Allowed(destroy=allow_destroy)
    checks.before_bootstrap(env)
    stacks = [stack for stack in (env.target.foundation, env.target.stack) if stack]
    with (
        signals.explained("no stack was applied", _again(env)) as explanation,
        environment_lock.taken_early(env, checks.caller(env), "bootstrap", wait=wait) as lock,
    ):
        if (bucket := env.target.state_bucket) and any(stack.backend for stack in stacks):
            state_bucket.prepare(env, bucket, yes=yes, secure=secure_state_bucket)
        return [line for stack in stacks for line in _set_up(env, stack, allowed, lock, explanation, yes=yes)]


def _again(env: Environment) -> str:
    return f"Run it again, which continues from there: invoke bootstrap -e {env.target.environment}"


def _set_up(
    env: Environment, stack: Stack, allowed: gate.Allowed, lock: FirstLock, explanation: Explanation, *, yes: bool
) -> list[str]:
    def on_stage(stage: ApplyStage) -> None:
        explanation.left = f"{stage} of {stack.name} was applied"

    lock.take()
    explanation.left = f"nothing of {stack.name} was applied"
    terraform = env.terraform_of(stack)
    for line in terraform.set_up():
        env.console.say(line)
    env.console.say(f"Plan of {stack.name} ({stack.directory.name})")
    with terraform.plan() as saved:
        if not saved.changed:
            env.console.differences([])
            return []
        changes = plan.changes(terraform.show(saved))
        gate.refuse_loss(changes, allowed)
        lines = [str(change) for change in changes]
        env.console.differences(lines)
        env.console.prompt.approve(f"Apply {stack.name}?", yes=yes)
        lock.check()
        apply_saved(env, terraform, saved, on_stage)
        return lines


def apply_saved(env: Environment, terraform: Driver, saved: SavedPlan, on_stage: OnStage) -> None:
    """Applies a saved plan. A signal ends terraform, which saves the state, before it ends this.

    Args:
        env: the environment.
        terraform: the driver of the stack.
        saved: the plan.
        on_stage: receives the stages of the apply, to describe what a signal has left.

    Raises:
        ApplyError: Terraform failed.
    """
    try:
        terraform.apply(saved, env.console.detail, on_stage)
    except TerraformError as error:
        raise ApplyError(error.message, error.hint) from error
