from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import pytest

from longshore.clock import Clock
from longshore.errors import AwsError, LockedError, LockLostError, UsageError
from longshore.ledger.lease import EnvironmentLock, Lease
from longshore.masking import Masks
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
class Dropped:
    """The answer to the next write is lost; the write took effect."""

    times: int = 1
    seen: list[str] = field(default_factory=list)

    def __call__(self, pk: str) -> None:
        if self.times > 0:
            self.times -= 1
            raise AwsError("no answer")


def test_one_release_at_a_time(table: MemoryTable) -> None:
    with locks(table).held("one", ACTOR, "release of 0123") as lease:
        lease.now_in("test-000001", "build")
        lease.check()
        with pytest.raises(LockedError) as caught, locks(table).held("two", ACTOR, "release of 4567"):
            pass
    message = caught.value.message
    for said in ("ann on laptop", "release of 0123", "test-000001", "in step 'build'", "since 2", "lock id 1-one"):
        assert said in message
    assert "--resume" in caught.value.hint
    with locks(table).held("two", ACTOR, "release of 4567") as lease:
        assert lease.lock.fence == 2, "the fencing token counts on"


def test_environments_do_not_lock_each_other(table: MemoryTable) -> None:
    with locks(table).held("one", ACTOR, "x"), locks(table, "other").held("two", ACTOR, "x"):
        pass


def test_eight_threads_at_once_and_one_gets_it(table: MemoryTable) -> None:
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


def test_a_lock_whose_answer_was_lost_is_ours(table: MemoryTable) -> None:
    table.after = Dropped()
    with locks(table).held("one", ACTOR, "x") as lease:
        lease.check()


def test_a_refused_write_that_did_not_take_effect_is_an_error(table: MemoryTable) -> None:
    def refuse(call: str, _pk: str) -> None:
        if call == "put":
            raise AwsError("throttled", code="ThrottlingException")

    table.before = refuse
    with pytest.raises(AwsError), locks(table).held("one", ACTOR, "x"):
        pass
    table.before = lambda _call, _pk: None
    assert locks(table).read() is None


def test_waiting_for_another_and_for_whom(table: MemoryTable) -> None:
    waited_for: list[str] = []
    first = locks(table).held("one", ACTOR, "first")
    first.__enter__()

    def later(now: float) -> None:
        if now > 100:
            first.__exit__(None, None, None)

    waiting = locks(table, clock=moved_clock(later))
    with waiting.held("two", ACTOR, "second", wait=900, on_wait=lambda lock: waited_for.append(lock.purpose)):
        pass
    assert waited_for == ["first"]
    with (
        locks(table).held("three", ACTOR, "x"),
        pytest.raises(LockedError),
        locks(table).held("four", ACTOR, "y", wait=60),
    ):
        pass


def test_a_holder_that_wakes_up_too_late_does_nothing_more(table: MemoryTable) -> None:
    with locks(table).held("one", ACTOR, "x") as lease:
        dead = locks(table).read()
        assert dead is not None
        with locks(table).taken_over(dead, "two", ACTOR, "resume"):
            with pytest.raises(LockLostError, match="locked by ann"):
                lease.check()
            with pytest.raises(LockLostError):
                lease.check()
        written = len(table.written)
    assert len(table.written) == written, "not even giving it back"
    assert lease.warnings == []


def test_a_lease_that_may_have_run_out_begins_nothing(table: MemoryTable) -> None:
    clock = moved_clock()
    with locks(table, clock=clock).held("one", ACTOR, "x") as lease:

        def away(call: str, _pk: str) -> None:
            raise AwsError("no answer")

        table.before = away
        lease.check()  # within the lease nobody can have taken it
        clock.sleep(59)
        lease.check()
        clock.sleep(2)
        with pytest.raises(LockLostError, match="may have run out"):
            lease.check()
        table.before = lambda _call, _pk: None
        with pytest.raises(LockLostError):
            lease.check()


def test_an_answer_that_was_slept_over_says_nothing(table: MemoryTable) -> None:
    clock, taken = moved_clock(), []
    with locks(table, clock=clock).held("one", ACTOR, "x") as lease:

        def sleep(_pk: str) -> None:
            table.after = lambda _pk: None
            clock.sleep(61)
            dead = locks(table).read()
            assert dead
            taken.append(locks(table).taken_over(dead, "two", ACTOR, "resume"))
            taken[0].__enter__()

        table.after = sleep
        with pytest.raises(LockLostError, match="locked by ann"):
            lease.check()
    taken[0].__exit__(None, None, None)


def test_a_sign_of_life_makes_the_lease_anew(table: MemoryTable) -> None:
    clock = moved_clock()
    with locks(table, clock=clock).held("one", ACTOR, "x") as lease:
        clock.sleep(200)
        lease.check()
        assert lease.good_until == clock.now() + 60


