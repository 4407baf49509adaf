"""The lock of an environment, for a command that has no record: it holds the lock for as long as it works."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from longshore.environment.environment import Environment
from longshore.errors import AwsError
from longshore.ledger.lease import Lease
from longshore.result import Actor


@contextmanager
def held(env: Environment, actor: Actor, purpose: str, *, wait: float = 0.0) -> Iterator[Lease]:
    """Holds the lock during the block, with heartbeats.

    Args:
        env: the environment.
        actor: the caller.
        purpose: the command.
        wait: seconds to wait for another holder.

    Raises:
        LockedError: another process or a person holds it.
    """
    lease: Lease | None = None
    try:
        with env.ledger.locks.held(uuid.uuid4().hex, actor, purpose, wait=wait, on_wait=env.console.waits_for) as lease:
            yield lease
    finally:
        for warning in lease.warnings if lease else ():
            env.console.warn(warning)


@dataclass
class FirstLock:
    """The lock of an environment whose ledger may not exist yet: the foundation creates the table.

    Attributes:
        env: the environment.
        actor: the caller.
        purpose: the command.
        wait: seconds to wait for another holder.
        lease: None until the lock is taken.
    """

    env: Environment
    actor: Actor
    purpose: str
    wait: float
    lease: Lease | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def take(self) -> None:
        """Takes the lock, if the ledger exists and this process does not hold the lock already.

        Raises:
            LockedError: another process or a person holds it.
        """
        if self.lease is None and _has_ledger(self.env):
            self.lease = self._stack.enter_context(held(self.env, self.actor, self.purpose, wait=self.wait))

    def check(self) -> None:
        """Writes a heartbeat before a side effect, if the lock was taken.

        Raises:
            LockLostError: another process holds it, or may hold it.
        """
        if self.lease:
            self.lease.check()


@contextmanager
def taken_early(env: Environment, actor: Actor, purpose: str, *, wait: float = 0.0) -> Iterator[FirstLock]:
    """Holds the lock from the beginning of the block, or from the first `FirstLock.take` after the ledger exists."""
    with ExitStack() as stack:
        lock = FirstLock(env, actor, purpose, wait, _stack=stack)
        lock.take()
        yield lock


def _has_ledger(env: Environment) -> bool:
    """Whether the ledger's table exists.

    DynamoDB answers GetItem of a missing table with ResourceNotFoundException (its service model).
    """
    try:
        env.ledger.locks.read()
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            return False
        raise
    return True
