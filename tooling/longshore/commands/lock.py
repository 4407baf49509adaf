"""Locks in the hands of an operator: the environment's, and Terraform's lock of a state."""

from __future__ import annotations

import uuid
from dataclasses import replace

from longshore.config.target import Stack
from longshore.environment.environment import Environment
from longshore.errors import NotReadyError, UnsavedStateError, UsageError
from longshore.ledger.lease import EnvironmentLock
from longshore.ledger.lock import Lock
from longshore.run import checks, state_lock
from longshore.run.state_lock import StateLock


def take(env: Environment, why: str) -> Lock:
    """Locks the environment until `free` is called; no command can change it in the meantime.

    Args:
        env: the environment.
        why: the reason shown to everyone who is locked out.

    Raises:
        LockedError: another process or a person holds the lock.
    """
    checks.account(env)
    return env.ledger.locks.hold(uuid.uuid4().hex, checks.caller(env), why)


def free(env: Environment, lock_id: str) -> None:
    """Frees the lock of the environment.

    A lock with a lease is freed only if its holder has not renewed it for a whole lease, and if Terraform's state is
    not locked.

    Raises:
        UsageError: the environment is not locked, or the lock has a different id.
        LockedError: the holder renews its lock.
        NotReadyError: Terraform's state is locked.
    """
    checks.account(env)
    locks = env.ledger.locks
    lock = locks.read()
    if lock and lock.lease and lock.id == lock_id:
        env.console.say(locks.before_takeover(lock))
        state_lock.refuse_locked(env)
    freed = locks.free(lock_id)
    if freed.release:
        caller = checks.caller(env)
        detail = f"by {caller.user} ({caller.arn})"
        env.ledger.events(freed.release).append("note", "the lock was freed", detail, freed.fence)


def unlock_state(env: Environment, lock_id: str | None, *, foundation: bool = False) -> None:
    """Shows the lock of Terraform's state, or removes it after its terraform process was killed.

    It also warns of a state that could not be saved: it can be pushed once the lock is gone.

    Args:
        env: the environment.
        lock_id: the exact id of the lock to remove; None to show it only.
        foundation: use the state of the foundation, which all environments share.

    Raises:
        UsageError: the state is not locked, or the lock has a different id; nothing was changed.
        LockedError: a command that uses this state is running, and the terraform process may be its own.
        NotReadyError: Longshore cannot read the lock in the backend of this stack.
    """
    checks.account(env)
    stack = env.target.foundation if foundation else env.target.stack
    if stack is None:
        raise UsageError("there is no foundation stack in invoke.yaml", "Leave out --foundation.")
    lock = state_lock.read(env, stack)
    try:
        if lock_id is None:
            _show(env, stack, lock)
        else:
            _unlock(env, stack, lock, lock_id)
    finally:
        _warn_of_unsaved_state(env, stack)


def _refuse_holder(env: Environment, locks: EnvironmentLock) -> None:
    """Refuses while the holder of a lock is alive: the terraform process may be its own.

    Raises:
        LockedError: names the holder.
    """
    lock = locks.read()
    if lock and lock.lease:
        env.console.say(locks.before_takeover(lock))
        if not locks.is_stale(lock):
            raise locks.refuse(locks.read() or lock)


def _warn_of_unsaved_state(env: Environment, stack: Stack) -> None:
    try:
        env.terraform_of(stack).refuse_unsaved()
    except UnsavedStateError as error:
        env.console.warn(f"{error.message}\n{error.hint}")


def _show(env: Environment, stack: Stack, lock: StateLock | None) -> None:
    if not stack.backend:
        raise NotReadyError(
            f"the backend of {stack.name} is not Longshore's state bucket, so only Terraform can read its lock",
            "If the state is locked, invoke plan shows the id of the lock. Unlock it with: invoke state.unlock --id ID",
        )
    env.console.result(lock.description if lock else f"{stack.backend['key']} is not locked")


def _unlock(env: Environment, stack: Stack, lock: StateLock | None, lock_id: str) -> None:
    if stack.backend and lock is None:
        raise UsageError(f"{stack.backend['key']} is not locked", "There is nothing to unlock.")
    if lock and lock.id != lock_id:
        raise UsageError(
            f"{lock_id!r} is not the id of this lock: {lock.description}",
            "If its terraform process was killed, run the same command with the exact id.",
        )
    release_lock = env.ledger.locks.read()
    for name in env.target.users(stack):
        _refuse_holder(env, replace(env.ledger.locks, environment=name))
    env.terraform_of(stack).unlock(lock_id)
    if release_lock and release_lock.release:
        caller = checks.caller(env)
        detail = f"by {caller.user} ({caller.arn}), lock id {lock_id}"
        env.ledger.events(release_lock.release).append(
            "note", "Terraform's state was unlocked", detail, release_lock.fence
        )
    env.console.say(f"The state of {stack.name} is no longer locked.")
