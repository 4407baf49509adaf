"""The lock of an environment: one release at a time, with a lease, a heartbeat and a fencing token.

The item is never deleted: a lock that was given back has no owner, and its fencing token goes on counting. Whether a
lease has run out is judged by a record that did not change for a whole lease, on the clock of whoever watches; clocks
of two machines are never compared.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from longshore.clock import Clock
from longshore.errors import AwsError, LockedError, LockLostError, UsageError
from longshore.ledger.table import Table
from longshore.masking import Masks
from longshore.result import Actor

BEATS_A_LEASE = 3
"""So often a holder says within a lease that it lives."""

OnWait = Callable[["Lock"], None]


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


@dataclass
class Lease:
    """The lock while this process holds it.

    Attributes:
        locks: where it is kept.
        lock: as it was written last.
        good_until: by our own clock; no side effect may begin after it without a new sign of life.
        warnings: what went wrong when it was given back.
        kept_because: not empty where it shall not be given back.
    """

    locks: Locks
    lock: Lock
    good_until: float
    warnings: list[str] = field(default_factory=list)
    kept_because: str = ""
    lost: LockLostError | None = None
    _writing: threading.RLock = field(default_factory=threading.RLock)

    def check(self) -> None:
        """Gives a sign of life, and makes sure that the lock is still ours: asked before every side effect.

        Raises:
            LockLostError: somebody else has it, or may have taken it while we could not reach the ledger.
        """
        with self._writing:
            if self.lost:
                raise self.lost
            try:
                self._beat()
                while self.locks.clock.now() >= self.good_until:
                    self._beat()  # we slept over the answer: it says nothing any more
            except AwsError as error:
                if self.locks.clock.now() >= self.good_until:
                    message = f"the lock's lease may have run out, for it could not be renewed: {error.message}"
                    self.lost = LockLostError(message, "Look with: invoke lock.status")
                    raise self.lost from error

    def now_in(self, release: str, step: str) -> None:
        """What the next sign of life shall say of us."""
        with self._writing:
            self.lock = self.lock.model_copy(update={"release": release, "step": step})

    def keep(self, why: str) -> None:
        """Leaves the lock where it is at the end, and says why in it."""
        self.kept_because = why

    def _beat(self) -> None:
        begun = self.locks.clock.now()
        beaten = self.lock.model_copy(update={"beat": self.lock.beat + 1, "beaten": datetime.now(UTC)})
        if not self.locks.write(beaten, {"owner": beaten.owner, "fence": beaten.fence}):
            holder = self.locks.read()
            said = f"is now {holder}" if holder else "was freed"
            self.lost = LockLostError(
                f"the lock was lost: {self.locks.environment} {said}",
                "Nothing more was done here. Look with: invoke lock.status, invoke status",
            )
            raise self.lost
        self.lock, self.good_until = beaten, begun + beaten.lease

    def give_back(self) -> None:
        """Gives it back, or leaves it there with the reason; that it could not be done is a warning."""
        with self._writing:
            changes = {"why": self.locks.masks.mask(self.kept_because)} if self.kept_because else {"owner": ""}
            given = self.lock.model_copy(update=changes)
            try:
                held: dict[str, str | int] = {"owner": self.lock.owner, "fence": self.lock.fence}
                if self.lost is None and not self.locks.write(given, held):
                    self.warnings.append("the lock was taken over by somebody else")
            except AwsError as error:
                hint = f" Free it with: invoke lock.free --id {self.lock.id}"
                self.warnings.append(f"the lock could not be given back: {error.message}.{hint}")


@dataclass(frozen=True)
class Locks:
    """The lock of one environment."""

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

    @contextmanager
    def held(
        self, owner: str, actor: Actor, purpose: str, *, wait: float = 0.0, on_wait: OnWait = lambda _: None
    ) -> Iterator[Lease]:
        """Holds the environment while the block lasts, and gives signs of life meanwhile.

        Args:
            owner: a token of its own.
            actor: who.
            purpose: what for.
            wait: seconds to wait for another holder.
            on_wait: gets each other holder that is waited for.

        Raises:
            LockedError: somebody else holds it; says who, since when, its last sign of life, and how to free it.
            AwsError: the ledger can't be reached: nobody releases without a lock.
        """
        with self._alive(self._take(owner, actor, purpose, wait, on_wait)) as lease:
            yield lease

    @contextmanager
    def taken_over(self, dead: Lock, owner: str, actor: Actor, purpose: str) -> Iterator[Lease]:
        """Takes over a lock that was `watched` in vain, and holds it as `held` does.

        Raises:
            LockedError: it has changed after all.
        """
        lock = self._new(owner, actor, purpose, dead.fence + 1)
        begun = self.clock.now()
        if not self.write(lock, _same(dead)) and not self._is_ours(lock):
            raise self._changed()
        with self._alive(Lease(self, lock, begun + self.lease)) as lease:
            yield lease

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

    def hold(self, owner: str, actor: Actor, why: str) -> Lock:
        """Takes the lock for a person, until somebody frees it.

        Raises:
            LockedError: somebody else holds it.
        """
        return self._take(owner, actor, f"held: {self.masks.mask(why)}", 0.0, lambda _: None, lease=0.0).lock

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
        if not self.write(found.model_copy(update={"owner": ""}), _same(found)):
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

    def _new(self, owner: str, actor: Actor, purpose: str, fence: int, lease: float | None = None) -> Lock:
        now = datetime.now(UTC)
        good = self.lease if lease is None else lease
        return Lock(owner=owner, fence=fence, actor=actor, purpose=purpose, since=now, beaten=now, lease=good)

    def _take(
        self, owner: str, actor: Actor, purpose: str, wait: float, on_wait: OnWait, lease: float | None = None
    ) -> Lease:
        waited_for = None
        for _ in self.clock.polls(wait):
            last = self._last()
            if last and last.owner:
                if last.id != waited_for and wait:
                    on_wait(last)
                waited_for = last.id
                continue
            lock = self._new(owner, actor, purpose, last.fence + 1 if last else 1, lease)
            begun = self.clock.now()
            if self._put(lock, _same(last) if last else None):
                return Lease(self, lock, begun + lock.lease)
        raise self._changed()

    def _put(self, lock: Lock, when: dict[str, str | int] | None) -> bool:
        """Writes a new holder. Where no answer came, or a condition failed, it is looked who is there: it may be us."""
        try:
            return self.write(lock, when) or self._is_ours(lock)
        except AwsError as error:
            if error.transient and self._is_ours(lock):
                return True
            raise

    def _is_ours(self, lock: Lock) -> bool:
        found = self._last()
        return found is not None and (found.owner, found.fence) == (lock.owner, lock.fence)

    def _changed(self) -> LockedError:
        found = self.read()
        return self.refuse(found) if found else LockedError(f"{self.environment} was locked a moment ago", "Try again.")

    @contextmanager
    def _alive(self, lease: Lease) -> Iterator[Lease]:
        """Gives signs of life until the block ends, then gives the lock back."""
        over = threading.Event()
        beating = threading.Thread(target=_beat_until, args=(over, lease), daemon=True)
        beating.start()
        try:
            yield lease
        finally:
            over.set()
            beating.join()
            lease.give_back()


def _beat_until(over: threading.Event, lease: Lease) -> None:
    while not over.wait(lease.lock.lease / BEATS_A_LEASE):
        try:
            lease.check()
        except LockLostError:
            return


def _same(lock: Lock) -> dict[str, str | int]:
    return {"owner": lock.owner, "fence": lock.fence, "beat": lock.beat}


def _time(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"
