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


def test_events_are_read_in_the_order_in_which_they_were_written(table: MemoryTable) -> None:
    first = events(table)
    first.append("intent", "apply v1.0.1", fence=3)
    first.append("outcome", "apply v1.0.1", "done", fence=3)
    second = events(table)
    second.append("note", "takes the lock over", "with canary-4711", fence=4)
    found = list(events(table).read())
    assert [(e.number, e.kind, e.what, e.fence) for e in found] == [
        (1, "intent", "apply v1.0.1", 3),
        (2, "outcome", "apply v1.0.1", 3),
        (3, "note", "takes the lock over", 4),
    ]
    assert "canary" not in found[2].detail


def test_an_intent_without_an_outcome_is_open(table: MemoryTable) -> None:
    book = events(table)
    for kind, what in (("intent", "a"), ("intent", "b"), ("outcome", "a"), ("intent", "c"), ("intent", "a")):
        book.append(kind, what)  # type: ignore[arg-type]
    assert [event.what for event in book.open_intents()] == ["b", "c", "a"]


def test_two_processes_do_not_write_the_same_release(table: MemoryTable) -> None:
    one, two = events(table), events(table)
    one.append("intent", "a")
    two.append("intent", "b")
    with pytest.raises(LockLostError, match="somebody else goes on with test-000001"):
        one.append("outcome", "a")
    assert [event.what for event in events(table).read()] == ["a", "b"]


def test_an_event_whose_answer_was_lost_is_ours(table: MemoryTable) -> None:
    """botocore sends the write again, and meets its own item."""
    real, book = table.put, events(table)

    def twice(pk: str, sk: str, item: dict[str, object], *, new: bool = False, when: None = None) -> bool:
        real(pk, sk, item, new=new, when=when)
        return real(pk, sk, item, new=new, when=when)

    table.put = twice  # type: ignore[assignment, method-assign]
    book.append("intent", "a")
    assert [event.what for event in events(table).read()] == ["a"]


def test_an_intent_that_cannot_be_written_is_an_error(table: MemoryTable) -> None:
    def refuse(call: str, _pk: str) -> None:
        if call == "put":
            raise AwsError("away")

    table.before = refuse
    with pytest.raises(AwsError):
        events(table).append("intent", "a")
