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
from longshore.signals import StoppedBySignal
from longshore.terraform import gate, plan
from longshore.terraform.driver import Driver, SavedPlan


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
    bucket = env.target.state_bucket
    with environment_lock.taken_early(env, checks.caller(env), "bootstrap", wait=wait) as lock:
        if bucket and any(stack.backend for stack in stacks):
            state_bucket.prepare(env, bucket, yes=yes, secure=secure_state_bucket)
        return [line for stack in stacks for line in _set_up(env, stack, allowed, lock, yes=yes)]


def _again(env: Environment) -> str:
    return f"Run it again, which continues from there: invoke bootstrap -e {env.target.environment}"


def _set_up(env: Environment, stack: Stack, allowed: gate.Allowed, lock: FirstLock, *, yes: bool) -> list[str]:
    lock.take()
    with signals.explained(f"nothing of {stack.name} was applied", _again(env)):
        return _plan_and_apply(env, stack, allowed, lock, yes=yes)


def _plan_and_apply(env: Environment, stack: Stack, allowed: gate.Allowed, lock: FirstLock, *, yes: bool) -> list[str]:
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
        apply_saved(env, terraform, saved, f"of {stack.name} was applied", _again(env))
        return lines


def apply_saved(env: Environment, terraform: Driver, saved: SavedPlan, effect: str, next_step: str) -> None:
    """Applies a saved plan. A signal ends terraform, which saves the state, before it ends this.

    Args:
        env: the environment.
        terraform: the driver of the stack.
        saved: the plan.
        effect: of the apply, after "part" or "all", to describe what a signal has left.
        next_step: the hint after a signal.

    Raises:
        ApplyError: Terraform failed.
    """
    try:
        terraform.apply(saved, env.console.detail)
    except TerraformError as error:
        raise ApplyError(error.message, error.hint) from error
    except StoppedBySignal as stop:
        stop.explain(f"part {effect}" if stop.__cause__ else f"all {effect}", next_step)
        raise
