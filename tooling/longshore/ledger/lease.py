"""A lease on the lock of an environment: taken by a process, renewed by heartbeats, and freed at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from longshore.errors import AwsError, LockLostError, UnreadableRecordError
from longshore.ledger.lock import Lock, LockRecord
from longshore.result import Actor
from longshore.signals import finishing

BEATS_A_LEASE = 3
"""Heartbeats per lease."""

OnWait = Callable[[Lock], None]


@dataclass
class Lease:
    """The lock while this process holds it.

    Attributes:
        locks: the stored lock.
        lock: its state as last written.
        good_until: by our own clock, which counts the time for which the machine was suspended; no side effect may
            begin after this time without another heartbeat.
        warnings: the problems in freeing it.
        kept_because: the reason why it is not freed at the end, if any.
        lost: the error of every check after the lock was lost.
    """

    locks: LockRecord
    lock: Lock
    good_until: float
    warnings: list[str] = field(default_factory=list)
    kept_because: str = ""
    lost: LockLostError | None = None
    _writing: threading.RLock = field(default_factory=threading.RLock)

    def check(self) -> None:
        """Writes a heartbeat, and makes sure that we still hold the lock; called before every side effect.

        Raises:
            LockLostError: another process holds it, or may hold it, because the ledger could not be reached.
        """
        with self._writing:
            if self.lost:
                raise self.lost
            try:
                self._beat()
                while self.locks.clock.elapsed() >= self.good_until:
                    self._beat()  # the lease expired before the response arrived
            except AwsError as error:
                if self.locks.clock.elapsed() >= self.good_until:
                    message = f"the lock's lease may have expired, because it could not be renewed: {error.message}"
                    self.lost = LockLostError(message, "See who holds it: invoke lock.status")
                    raise self.lost from error

    def now_in(self, release: str, step: str) -> None:
        """Sets the release and the step that the next heartbeat records."""
        with self._writing:
            self.lock = self.lock.model_copy(update={"release": release, "step": step})

    def keep(self, why: str) -> None:
        """Keeps the lock when the lease ends, and records the reason in it, and that its holder has ended."""
        self.kept_because = why

    def _beat(self) -> None:
        begun = self.locks.clock.elapsed()
        renewed = self.lock.model_copy(update={"beat": self.lock.beat + 1, "beaten": datetime.now(UTC)})
        if not self.locks.write(renewed, renewed.holder_key):
            self.lost = LockLostError(
                f"the lock was lost: {self._current_holder()}",
                "This process did nothing more. Check: invoke lock.status, invoke status",
            )
            raise self.lost
        self.lock, self.good_until = renewed, begun + renewed.lease

    def _current_holder(self) -> str:
        try:
            holder = self.locks.read()
        except UnreadableRecordError as error:
            return error.message  # a newer Longshore has taken it
        return f"{self.locks.environment} {f'is now {holder}' if holder else 'was freed'}"

    def end(self) -> None:
        """Frees the lock, or keeps it with the reason; a failure is only a warning."""
        with self._writing:
            kept = {"why": self.locks.masks.mask(self.kept_because), "ended": True}
            lock = self.lock.model_copy(update=kept if self.kept_because else {"owner": ""})
            try:
                if self.lost is None and not self.locks.write(lock, self.lock.holder_key):
                    self.warnings.append("another process has taken over the lock")
            except AwsError as error:
                hint = f" Free it with: invoke lock.free --id {self.lock.id}"
                self.warnings.append(f"the lock could not be freed: {error.message}.{hint}")


@dataclass(frozen=True)
class _Holder:
    """The next holder of the lock."""

    owner: str
    actor: Actor
    purpose: str
    lease: float

    def lock_after(self, last: Lock | None) -> Lock:
        """The lock of this holder, after the last one. Keys that a newer Longshore gave to the last one end with it."""
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
    """The lock of one environment, with the operations that take it."""

    @contextmanager
    def held(
        self, owner: str, actor: Actor, purpose: str, *, wait: float = 0.0, on_wait: OnWait = lambda _: None
    ) -> Iterator[Lease]:
        """Holds the lock during the block, with heartbeats in a thread.

        Args:
            owner: a random token.
            actor: the person or job.
            purpose: the command.
            wait: seconds to wait for another holder.
            on_wait: receives each holder that delays us.

        Raises:
            LockedError: another process or a person holds it; names the holder, and how to free the lock.
            AwsError: the ledger cannot be reached; without it, nothing is released.
        """
        holder = _Holder(owner, actor, purpose, self.lease)
        with self._kept_alive(lambda taken: self._take(holder, taken, wait, on_wait)) as lease:
            yield lease

    @contextmanager
    def taken_over(self, stale: Lock, owner: str, actor: Actor, purpose: str) -> Iterator[Lease]:
        """Takes over a lock that `is_stale`, and holds it as `held` does.

        Raises:
            LockedError: the lock has changed in the meantime.
        """
        lock = _Holder(owner, actor, purpose, self.lease).lock_after(stale)

        def take(taken: list[Lease]) -> None:
            self._put(lock, stale, taken)
            if not taken:
                raise self._changed()

        with self._kept_alive(take) as lease:
            yield lease

    def hold(self, owner: str, actor: Actor, why: str) -> Lock:
        """Takes the lock for a person, until it is freed.

        Raises:
            LockedError: it is held already.
        """
        taken: list[Lease] = []
        try:
            self._take(_Holder(owner, actor, f"held: {self.masks.mask(why)}", 0.0), taken)
        except BaseException:
            with finishing():
                for lease in taken:
                    lease.end()
            raise
        return taken[0].lock

    def _take(self, holder: _Holder, taken: list[Lease], wait: float = 0.0, on_wait: OnWait = lambda _: None) -> None:
        """Adds the lease to ``taken`` once the lock is written, so that the caller can end it after a signal."""
        waited_for = ""
        for _ in self.clock.polls(wait):
            last = self._last()
            if last is None or not last.owner:
                self._put(holder.lock_after(last), last, taken)
                if taken:
                    return
            elif wait and last.id != waited_for:
                on_wait(last)
                waited_for = last.id
        raise self._changed()

    def _put(self, lock: Lock, last: Lock | None, taken: list[Lease]) -> None:
        lease = Lease(self, lock, self.clock.elapsed() + lock.lease)
        with finishing():  # it must be known whether the lock is held
            if self._written(lock, last):
                taken.append(lease)

    def _written(self, lock: Lock, last: Lock | None) -> bool:
        """Writes a new holder. After a lost response or a failed condition, reads the lock: the holder may be us."""
        try:
            return self.write(lock, last.stamp if last else None) or self._is_ours(lock)
        except AwsError as error:
            if error.transient and self._is_ours(lock):
                return True
            raise

    @contextmanager
    def _kept_alive(self, take: Callable[[list[Lease]], None]) -> Iterator[Lease]:
        """Takes the lock, and writes heartbeats during the block; then ends the lease, after a signal as well."""
        taken, ended = list[Lease](), threading.Event()
        beating = threading.Thread(target=_beat_until, args=(ended, taken), daemon=True)
        try:
            take(taken)
            beating.start()
            yield taken[0]
        finally:
            with finishing():  # the lock must not stay held
                ended.set()
                if beating.is_alive():
                    beating.join()
                for lease in taken:
                    lease.end()


def _beat_until(ended: threading.Event, taken: list[Lease]) -> None:
    (lease,) = taken
    while not ended.wait(lease.lock.lease / BEATS_A_LEASE):
        try:
            lease.check()
        except LockLostError:
            return
