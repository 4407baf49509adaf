from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.errors import AwsError
from longshore.images.version import Version
from longshore.ledger.issued_versions import Versions
from longshore.masking import MASK, Masks
from tests.fakes.memory_table import MemoryTable

SECRET = "canary-7f3a9c"


def versions(table: MemoryTable) -> Versions:
    return Versions(table, Masks([SECRET]))


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


def issue(issued: Versions, *names: str) -> None:
    for name in names:
        assert issued.reserve(name, f"release of {name}", "ann")


def test_the_newest_is_the_highest_by_number(table: MemoryTable) -> None:
    issued = versions(table)
    assert issued.newest() == []
    issue(issued, "v1.10.0", "v1.9.12", "v0.99.99", "v1.9.9", "v1.9.100")
    assert [one.version for one in issued.newest()] == ["v1.10.0", "v1.9.100", "v1.9.12", "v1.9.9", "v0.99.99"]
    assert [one.version for one in issued.newest("v1.9")] == ["v1.9.100", "v1.9.12", "v1.9.9"]
    assert issued.newest("v1.1") == []


def test_an_item_says_who_took_it_and_what_for(table: MemoryTable) -> None:
    versions(table).reserve("v1.0.0", "test-000007", "ann")
    (one,) = versions(table).newest()
    assert (one.version, one.by, one.user, one.state, one.why) == ("v1.0.0", "test-000007", "ann", "reserved", "")
    assert one.at.utcoffset() is not None


def test_a_number_is_taken_once(table: MemoryTable) -> None:
    issued = versions(table)
    assert issued.reserve("v1.0.0", "one", "ann")
    assert not issued.reserve("v1.0.0", "another", "bob")
    assert issued.reserve("v1.0.0", "one", "ann"), "by the same release: it is its own"
    assert [one.user for one in issued.newest()] == ["ann"]


@dataclass
class LostAndRepeated:
    """The answer to a write is lost; boto3 repeats the write, which meets its own item then."""

    table: MemoryTable

    def put(self, *args: object, **rest: object) -> bool:
        self.table.put(*args, **rest)  # type: ignore[arg-type]
        return self.table.put(*args, **rest)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self.table, name)


def test_a_write_whose_answer_was_lost_is_ours(table: MemoryTable) -> None:
    assert Versions(LostAndRepeated(table), Masks()).reserve("v1.0.0", "one", "ann")  # type: ignore[arg-type]


def test_a_failed_build_leaves_its_number_marked(table: MemoryTable) -> None:
    issued = versions(table)
    issue(issued, "v1.0.0", "v1.0.1")
    issued.mark_unused("v1.0.1", "release of v1.0.1", f"docker build failed: {'x' * 480} {SECRET}")
    newest, first = issued.newest()
    assert (newest.state, first.state) == ("unused", "reserved")
    assert newest.why.startswith("docker build failed: xxx")
    assert "canary" not in newest.why
    assert len(newest.why) <= 500
    assert not issued.reserve("v1.0.1", "another", "bob"), "it is not issued again"


def test_only_who_took_a_number_marks_it(table: MemoryTable) -> None:
    issued = versions(table)
    issue(issued, "v1.0.0")
    issued.mark_unused("v1.0.0", "another", "why")
    issued.mark_unused("v1.0.1", "another", "nobody took it")
    assert [one.state for one in issued.newest()] == ["reserved"]


def test_what_the_registry_has_can_be_taken_down(table: MemoryTable) -> None:
    issued = versions(table)
    issue(issued, "v1.0.0")
    for name in ("v3.0.0", "v1.0.0"):
        issued.record_seen(name, "one", "ann")
    assert [(one.version, one.state) for one in issued.newest()] == [("v3.0.0", "seen"), ("v1.0.0", "reserved")]


def test_few_of_many_are_read_to_know_the_newest(table: MemoryTable) -> None:
    issued, asked = versions(table), []
    issue(issued, *(f"v1.0.{number}" for number in range(25)))
    table.before = lambda call, _pk: asked.append(call)
    assert [one.version for one in issued.newest()] == [f"v1.0.{number}" for number in range(24, 14, -1)]
    assert asked == ["query"]
    assert len(list(issued.all())) == 25


def test_without_the_ledger_there_is_no_number(table: MemoryTable) -> None:
    def refuse(_call: str, _pk: str) -> None:
        raise AwsError("denied", code="AccessDeniedException")

    table.before = refuse
    with pytest.raises(AwsError, match="denied"):
        versions(table).reserve("v1.0.0", "one", "ann")


numbers = st.integers(min_value=0, max_value=10**30)


@given(st.lists(st.builds(Version, numbers, numbers, numbers), min_size=1, max_size=8, unique=True))
def test_keys_sort_as_numbers(found: list[Version]) -> None:
    issued = versions(MemoryTable())
    issue(issued, *map(str, found))
    assert [one.version for one in issued.all()] == [str(one) for one in sorted(found, reverse=True)]
    series = f"v{found[0].major}.{found[0].minor}"
    inside = [one for one in found if (one.major, one.minor) == (found[0].major, found[0].minor)]
    assert [one.version for one in issued.newest(series)] == [str(one) for one in sorted(inside, reverse=True)]


def test_masks_are_said(table: MemoryTable) -> None:
    issued = versions(table)
    issue(issued, "v1.0.0")
    issued.mark_unused("v1.0.0", "release of v1.0.0", f"the token {SECRET}")
    assert issued.newest()[0].why == f"the token {MASK}"
