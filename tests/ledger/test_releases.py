from __future__ import annotations

from datetime import timedelta
from itertools import islice

import pytest

from longshore.errors import LockedError, LockLostError
from longshore.ledger.releases import Ledger
from longshore.verdict import Verdict
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import WHEN, result


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


def test_releases_are_read_newest_first_page_by_page(table: MemoryTable) -> None:
    ledger = Ledger(table, "test")
    for number in range(1, 26):
        ledger.begin(result(sequence=number, release=f"test-{number:06d}", seconds=1.5))
    assert [r.sequence for r in ledger.releases(page=10)] == list(range(25, 0, -1))
    newest = next(ledger.releases())
    assert newest == result(sequence=25, release="test-000025", seconds=1.5)


def test_a_sequence_is_used_once(table: MemoryTable) -> None:
    ledger = Ledger(table, "test")
    ledger.begin(result())
    with pytest.raises(LockedError):
        ledger.begin(result())


def test_only_successful_releases_are_rollback_targets(table: MemoryTable) -> None:
    ledger = Ledger(table, "test")
    for number, verdict in enumerate([Verdict.SUCCEEDED, Verdict.ROLLED_BACK, Verdict.SUCCEEDED, Verdict.FAILED], 1):
        ledger.begin(result(sequence=number, verdict=verdict))
    assert [r.sequence for r in islice(ledger.succeeded(), 9)] == [3, 1]


def test_a_build_is_recorded_by_commit_and_inputs(table: MemoryTable) -> None:
    ledger = Ledger(table, "test")
    ledger.remember_build("app", "c0ffee", "inputs", "sha256:1", "v1.0.0")
    assert ledger.built("app", "c0ffee", "inputs") == "sha256:1"
    assert ledger.built("app", "c0ffee", "other") is None
    assert Ledger(table, "production").built("app", "c0ffee", "inputs") == "sha256:1"


def test_an_entry_is_found_by_its_id(table: MemoryTable) -> None:
    ledger = Ledger(table, "test")
    ledger.begin(result())
    assert ledger.find("test-000001") == result()
    assert [ledger.find(name) for name in ("test-000002", "other-000001", "test", "test-one")] == [None] * 4


def test_releases_are_ordered_by_sequence_even_if_the_clock_goes_backwards(table: MemoryTable) -> None:
    ledger = Ledger(table, "test")
    for number in range(1, 13):
        started = WHEN - timedelta(hours=number)
        ledger.begin(result(sequence=number, release=f"test-{number:06d}", started=started, verdict=Verdict.SUCCEEDED))
    assert [r.sequence for r in ledger.releases()] == [r.sequence for r in ledger.succeeded()] == [*range(12, 0, -1)]


def test_a_process_that_lost_the_lock_cannot_write_its_entry() -> None:
    table = MemoryTable()
    first, second = Ledger(table, "test"), Ledger(table, "test")
    entry = result(fence=1)
    first.begin(entry)
    taken = second.find(entry.release)
    assert taken
    second.take(taken, 2)
    entry.message = "wakes up"
    with pytest.raises(LockLostError, match="another process has taken over test-000001"):
        first.write(entry)
    taken.message = "resumed"
    second.write(taken)
    stored = first.find(entry.release)
    assert stored
    assert (stored.fence, stored.message) == (2, "resumed")
