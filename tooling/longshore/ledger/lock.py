"""The lock of an environment: one release at a time, with a lease, a heartbeat and a fencing token.

The item is never deleted: a free lock has no owner, and its fencing token keeps counting. A lease has expired if the
record did not change for a whole lease, measured on the clock of the process that watches it; the clocks of two
machines are never compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from longshore.clock import Clock
from longshore.errors import LockedError, UsageError
from longshore.ledger.formats import parse
from longshore.ledger.table import Table
from longshore.masking import Masks
from longshore.result import Actor


class Lock(BaseModel):
    """Who holds an environment, or held it last.

    Attributes:
        owner: a random token of the holder; empty if the lock is free.
        fence: the fencing token, which increases with each holder.
        beat: a counter that increases with each heartbeat.
        actor: the person or job that holds it.
        purpose: the command that holds it.
        release: id of the release, once it has one.
        step: the step of the release at the last heartbeat.
        since: when it was taken; UTC, for display.
        beaten: the time of the last heartbeat; UTC, for display.
        lease: seconds after a heartbeat until the lock may be taken over; 0 for a lock held until it is freed.
        why: the reason why it was kept.
        ended: its holder recorded that it has ended, and kept the lock because of the state that it left.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    owner: str
    fence: int
    beat: int = 0
    actor: Actor
    purpose: str
    release: str = ""
    step: str = ""
    since: datetime
    beaten: datetime
    lease: float
    why: str = ""
    ended: bool = False

    @property
    def id(self) -> str:
        """The id for `lock.free --id`."""
        return f"{self.fence}-{self.owner[:8]}"

    @property
    def holder_key(self) -> dict[str, str | int]:
        """The fields that identify the holder, as a condition of a write."""
        return {"owner": self.owner, "fence": self.fence}

    @property
    def stamp(self) -> dict[str, str | int]:
        """The fields that identify this state of the lock, as a condition of a write."""
        return {**self.holder_key, "beat": self.beat}

    def __str__(self) -> str:
        job = f", {self.actor.ci_url}" if self.actor.ci_url else ""
        step = f", in step {self.step!r}" if self.step else ""
        release = f" ({self.release}{step})" if self.release else ""
        why = f"; {self.why}" if self.why else ""
        heartbeat = f"; last heartbeat {_time(self.beaten)}" if self.lease else ""
        ended = "; its process has ended" if self.ended else ""
        return (
            f"locked by {self.actor.user} on {self.actor.host} ({self.actor.arn}{job}) since {_time(self.since)}:"
            f" {self.purpose}{release}{why}{heartbeat}{ended}; lock id {self.id}"
        )


@dataclass(frozen=True)
class LockRecord:
    """The stored lock of one environment, with the operations that need no lease: read it, watch it, free it."""

    table: Table
    environment: str
    masks: Masks
    clock: Clock
    lease: float

    def read(self) -> Lock | None:
        """The lock and its holder; None if it is free."""
        lock = self._last()
        return lock if lock and lock.owner else None

    def refuse(self, lock: Lock) -> LockedError:
        """The error for a lock that another process or a person holds."""
        return LockedError(f"{self.environment} is {lock}", _hint(lock))

    def before_takeover(self, lock: Lock) -> str:
        """A sentence about the lock, before it is watched and taken over."""
        watching = "" if lock.ended else f". Watching it for {lock.lease:.0f} s"
        return f"{self.environment} is {lock}{watching}"

    def is_stale(self, lock: Lock) -> bool:
        """Watches the lock for a whole lease; true if there was no heartbeat in that time.

        A holder that recorded that it has ended is not watched.

        Raises:
            LockedError: a person holds it until it is freed, so it has no lease that could expire.
        """
        if not lock.lease:
            raise self.refuse(lock)
        if lock.ended:
            return self._last() == lock
        for _ in self.clock.polls(lock.lease, longest=max(0.1, lock.lease / 10)):
            if self._last() != lock:
                return False
        return self._last() == lock

    def free(self, lock_id: str) -> Lock:
        """Frees the lock by its exact id: a person's immediately, a release's once its lease has expired.

        Raises:
            UsageError: the lock is free, or has another id.
            LockedError: its holder is running.
        """
        lock = self.read()
        if lock is None:
            raise UsageError(f"the lock of {self.environment} is free already", "There is nothing to do.")
        if lock.id != lock_id:
            raise UsageError(
                f"{lock_id!r} is not the id of this lock: {self.environment} is {lock}",
                f"To free this lock: invoke lock.free --id {lock.id}",
            )
        if lock.lease and not self.is_stale(lock):
            raise LockedError(
                f"the lock was not freed, because its holder is running: {self.environment} is"
                f" {self.read() or 'free now'}",
                "Wait for it with: --wait-lock 15m",
            )
        if not self.write(lock.model_copy(update={"owner": ""}), lock.stamp):
            raise self._changed()
        return lock

    def write(self, lock: Lock, when: dict[str, str | int] | None) -> bool:
        """Writes the lock if the stored one meets the condition; ``when`` is None for the very first write.

        Returns:
            False if the condition was not met.
        """
        return self.table.put(self._pk, "lock", lock.model_dump(mode="json"), new=when is None, when=when)

    @property
    def _pk(self) -> str:
        return f"lock#{self.environment}"

    def _last(self) -> Lock | None:
        item = self.table.get(self._pk, "lock")
        return parse(Lock, item, f"the lock of {self.environment}") if item else None

    def _is_ours(self, lock: Lock) -> bool:
        last = self._last()
        return last is not None and last.holder_key == lock.holder_key

    def _changed(self) -> LockedError:
        lock = self.read()
        if lock:
            return self.refuse(lock)
        message = f"another process took the lock of {self.environment} and has freed it since"
        return LockedError(message, "Run the same command again.")


def _hint(lock: Lock) -> str:
    free = f"invoke lock.free --id {lock.id}"
    wait = "Wait for it with: --wait-lock 15m."
    if not lock.lease:
        return f"{wait} Once the reason is gone, free it: {free}"
    ways = f"invoke release --resume, invoke rollback, or {free}" if lock.release else free
    if lock.ended:
        return f"Its process has ended: {ways}"
    watch = f"{'each watches' if lock.release else 'which watches'} the lock for {lock.lease:.0f} s first"
    return f"{wait} If its process was killed: {ways} ({watch})."


def _time(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"
