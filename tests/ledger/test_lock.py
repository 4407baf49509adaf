from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from signal import SIGTERM, raise_signal

import pytest

from longshore.clock import Clock, time_with_sleep
from longshore.errors import AwsError, LockedError, LockLostError, UsageError
from longshore.ledger.lease import EnvironmentLock, Lease
from longshore.masking import Masks
from longshore.signals import StoppedBySignal, stopping
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import ACTOR, BackwardClock, moved_clock


def locks(
    table: MemoryTable, environment: str = "test", clock: Clock | None = None, lease: float = 60
) -> EnvironmentLock:
    return EnvironmentLock(table, environment, Masks(), clock or moved_clock(), lease)


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


@dataclass
class LostResponse:
    """The response to the next write is lost; the write took effect."""

    times: int = 1

    def __call__(self, pk: str) -> None:
        if self.times > 0:
            self.times -= 1
            raise AwsError("no answer")


def test_only_one_release_runs_at_a_time(table: MemoryTable) -> None:
    with locks(table).held("one", ACTOR, "release of 0123") as lease:
        lease.now_in("test-000001", "build")
        lease.check()
        with pytest.raises(LockedError) as caught, locks(table).held("two", ACTOR, "release of 4567"):
            pass
    message = caught.value.message
    for part in ("ann on laptop", "release of 0123", "test-000001", "in step 'build'", "since 2", "lock id 1-one"):
        assert part in message
    assert "--resume" in caught.value.hint
    with locks(table).held("two", ACTOR, "release of 4567") as lease:
        assert lease.lock.fence == 2, "the fencing token keeps counting"


def test_environments_do_not_lock_each_other(table: MemoryTable) -> None:
    with locks(table).held("one", ACTOR, "x"), locks(table, "other").held("two", ACTOR, "x"):
        pass


