from __future__ import annotations

import pytest

from longshore.errors import AwsError, LockLostError
from longshore.ledger.journal import Events
from longshore.masking import Masks
from tests.fakes.memory_table import MemoryTable


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


def events(table: MemoryTable) -> Events:
    return Events(table, "test-000001", Masks(["canary-4711"]))


def test_events_are_read_in_the_order_of_writing(table: MemoryTable) -> None:
    first = events(table)
    first.append("intent", "apply v1.0.1", fence=3)
    first.append("outcome", "apply v1.0.1", "done", fence=3)
    second = events(table)
    second.append("note", "takes the lock over", "with canary-4711", fence=4)
    history = list(events(table).read())
    assert [(e.number, e.kind, e.what, e.fence) for e in history] == [
        (1, "intent", "apply v1.0.1", 3),
        (2, "outcome", "apply v1.0.1", 3),
        (3, "note", "takes the lock over", 4),
    ]
    assert "canary" not in history[2].detail


def test_an_intent_without_an_outcome_is_open(table: MemoryTable) -> None:
    journal = events(table)
    for kind, what in (("intent", "a"), ("intent", "b"), ("outcome", "a"), ("intent", "c"), ("intent", "a")):
        journal.append(kind, what)  # type: ignore[arg-type]
    assert [event.what for event in journal.open_intents()] == ["b", "c", "a"]


def test_two_processes_cannot_write_the_same_release(table: MemoryTable) -> None:
    first, second = events(table), events(table)
    first.append("intent", "a")
    second.append("intent", "b")
    with pytest.raises(LockLostError, match="another process has taken over test-000001"):
        first.append("outcome", "a")
    assert [event.what for event in events(table).read()] == ["a", "b"]


def test_an_event_written_without_a_response_is_ours(table: MemoryTable) -> None:
    """botocore repeats the write, and its condition fails on its own item."""
    put, journal = table.put, events(table)

    def twice(pk: str, sk: str, item: dict[str, object], *, new: bool = False, when: None = None) -> bool:
        put(pk, sk, item, new=new, when=when)
        return put(pk, sk, item, new=new, when=when)

    table.put = twice  # type: ignore[assignment, method-assign]
    journal.append("intent", "a")
    assert [event.what for event in events(table).read()] == ["a"]


def test_an_intent_that_cannot_be_written_is_an_error(table: MemoryTable) -> None:
    def refuse(call: str, _pk: str) -> None:
        if call == "put":
            raise AwsError("away")

    table.before = refuse
    with pytest.raises(AwsError):
        events(table).append("intent", "a")
