"""Items that DynamoDB would refuse are stored in parts; a reader meets whole items only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.errors import LockLostError, UnreadableRecordError
from longshore.ledger import parts
from longshore.ledger.answers import Answer
from longshore.ledger.formats import FORMAT
from longshore.ledger.parts import LARGEST_ITEM, PartedTable, size
from longshore.ledger.releases import Ledger
from longshore.masking import Masks
from longshore.result import Failure, ReleaseResult, Running, ServiceResult
from tests.fakes.memory_table import LARGEST_ITEM as LIMIT
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import ACTOR, WHEN, arn, result


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


def noise(seed: int, length: int) -> str:
    """Text that hardly compresses, with letters of two bytes."""
    letters, state = [], seed + 1
    for _ in range(length):
        state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        letters.append(chr(0xC0 + (state >> 33) % 0x1FF))
    return "".join(letters)


NOISE = noise(1, 8_000)


@pytest.fixture
def low(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a short text exceeds: compressing megabytes takes seconds."""
    monkeypatch.setattr(parts, "LARGEST_ITEM", 5_000)
    monkeypatch.setattr(parts, "_LARGEST_REST", 3_000)


def large(**changes: Any) -> ReleaseResult:
    """An entry above the low limits."""
    return result(changes=["x" * 10_000], failures=[Failure(subject="web", log=[NOISE])], **changes)


def test_a_record_that_dynamodb_would_refuse_is_kept_whole(table: MemoryTable) -> None:
    ledger, entry = Ledger(table, "test"), result(changes=["ü" * 5_000] * 50)
    ledger.begin(entry)
    assert ledger.find("test-000001") == entry
    assert len(entry.model_dump_json().encode()) > LIMIT > max(table.sizes.values())


def test_a_record_of_any_size_is_kept_whole(low: None, table: MemoryTable) -> None:
    ledger, entry = Ledger(table, "test"), large()
    ledger.begin(entry)
    ledger.begin(result(sequence=2, release="test-000002"))
    assert [read.sequence for read in ledger.releases()] == [2, 1]
    assert ledger.find("test-000001") == entry
    assert next(iter(ledger.of_version("v1.0.0"))).sequence == 2
    assert len([key for key in table.items if key[0].startswith("part#")]) > 1
    entry.message = "done"
    ledger.write(entry)
    assert ledger.find("test-000001") == entry


def test_the_small_attributes_stay_in_the_item(low: None, table: MemoryTable) -> None:
    """Conditions and projections work on it as on any other."""
    Ledger(table, "test").begin(large(fence=7))
    item = table.items["release#test", f"{1:010d}"]
    assert (item["version"], item["fence"], item["verdict"]) == ("v1.0.0", 7, "running")
    assert {"changes", "failures"} & item.keys() == set()


def test_services_and_images_stay_in_the_item_while_they_fit(low: None, table: MemoryTable) -> None:
    """A Longshore that knows no parts would read them as empty, and decide by that."""
    before = Running(task_definition=arn("shop-test-web", 1), count=1)
    services = {f"web{n}": ServiceResult(name="web", wave=1, before=before) for n in range(14)}
    ledger, entry = Ledger(table, "test"), large(services=services)
    ledger.begin(entry)
    item = table.items["release#test", f"{1:010d}"]
    assert 3_000 < size(item["services"]) < 5_000
    assert {"changes", "failures", "services", "images", "schedules"} - item.keys() == {"changes", "failures"}
    assert ledger.find("test-000001") == entry
    many = large(release="test-000002", sequence=2, services={f"{k}-{n}": services[k] for k in services for n in "ab"})
    ledger.begin(many)
    assert "services" not in table.items["release#test", f"{2:010d}"]
    assert ledger.find("test-000002") == many


def test_every_part_has_its_format(low: None, table: MemoryTable) -> None:
    Ledger(table, "test").begin(large())
    parts = [item for (key, _), item in table.items.items() if key.startswith("part#")]
    assert {item["format"] for item in parts} == {FORMAT}


@pytest.mark.parametrize("writes", range(4))
def test_a_process_killed_between_two_parts_leaves_the_item_as_it_was(
    low: None, table: MemoryTable, writes: int
) -> None:
    ledger, before = Ledger(table, "test"), large()
    ledger.begin(before)
    changed, left = large(message="after", warnings=[NOISE]), [writes]

    def kill(call: str, _pk: str) -> None:
        if call == "put":
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1

    table.before = kill
    with pytest.raises(KeyboardInterrupt):
        ledger.write(changed)
    table.before = lambda _call, _pk: None
    assert Ledger(table, "test").find("test-000001") == before


def test_a_writer_that_lost_the_lock_changes_nothing(low: None, table: MemoryTable) -> None:
    """Its parts have keys of their own, and no item names them."""
    first, second = Ledger(table, "test"), Ledger(table, "test")
    mine, other = large(fence=1), large(fence=1, warnings=[NOISE[:6_000]])
    first.begin(mine)
    second.take(other, 2)
    mine.message = "wakes up"
    with pytest.raises(LockLostError):
        first.write(mine)
    assert first.find("test-000001") == other


def test_a_missing_part_is_named_and_never_half_a_record(low: None, table: MemoryTable) -> None:
    ledger = Ledger(table, "test")
    ledger.begin(large())
    key = next(key for key in table.items if key[0].startswith("part#"))
    del table.items[key]
    with pytest.raises(UnreadableRecordError, match=f"its parts {key[0]} are missing"):
        ledger.find("test-000001")


def test_the_other_items_of_the_ledger_may_be_large_too(low: None, table: MemoryTable) -> None:
    ledger = Ledger(table, "test", Masks())
    ledger.events("test-000001").append("note", "found", NOISE)
    assert [event.detail for event in ledger.events("test-000001").read()] == [NOISE]
    answer = Answer(key="a", service="web", stage="S", hook="h", action="CONTINUE", actor=ACTOR, at=WHEN, detail=NOISE)
    ledger.answers("test-000001").write(answer)
    assert ledger.answers("test-000001").read() == [answer]
    with ledger.locks.held("one", ACTOR, NOISE) as lease:
        lease.check()
        held = ledger.locks.read()
        assert held
        assert held.purpose == NOISE
    assert ledger.locks.read() is None


def test_an_item_without_parts_or_format_is_read(table: MemoryTable) -> None:
    """As the first Longshore wrote them."""
    entry = result()
    table.put("release#test", f"{1:010d}", entry.model_dump(mode="json"))
    assert Ledger(table, "test").find("test-000001") == entry


texts = st.text(st.characters(codec=None), max_size=30)


@settings(max_examples=30)
@given(st.dictionaries(texts, texts | st.integers() | st.lists(texts, max_size=3), max_size=5), st.integers(0, 2))
def test_an_item_is_read_as_it_was_written(item: dict[str, Any], large_attributes: int) -> None:
    table = MemoryTable()
    item = {name: value for name, value in item.items() if name not in ("parts", "format", "writer")}
    item |= {f"large {number}": ("ü" * 200_000) for number in range(large_attributes)}
    whole = PartedTable(table)
    assert whole.put("a", "1", item)
    read = whole.get("a", "1")
    assert read is not None
    assert {name: read[name] for name in read if name not in ("format", "writer")} == item


def test_the_size_is_that_of_utf_8() -> None:
    assert size("ü" * 10) == 22
    assert size({"a": "😀"}) == len('{"a": "😀"}'.encode())
    assert LARGEST_ITEM < LIMIT