def test_one_of_eight_threads_gets_the_lock(table: MemoryTable) -> None:
    begin, end, results = threading.Barrier(8), threading.Barrier(8), []

    def run(owner: str) -> None:
        begin.wait(5)
        try:
            with locks(table).held(owner, ACTOR, "x"):
                results.append("held")
                end.wait(5)
        except LockedError:
            results.append("refused")
            end.wait(5)

    threads = [threading.Thread(target=run, args=(f"owner-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["held", *["refused"] * 7]


def test_a_lock_taken_without_a_response_is_ours(table: MemoryTable) -> None:
    table.after = LostResponse()
    with locks(table).held("one", ACTOR, "x") as lease:
        lease.check()


def test_a_throttled_write_without_effect_is_an_error(table: MemoryTable) -> None:
    def refuse(call: str, _pk: str) -> None:
        if call == "put":
            raise AwsError("throttled", code="ThrottlingException")

    table.before = refuse
    with pytest.raises(AwsError), locks(table).held("one", ACTOR, "x"):
        pass
    table.before = lambda _call, _pk: None
    assert locks(table).read() is None


def test_waiting_for_another_holder_names_it_once(table: MemoryTable) -> None:
    holders: list[str] = []
    first = locks(table).held("one", ACTOR, "first")
    first.__enter__()

    def later(now: float) -> None:
        if now > 100:
            first.__exit__(None, None, None)

    waiting = locks(table, clock=moved_clock(later))
    with waiting.held("two", ACTOR, "second", wait=900, on_wait=lambda lock: holders.append(lock.purpose)):
        pass
    assert holders == ["first"]
    with (
        locks(table).held("three", ACTOR, "x"),
        pytest.raises(LockedError),
        locks(table).held("four", ACTOR, "y", wait=60),
    ):
        pass


def test_a_holder_that_wakes_up_too_late_writes_nothing_more(table: MemoryTable) -> None:
    with locks(table).held("one", ACTOR, "x") as lease:
        stale = locks(table).read()
        assert stale is not None
        with locks(table).taken_over(stale, "two", ACTOR, "resume"):
            with pytest.raises(LockLostError, match="locked by ann"):
                lease.check()
            with pytest.raises(LockLostError):
                lease.check()
        written = len(table.written)
    assert len(table.written) == written, "the lock is not freed either"
    assert lease.warnings == []


def test_a_holder_whose_machine_was_suspended_may_not_begin_anything(table: MemoryTable) -> None:
    """Its monotonic clock stood still for two hours, in which another process took over; the ledger is out of reach."""
    awake, suspended = [1000.0], [0.0]
    clock = Clock(now=lambda: awake[0], with_sleep=lambda: awake[0] + suspended[0])
    with locks(table, clock=clock).held("one", ACTOR, "x") as lease:
        lease.check()
        stale = locks(table).read()
        assert stale is not None
        suspended[0] = 7200.0
        with locks(table).taken_over(stale, "two", ACTOR, "rollback"):

            def unreachable(call: str, _pk: str) -> None:
                raise AwsError("no answer")

            table.before = unreachable
            awake[0] += 25
            with pytest.raises(LockLostError, match="may have expired"):
                lease.check()
            table.before = lambda _call, _pk: None


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="only Linux has this clock")
def test_the_time_with_sleep_goes_on_with_the_clock_of_the_system() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= time_with_sleep() <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_without_such_a_clock_the_monotonic_one_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    before = time.monotonic()
    assert before <= time_with_sleep() <= time.monotonic()


def test_on_macos_the_clock_is_the_one_that_counts_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(time, "clock_gettime", lambda clock: float(clock == time.CLOCK_MONOTONIC))
    assert time_with_sleep() == 1.0


def test_no_side_effect_begins_once_the_lease_may_have_expired(table: MemoryTable) -> None:
    clock = moved_clock()
    with locks(table, clock=clock).held("one", ACTOR, "x") as lease:

        def unreachable(call: str, _pk: str) -> None:
            raise AwsError("no answer")

        table.before = unreachable
        lease.check()  # no other process can have taken it within the lease
        clock.sleep(59)
        lease.check()
        clock.sleep(2)
        with pytest.raises(LockLostError, match="may have expired"):
            lease.check()
        table.before = lambda _call, _pk: None
        with pytest.raises(LockLostError):
            lease.check()


def test_a_response_that_came_after_the_lease_is_not_trusted(table: MemoryTable) -> None:
    clock, taken = moved_clock(), []
    with locks(table, clock=clock).held("one", ACTOR, "x") as lease:

        def sleep(_pk: str) -> None:
            table.after = lambda _pk: None
            clock.sleep(61)
            stale = locks(table).read()
            assert stale
            taken.append(locks(table).taken_over(stale, "two", ACTOR, "resume"))
            taken[0].__enter__()

        table.after = sleep
        with pytest.raises(LockLostError, match="locked by ann"):
            lease.check()
    taken[0].__exit__(None, None, None)


def test_a_heartbeat_renews_the_lease(table: MemoryTable) -> None:
    clock = moved_clock()
    with locks(table, clock=clock).held("one", ACTOR, "x") as lease:
        clock.sleep(200)
        lease.check()
        assert lease.good_until == clock.now() + 60


def test_heartbeats_are_written_in_the_background(table: MemoryTable) -> None:
    with locks(table, clock=Clock(), lease=0.15).held("one", ACTOR, "x"):
        until = time.monotonic() + 5
        while table.items["lock#test", "lock"]["beat"] < 3 and time.monotonic() < until:
            time.sleep(0.01)
        assert table.items["lock#test", "lock"]["beat"] >= 3


def test_a_lock_is_stale_if_its_record_does_not_change_for_a_lease(table: MemoryTable) -> None:
    holder = locks(table, lease=3600).held("one", ACTOR, "x")
    lease: Lease = holder.__enter__()
    held = locks(table).read()
    assert held is not None

    clock = moved_clock()
    assert locks(table, clock=clock).is_stale(held)
    assert clock.now() >= held.lease, "it watches for a whole lease, by its own clock"

    beating = moved_clock(lambda now: lease.check() if now > held.lease * 0.9 else None)
    assert not locks(table, clock=beating).is_stale(held)
    holder.__exit__(None, None, None)


def test_a_heartbeat_with_an_earlier_time_counts(table: MemoryTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clocks may be set back: a change of the record counts, not the time in it."""
    monkeypatch.setattr("longshore.ledger.lease.datetime", BackwardClock())
    with locks(table, lease=3600).held("one", ACTOR, "x") as lease:
        held = locks(table).read()
        assert held is not None
        beating = moved_clock(lambda now: lease.check() if now > held.lease * 0.9 else None)
        assert not locks(table, clock=beating).is_stale(held)
        assert lease.lock.beaten < held.beaten <= held.since
        assert lease.good_until == lease.locks.clock.now() + held.lease


def test_only_one_of_two_processes_takes_a_stale_lock_over(table: MemoryTable) -> None:
    with locks(table).held("one", ACTOR, "x"):
        stale = locks(table).read()
        assert stale is not None
        with (
            locks(table).taken_over(stale, "two", ACTOR, "resume") as lease,
            pytest.raises(LockedError),
            locks(table).taken_over(stale, "three", ACTOR, "resume"),
        ):
            pass
        assert lease.lock.fence == stale.fence + 1


def test_freeing_needs_the_exact_id_and_a_stale_lock(table: MemoryTable) -> None:
    with pytest.raises(UsageError, match="the lock of test is free already"):
        locks(table).free("1-one")
    holder = locks(table).held("one-and-only", ACTOR, "x")
    lease = holder.__enter__()
    for wrong in ("1", "one-and-", "2-one-and-", ""):
        with pytest.raises(UsageError, match="is not the id"):
            locks(table).free(wrong)
    alive = moved_clock(lambda _: lease.check())
    with pytest.raises(LockedError, match="its holder is running"):
        locks(table, clock=alive).free("1-one-and-")
    assert locks(table).free("1-one-and-").owner == "one-and-only"
    assert locks(table).read() is None
    holder.__exit__(None, None, None)
    assert lease.warnings == ["another process has taken over the lock"]


def test_a_lock_held_by_a_person_stays_until_it_is_freed(table: MemoryTable) -> None:
    held = locks(table).hold("ann", ACTOR, "the database moves")
    assert "held: the database moves" in str(held)
    with pytest.raises(LockedError, match="the database moves"), locks(table).held("one", ACTOR, "x"):
        pass
    with pytest.raises(LockedError):
        locks(table).is_stale(held)
    clock = moved_clock()
    locks(table, clock=clock).free(held.id)
    assert clock.now() == 0, "there is no lease to watch"
    with locks(table).held("one", ACTOR, "x"):
        pass


def test_an_error_while_freeing_the_lock_does_not_hide_the_real_one(table: MemoryTable) -> None:
    def refuse(call: str, _pk: str) -> None:
        if call == "put":
            raise AwsError("away")

    with pytest.raises(ValueError, match="real"), locks(table).held("one", ACTOR, "x") as lease:
        table.before = refuse
        raise ValueError("real")
    assert lease.warnings == [
        "the lock could not be freed: away. Free it with: invoke lock.free --id 1-one",
    ]


def test_a_kept_lock_shows_its_reason(table: MemoryTable) -> None:
    with locks(table).held("one", ACTOR, "release") as lease:
        lease.keep("left at once")
    with pytest.raises(LockedError, match="release; left at once"), locks(table).held("two", ACTOR, "release"):
        pass


def test_a_holder_that_recorded_its_end_is_not_watched(table: MemoryTable) -> None:
    with locks(table).held("one", ACTOR, "release") as lease:
        lease.now_in("test-000001", "roll out")
        lease.keep("left at once")
    kept = locks(table).read()
    assert kept is not None
    with pytest.raises(LockedError, match="its process has ended") as caught, locks(table).held("two", ACTOR, "x"):
        pass
    assert caught.value.hint == (
        "Its process has ended: invoke release --resume, invoke rollback, or invoke lock.free --id 1-one"
    )
    clock = moved_clock()
    assert "Watching" not in locks(table).before_takeover(kept)
    assert locks(table, clock=clock).is_stale(kept)
    assert clock.now() == 0
    with locks(table, clock=clock).taken_over(kept, "three", ACTOR, "rollback"):
        assert not locks(table, clock=clock).is_stale(kept), "another process has taken it over"
    with locks(table).held("four", ACTOR, "release") as lease:
        assert not lease.lock.ended, "the next holder is alive"
        lease.keep("left at once")
    locks(table, clock=clock).free(lease.lock.id)
    assert clock.now() == 0


def test_the_hint_of_a_lock_without_a_release_names_the_command_that_frees_it(table: MemoryTable) -> None:
    with (
        locks(table).held("one", ACTOR, "bootstrap"),
        pytest.raises(LockedError) as caught,
        locks(table).held("two", ACTOR, "x"),
    ):
        pass
    assert caught.value.hint == (
        "Wait for it with: --wait-lock 15m. If its process was killed: invoke lock.free --id 1-one"
        " (which watches the lock for 60 s first)."
    )


def test_without_the_ledger_the_lock_cannot_be_taken(table: MemoryTable) -> None:
    def unreachable(_call: str, _pk: str) -> None:
        raise AwsError("no answer")

    table.before = unreachable
    with pytest.raises(AwsError), locks(table).held("one", ACTOR, "x"):
        pass


def interrupt(_pk: str) -> None:
    raise_signal(SIGTERM)


def test_a_signal_while_the_lock_is_written_leaves_it_free(table: MemoryTable) -> None:
    table.after = interrupt
    with pytest.raises(StoppedBySignal), stopping(), locks(table).held("one", ACTOR, "x"):
        raise AssertionError("not reached")
    assert [lock["owner"] for lock in table.written] == ["one", ""]


def test_a_signal_while_a_person_takes_the_lock_leaves_it_free(table: MemoryTable) -> None:
    table.after = interrupt
    with pytest.raises(StoppedBySignal), stopping():
        locks(table).hold("ann", ACTOR, "the database moves")
    assert [lock["owner"] for lock in table.written] == ["ann", ""]


def test_a_signal_while_a_lock_is_taken_over_leaves_it_free(table: MemoryTable) -> None:
    with locks(table).held("one", ACTOR, "x"):
        stale = locks(table).read()
        assert stale is not None
        table.after = interrupt
        with pytest.raises(StoppedBySignal), stopping(), locks(table).taken_over(stale, "two", ACTOR, "resume"):
            raise AssertionError("not reached")
    assert [lock["owner"] for lock in table.written] == ["one", "two", ""]


def test_a_signal_while_the_lock_is_freed_leaves_it_free(table: MemoryTable) -> None:
    def interrupt_put(call: str, pk: str) -> None:
        if call == "put" and table.written:
            interrupt(pk)

    table.before = interrupt_put
    with pytest.raises(StoppedBySignal), stopping(), locks(table).held("one", ACTOR, "x"):
        pass
    assert locks(table).read() is None
