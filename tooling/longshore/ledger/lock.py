"""The lock of an environment: one release at a time, with a lease, a heartbeat and a fencing token.

The item is never deleted: a lock that was given back has no owner, and its fencing token goes on counting. Whether a
lease has run out is judged by a record that did not change for a whole lease, on the clock of whoever watches; clocks
of two machines are never compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from longshore.clock import Clock
from longshore.errors import LockedError, UsageError
from longshore.ledger.table import Table
from longshore.masking import Masks
from longshore.result import Actor


class Lock(BaseModel):
    """Who holds an environment, or held it last.

    Attributes:
        owner: a token that only the holder knows beforehand; empty where the lock is free.
        fence: the fencing token: one more for each new holder.
        beat: one more for each sign of life.
        actor: who it is.
        purpose: what for.
        release: id of the release, once it has one.
        step: the step that it was in at its last sign of life.
        since: when it was taken; UTC, for people.
        beaten: when the last sign of life was given; UTC, for people.
        lease: seconds that a sign of life is good for; 0 for a lock that somebody holds until it is freed.
        why: why it was kept.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

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

    @property
    def id(self) -> str:
        """What `lock.free --id` wants."""
        return f"{self.fence}-{self.owner[:8]}"

    @property
    def holder_key(self) -> dict[str, str | int]:
        """The fields that stay the same while one process holds the lock, as a condition of a write."""
        return {"owner": self.owner, "fence": self.fence}

    @property
    def stamp(self) -> dict[str, str | int]:
        """The fields by which this state of the lock differs from all others, as a condition of a write."""
        return {**self.holder_key, "beat": self.beat}

    def __str__(self) -> str:
        job = f", {self.actor.ci_url}" if self.actor.ci_url else ""
        where = f", in step {self.step!r}" if self.step else ""
        which = f" ({self.release}{where})" if self.release else ""
        why = f"; {self.why}" if self.why else ""
        life = f"; last sign of life {_time(self.beaten)}" if self.lease else ""
        return (
            f"locked by {self.actor.user} on {self.actor.host} ({self.actor.arn}{job}) since {_time(self.since)}:"
            f" {self.purpose}{which}{why}{life}; lock id {self.id}"
        )


@dataclass(frozen=True)
class LockRecord:
    """The lock of one environment, as every process may see it: read, watched and freed."""

    table: Table
    environment: str
    masks: Masks
    clock: Clock
    lease: float

    def read(self) -> Lock | None:
        """Who holds it; None where nobody does."""
        found = self._last()
        return found if found and found.owner else None

    def refuse(self, found: Lock) -> LockedError:
        """The refusal that a holder is reason for."""
        hint = "Wait for it with: --wait-lock 15m."
        if found.lease:
            hint += (
                f" If it has died: invoke release --resume, invoke rollback, or invoke lock.free --id {found.id}"
                f" (each watches it for {found.lease:.0f} s first)."
            )
        else:
            hint += f" When the reason is gone: invoke lock.free --id {found.id}"
        return LockedError(f"{self.environment} is {found}", hint)

    def watched(self, found: Lock) -> bool:
        """Whether a holder gave no sign of life for a whole lease; takes as long as that.

        Raises:
            LockedError: somebody holds it until it is freed: there is no lease that could run out.
        """
        if not found.lease:
            raise self.refuse(found)
        for _ in self.clock.polls(found.lease, longest=max(0.1, found.lease / 10)):
            if self._last() != found:
                return False
        return self._last() == found

    def free(self, lock_id: str) -> Lock:
        """Frees the lock by its exact id: a person's at once, a release's once its lease has run out.

        Raises:
            UsageError: nobody holds it, or the id is another one's.
            LockedError: its holder lives.
        """
        found = self.read()
        if found is None:
            raise UsageError(f"nobody holds {self.environment}", "There is nothing to free.")
        if found.id != lock_id:
            raise UsageError(f"{lock_id!r} is not the id of this lock: {self.environment} is {found}")
        if found.lease and not self.watched(found):
            raise LockedError(
                f"its holder lives: {self.environment} is {self.read() or 'free now'}", "Wait for it: --wait-lock 15m"
            )
        if not self.write(found.model_copy(update={"owner": ""}), found.stamp):
            raise self._changed()
        return found

    def write(self, lock: Lock, when: dict[str, str | int] | None) -> bool:
        """Writes the lock if what is there is as it should be; ``when`` is None for the first of all."""
        return self.table.put(self._pk, "lock", lock.model_dump(mode="json"), new=when is None, when=when)

    @property
    def _pk(self) -> str:
        return f"lock#{self.environment}"

    def _last(self) -> Lock | None:
        item = self.table.get(self._pk, "lock")
        return Lock.model_validate(item) if item else None

    def _is_ours(self, lock: Lock) -> bool:
        found = self._last()
        return found is not None and found.holder_key == lock.holder_key

    def _changed(self) -> LockedError:
        found = self.read()
        return self.refuse(found) if found else LockedError(f"{self.environment} was locked a moment ago", "Try again.")


def _time(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"
