"""The locks in a person's hands, ours and Terraform's: taken with a reason, freed by their exact ids."""

from __future__ import annotations

import uuid

from longshore.config.target import Stack
from longshore.environment.environment import Environment
from longshore.errors import NotReadyError, UnsavedStateError, UsageError
from longshore.ledger.lock import Lock
from longshore.run import checks, state_lock
from longshore.run.state_lock import StateLock


def take(env: Environment, why: str) -> Lock:
    """Holds the environment until somebody frees it: nobody releases meanwhile.

    Raises:
        LockedError: somebody holds it.
    """
    checks.account(env)
    return env.ledger.locks.hold(uuid.uuid4().hex, checks.caller(env), why)


def free(env: Environment, lock_id: str) -> None:
    """Frees the lock; a release's only when it has given no sign of life for a whole lease, and Terraform is done.

    Raises:
        UsageError: nobody holds it, or the id is another one's.
        LockedError: its holder lives.
        NotReadyError: Terraform's state is locked.
    """
    checks.account(env)
    locks, held = env.ledger.locks, env.ledger.locks.read()
    if held and held.lease and held.id == lock_id:
        env.console.say(f"It is {held}. Watching it for {held.lease:.0f} s")
        state_lock.refuse_locked(env)
    freed = locks.free(lock_id)
    if freed.release:
        who = checks.caller(env)
        env.ledger.events(freed.release).append("note", "the lock was freed", f"by {who.user} ({who.arn})", freed.fence)


def unlock_state(env: Environment, lock_id: str | None, *, foundation: bool = False) -> None:
    """Shows who holds Terraform's lock; with its exact id, takes it away from a terraform that has died.

    A state that could not be saved is named as well: it can be pushed once the lock is gone.

    Args:
        env: the environment.
        lock_id: the id; None to look only.
        foundation: the state of the stack that all environments share.

    Raises:
        UsageError: nobody holds it, or the id is another one's; nothing was changed.
        LockedError: a release lives, whose terraform it may be.
        NotReadyError: the backend is the root's own, whose lock can't be looked at here.
    """
    checks.account(env)
    stack = env.target.foundation if foundation else env.target.stack
    if stack is None:
        raise UsageError("there is no foundation stack in invoke.yaml", "Leave out --foundation.")
    held = state_lock.read(env, stack)
    try:
        if lock_id is None:
            _show(env, stack, held)
        else:
            _unlock(env, stack, held, lock_id)
    finally:
        _name_unsaved(env, stack)


def _name_unsaved(env: Environment, stack: Stack) -> None:
    try:
        env.terraform_of(stack).refuse_unsaved()
    except UnsavedStateError as error:
        env.console.warn(f"{error.message}\n{error.hint}")


def _show(env: Environment, stack: Stack, held: StateLock | None) -> None:
    if not stack.backend:
        raise NotReadyError(
            f"the state of {stack.name} is in a backend of the root's own: only Terraform can look at its lock",
            "The message of a plan that is locked out says the id: invoke plan. Then: invoke state.unlock --id",
        )
    env.console.result(held.description if held else f"{stack.backend['key']} is not locked")


def _unlock(env: Environment, stack: Stack, held: StateLock | None, lock_id: str) -> None:
    if stack.backend and held is None:
        raise UsageError(f"{stack.backend['key']} is not locked", "There is nothing to unlock.")
    if held and held.id != lock_id:
        raise UsageError(f"{lock_id!r} is not the id of this lock: {held.description}")
    ours = env.ledger.locks.read()
    if ours and ours.lease:
        env.console.say(f"It is {ours}. Watching it for {ours.lease:.0f} s")
        if not env.ledger.locks.is_stale(ours):
            raise env.ledger.locks.refuse(env.ledger.locks.read() or ours)
    env.terraform_of(stack).unlock(lock_id)
    if ours and ours.release:
        who = checks.caller(env)
        note = f"by {who.user} ({who.arn}), lock id {lock_id}"
        env.ledger.events(ours.release).append("note", "Terraform's state was unlocked", note, ours.fence)
    env.console.say(f"The state of {stack.name} is not locked any more.")
