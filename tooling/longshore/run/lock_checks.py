"""Checks of the environment's lock before a run tries to take it."""

from __future__ import annotations

from longshore.environment.environment import Environment
from longshore.errors import LockedError
from longshore.ledger.lock import Lock
from longshore.run import state_lock


def refuse_locked(env: Environment) -> None:
    """Refuses early if the environment is locked; taking the lock is the test that counts.

    Raises:
        LockedError: names the holder.
    """
    if lock := env.ledger.locks.read():
        raise env.ledger.locks.refuse(lock)


def stale_lock(env: Environment) -> Lock | None:
    """The lock, if its holder has ended or not renewed it for a whole lease; None if the environment is not locked.

    Raises:
        LockedError: the holder renews its lock, or a person holds it.
        NotReadyError: a terraform process of the holder may still be running: the state is locked.
    """
    locks = env.ledger.locks
    lock = locks.read()
    if lock is None:
        return None
    env.console.say(locks.before_takeover(lock))
    if not locks.is_stale(lock):
        current = locks.read()
        raise locks.refuse(current) if current else LockedError("the lock was released a moment ago", "Try again.")
    state_lock.refuse_locked(env)
    return lock
