"""The lock in a person's hands: taken with a reason, freed by its exact id."""

from __future__ import annotations

import uuid

from longshore import preflight
from longshore.environment import Environment
from longshore.ledger.locks import Lock


def take(env: Environment, why: str) -> Lock:
    """Holds the environment until somebody frees it: nobody releases meanwhile.

    Raises:
        LockedError: somebody holds it.
    """
    preflight.account(env)
    return env.ledger.locks.hold(uuid.uuid4().hex, preflight.who(env), why)


def free(env: Environment, lock_id: str) -> None:
    """Frees the lock; a release's only when it has given no sign of life for a whole lease, and Terraform is done.

    Raises:
        UsageError: nobody holds it, or the id is another one's.
        LockedError: its holder lives.
        NotReadyError: Terraform's state is locked.
    """
    preflight.account(env)
    locks, held = env.ledger.locks, env.ledger.locks.read()
    if held and held.lease and held.id == lock_id:
        env.console.say(f"It is {held}. Watching it for {held.lease:.0f} s")
        preflight.refuse_locked_state(env)
    freed = locks.free(lock_id)
    if freed.release:
        who = preflight.who(env)
        env.ledger.events(freed.release).append("note", "the lock was freed", f"by {who.user} ({who.arn})", freed.fence)