def test_signs_of_life_come_by_themselves(table: MemoryTable) -> None:
    with locks(table, clock=Clock(), lease=0.15).held("one", ACTOR, "x"):
        until = time.monotonic() + 5
        while table.items["lock#test", "lock"]["beat"] < 3 and time.monotonic() < until:
            time.sleep(0.01)
        assert table.items["lock#test", "lock"]["beat"] >= 3


def test_whether_a_holder_lives_is_judged_by_a_record_that_changes(table: MemoryTable) -> None:
    holder = locks(table, lease=3600).held("one", ACTOR, "x")
    lease: Lease = holder.__enter__()
    held = locks(table).read()
    assert held is not None

    silent = moved_clock()
    assert locks(table, clock=silent).watched(held)
    assert silent.now() >= held.lease, "a whole lease was waited for, whatever the clocks of others say"

    lives = moved_clock(lambda now: lease.check() if now > held.lease * 0.9 else None)
    assert not locks(table, clock=lives).watched(held)
    holder.__exit__(None, None, None)


def test_a_sign_of_life_dated_before_the_last_one_is_one(table: MemoryTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clocks are set back: what changes counts, not which time it says."""
    monkeypatch.setattr("longshore.ledger.lease.datetime", BackwardClock())
    with locks(table, lease=3600).held("one", ACTOR, "x") as lease:
        held = locks(table).read()
        assert held is not None
        lives = moved_clock(lambda now: lease.check() if now > held.lease * 0.9 else None)
        assert not locks(table, clock=lives).watched(held)
        assert lease.lock.beaten < held.beaten <= held.since
        assert lease.good_until == lease.locks.clock.now() + held.lease


def test_of_two_who_take_it_over_one_does(table: MemoryTable) -> None:
    with locks(table).held("one", ACTOR, "x"):
        dead = locks(table).read()
        assert dead is not None
        with (
            locks(table).taken_over(dead, "two", ACTOR, "resume") as lease,
            pytest.raises(LockedError),
            locks(table).taken_over(dead, "three", ACTOR, "resume"),
        ):
            pass
        assert lease.lock.fence == dead.fence + 1


def test_freeing_wants_the_exact_id_and_a_dead_holder(table: MemoryTable) -> None:
    with pytest.raises(UsageError, match="nobody holds test"):
        locks(table).free("1-one")
    holder = locks(table).held("one-and-only", ACTOR, "x")
    lease = holder.__enter__()
    for wrong in ("1", "one-and-", "2-one-and-", ""):
        with pytest.raises(UsageError, match="is not the id"):
            locks(table).free(wrong)
    alive = moved_clock(lambda _: lease.check())
    with pytest.raises(LockedError, match="its holder lives"):
        locks(table, clock=alive).free("1-one-and-")
    assert locks(table).free("1-one-and-").owner == "one-and-only"
    assert locks(table).read() is None
    holder.__exit__(None, None, None)
    assert lease.warnings == ["the lock was taken over by somebody else"]


def test_a_lock_held_by_a_person_stays_until_it_is_freed(table: MemoryTable) -> None:
    held = locks(table).hold("ann", ACTOR, "the database moves")
    assert "held: the database moves" in str(held)
    with pytest.raises(LockedError, match="the database moves"), locks(table).held("one", ACTOR, "x"):
        pass
    with pytest.raises(LockedError):
        locks(table).watched(held)
    clock = moved_clock()
    locks(table, clock=clock).free(held.id)
    assert clock.now() == 0, "there is no lease to wait for"
    with locks(table).held("one", ACTOR, "x"):
        pass


def test_an_error_while_giving_back_does_not_hide_the_real_one(table: MemoryTable) -> None:
    def refuse(call: str, _pk: str) -> None:
        if call == "put":
            raise AwsError("away")

    with pytest.raises(ValueError, match="real"), locks(table).held("one", ACTOR, "x") as lease:
        table.before = refuse
        raise ValueError("real")
    assert lease.warnings == [
        "the lock could not be given back: away. Free it with: invoke lock.free --id 1-one",
    ]


def test_a_lock_that_is_kept_says_why(table: MemoryTable) -> None:
    with locks(table).held("one", ACTOR, "release") as lease:
        lease.keep("left at once")
    with pytest.raises(LockedError, match="release; left at once"), locks(table).held("two", ACTOR, "release"):
        pass


def test_without_the_ledger_there_is_no_lock(table: MemoryTable) -> None:
    def away(_call: str, _pk: str) -> None:
        raise AwsError("no answer")

    table.before = away
    with pytest.raises(AwsError), locks(table).held("one", ACTOR, "x"):
        pass
