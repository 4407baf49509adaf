"""Histories drawn at random: some here, five hundred in the long run; and those that once showed a mistake."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from longshore import git
from longshore.verdict import Verdict
from tests.crash.world import Point
from tests.machine.invariants import entries
from tests.machine.lags import AT_ONCE, Lags
from tests.machine.machine import COMMANDS, FATES, Histories, Tally, Trouble, play
from tests.machine.world import LEASE, World, project

EXAMPLES = 500


@contextmanager
def new_history() -> Iterator[Histories]:
    with tempfile.TemporaryDirectory(prefix="longshore-machine-") as folder:
        made = Histories(project(Path(folder)), Tally())
        try:
            yield made
        finally:
            made.teardown()


@pytest.fixture
def history() -> Iterator[Histories]:
    with new_history() as made:
        yield made


@pytest.mark.scenario
def test_some_histories_hold() -> None:
    assert play(number=1, examples=30).histories >= 30


@pytest.mark.scenario
@pytest.mark.long
def test_many_histories_hold_and_every_verdict_is_reached(capsys: pytest.CaptureFixture[str]) -> None:
    number = secrets.randbelow(2**32)
    with capsys.disabled():
        print(f"\nseed {number}")  # noqa: T201 - before the histories: it is wanted most where one of them fails
        tally = play(number, EXAMPLES)
        print(tally)  # noqa: T201
    assert tally.histories >= EXAMPLES
    assert tally.missing() == []


def test_an_approved_release_that_died_is_gone_on_with_though_another_one_failed_meanwhile(history: Histories) -> None:
    history.begins(AT_ONCE, ready=1)
    history.waits_for_approval("staging", Trouble())
    history.releases("staging", changed=True, fate="migration exits 1", trouble=Trouble())
    history.is_approved("staging", 0, "good", Trouble("dies after", 20))
    history.holds()
    history.resumes("staging", abort=False, trouble=Trouble())
    history.holds()
    assert [entry.verdict for entry in entries(history.world, "staging")] == ["succeeded", "succeeded", "failed"]


def test_a_promotion_that_died_at_once_knows_what_it_promotes(history: Histories) -> None:
    history.begins(AT_ONCE, ready=1)
    history.promotes(None, "good", Trouble("dies before", 4, 1))
    history.resumes("production", abort=False, trouble=Trouble())
    history.holds()
    (tried,), (promoted,) = entries(history.world, "staging"), entries(history.world, "production")
    assert (promoted.verdict, promoted.promoted_from) == (Verdict.SUCCEEDED, tried.release)
    assert (promoted.commit, promoted.images["app"].digest) == (tried.commit, tried.images["app"].digest)


@pytest.mark.parametrize(("abort", "verdict"), [(True, "rolled_back"), (False, "succeeded")])
def test_a_first_release_that_died_is_not_ended_by_a_roll_back_that_has_nowhere_to_go(
    abort: bool,  # noqa: FBT001 - a parameter of the test
    verdict: str,
    history: Histories,
) -> None:
    history.releases("staging", changed=False, fate="good", trouble=Trouble("dies after", 40))
    history.rolls_back("staging", Trouble())
    history.resumes("staging", abort=abort, trouble=Trouble())
    history.holds()
    (entry,) = entries(history.world, "staging")
    assert entry.verdict == verdict


@pytest.mark.parametrize("lags", [AT_ONCE, Lags(hidden=8, listed=30, reported=8, current=1, old_id=True, drains=10)])
def test_a_restart_by_another_process_before_the_move_is_not_overwritten(lags: Lags, history: Histories) -> None:
    history.begins(lags, ready=1)
    history.releases("staging", changed=True, fate="good", trouble=Trouble("restarted", 38, 1))
    history.holds()
    assert entries(history.world, "staging")[-1].verdict is Verdict.SUPERSEDED


def test_a_rollback_that_a_second_signal_ended_is_resumed_without_a_wait(history: Histories) -> None:
    history.begins(AT_ONCE, ready=1)
    history.releases("staging", changed=True, fate="good", trouble=Trouble("twice", 40, 2))
    assert entries(history.world, "staging")[-1].verdict is Verdict.INTERRUPTED
    before = history.world.now
    history.resumes("staging", abort=False, trouble=Trouble())
    history.holds()
    assert entries(history.world, "staging")[-1].verdict is Verdict.ROLLED_BACK
    assert history.world.now - before < LEASE


def test_a_history_that_fails_leaves_the_package_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    before = git.read
    with pytest.raises(AssertionError, match="does not hold"), new_history() as history:
        assert git.read is not before
        history.wrong.append("does not hold")
        history.holds()
    assert git.read is before

    def fails(_world: World) -> None:
        raise AssertionError("a process does not end")

    monkeypatch.setattr(World, "end", fails)
    with pytest.raises(AssertionError, match="does not end"), new_history():
        pass
    assert git.read is before


def _fails_to_go_back(history: Histories, point: Point | None = None) -> list[str]:
    """A release whose roll-back AWS refuses, and which ends at a point; what it wrote."""
    history.begins(AT_ONCE, ready=1)
    history.world.head += 1
    process = history._process("release", "staging", Trouble("denied"), FATES["web crashes"])
    process.table.point = point
    history._end(process, COMMANDS["release"])
    history.holds()
    return process.table.writes


@pytest.mark.scenario
def test_what_could_not_be_moved_back_is_moved_back_when_the_release_that_died_is_resumed() -> None:
    with new_history() as history:
        writes = _fails_to_go_back(history)
        assert entries(history.world, "staging")[-1].verdict is Verdict.ROLLBACK_FAILED
    failed = [number for number, write in enumerate(writes, 1) if write == "entry: rollback_failed"]
    assert len(failed) > 1
    for number in failed:
        with new_history() as history:
            _fails_to_go_back(history, Point(number, after=True))
            history.resumes("staging", abort=False, trouble=Trouble())
            history.holds()
            entry = entries(history.world, "staging")[-1]
            assert entry.verdict is Verdict.ROLLED_BACK
            assert {service.outcome for service in entry.services.values()} == {"moved back"}


@pytest.mark.scenario
def test_who_sleeps_over_a_write_and_loses_the_lock_writes_and_moves_nothing_more(history: Histories) -> None:
    """Whichever write it is: the witness complains of every write and call without the lock."""
    history.begins(AT_ONCE, ready=1)
    for write in range(1, 64, 3):
        history.loses_its_lease("staging", "release", write, "resume", "good")
        history.loses_its_lease("staging", "release", write + 1, "rollback", "good")
        history.holds()


def test_a_number_is_not_marked_as_unused_by_who_has_lost_the_lock(history: Histories) -> None:
    history.begins(AT_ONCE, ready=1)
    for write in (9, 10, 11, 12, 13):
        history.loses_its_lease("staging", "release", write, "resume", "good")
    states = {item["state"] for (pk, _), item in history.world.table.items.items() if pk == "version"}
    assert states == {"reserved"}


@pytest.mark.scenario
def test_the_histories_that_are_drawn_are_the_same_for_a_seed() -> None:
    assert str(play(number=3, examples=5)) == str(play(number=3, examples=5))


def test_a_tally_names_what_no_history_reached() -> None:
    tally = Tally(histories=1)
    tally.verdicts[Verdict.SUCCEEDED] += 1
    assert "succeeded" not in tally.missing()
    assert "rolled_back" in tally.missing()
    assert "running" not in tally.missing()
