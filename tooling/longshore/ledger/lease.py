"""A lease on the lock of an environment: how a process takes it, renews it and gives it back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from longshore.errors import AwsError, LockLostError
from longshore.ledger.lock import Lock, LockRecord
from longshore.result import Actor

BEATS_A_LEASE = 3
"""So often a holder says within a lease that it lives."""

OnWait = Callable[[Lock], None]


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

    locks: LockRecord
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
        if not self.locks.write(beaten, beaten.holder_key):
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
                if self.lost is None and not self.locks.write(given, self.lock.holder_key):
                    self.warnings.append("the lock was taken over by somebody else")
            except AwsError as error:
                hint = f" Free it with: invoke lock.free --id {self.lock.id}"
                self.warnings.append(f"the lock could not be given back: {error.message}.{hint}")


@dataclass(frozen=True)
class _Holder:
    """Who takes the lock, and for how long a heartbeat keeps it."""

    owner: str
    actor: Actor
    purpose: str
    lease: float

    def lock_after(self, last: Lock | None) -> Lock:
        """The record of this holder, which follows the last one."""
        now = datetime.now(UTC)
        return Lock(
            owner=self.owner,
            fence=last.fence + 1 if last else 1,
            actor=self.actor,
            purpose=self.purpose,
            since=now,
            beaten=now,
            lease=self.lease,
        )


@dataclass(frozen=True)
class EnvironmentLock(LockRecord):
    """The lock of one environment, and the leases on it."""

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
        with self._alive(self._take(_Holder(owner, actor, purpose, self.lease), wait, on_wait)) as lease:
            yield lease

    @contextmanager
    def taken_over(self, dead: Lock, owner: str, actor: Actor, purpose: str) -> Iterator[Lease]:
        """Takes over a lock that was `watched` in vain, and holds it as `held` does.

        Raises:
            LockedError: it has changed after all.
        """
        lock = _Holder(owner, actor, purpose, self.lease).lock_after(dead)
        begun = self.clock.now()
        if not self.write(lock, dead.stamp) and not self._is_ours(lock):
            raise self._changed()
        with self._alive(Lease(self, lock, begun + self.lease)) as lease:
            yield lease

    def hold(self, owner: str, actor: Actor, why: str) -> Lock:
        """Takes the lock for a person, until somebody frees it.

        Raises:
            LockedError: somebody else holds it.
        """
        return self._take(_Holder(owner, actor, f"held: {self.masks.mask(why)}", 0.0)).lock

    def _take(self, holder: _Holder, wait: float = 0.0, on_wait: OnWait = lambda _: None) -> Lease:
        waited_for = ""
        for _ in self.clock.polls(wait):
            last = self._last()
            if last is None or not last.owner:
                lock, begun = holder.lock_after(last), self.clock.now()
                if self._put(lock, last):
                    return Lease(self, lock, begun + lock.lease)
            elif wait and last.id != waited_for:
                on_wait(last)
                waited_for = last.id
        raise self._changed()

    def _put(self, lock: Lock, last: Lock | None) -> bool:
        """Writes a new holder. Where no answer came, or a condition failed, it is looked who is there: it may be us."""
        try:
            return self.write(lock, last.stamp if last else None) or self._is_ours(lock)
        except AwsError as error:
            if error.transient and self._is_ours(lock):
                return True
            raise

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
