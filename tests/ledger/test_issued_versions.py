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


def test_the_newest_version_is_the_numerically_highest(table: MemoryTable) -> None:
    issued = versions(table)
    assert issued.newest() == []
    issue(issued, "v1.10.0", "v1.9.12", "v0.99.99", "v1.9.9", "v1.9.100")
    assert [entry.version for entry in issued.newest()] == ["v1.10.0", "v1.9.100", "v1.9.12", "v1.9.9", "v0.99.99"]
    assert [entry.version for entry in issued.newest("v1.9")] == ["v1.9.100", "v1.9.12", "v1.9.9"]
    assert issued.newest("v1.1") == []


def test_an_entry_names_the_release_and_the_user(table: MemoryTable) -> None:
    versions(table).reserve("v1.0.0", "test-000007", "ann")
    (entry,) = versions(table).newest()
    assert (entry.version, entry.by, entry.user, entry.state, entry.why) == (
        "v1.0.0",
        "test-000007",
        "ann",
        "reserved",
        "",
    )
    assert entry.at.utcoffset() is not None


def test_a_version_is_reserved_once(table: MemoryTable) -> None:
    issued = versions(table)
    assert issued.reserve("v1.0.0", "one", "ann")
    assert not issued.reserve("v1.0.0", "another", "bob")
    assert issued.reserve("v1.0.0", "one", "ann"), "the same release may reserve it again"
    assert [entry.user for entry in issued.newest()] == ["ann"]


@dataclass
class LostResponse:
    """The response to a write is lost; boto3 repeats the write, whose condition fails on its own item."""

    table: MemoryTable

    def put(self, *args: object, **rest: object) -> bool:
        self.table.put(*args, **rest)  # type: ignore[arg-type]
        return self.table.put(*args, **rest)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self.table, name)


def test_a_version_reserved_without_a_response_is_ours(table: MemoryTable) -> None:
    assert Versions(LostResponse(table), Masks()).reserve("v1.0.0", "one", "ann")  # type: ignore[arg-type]


def test_the_version_of_a_failed_build_is_marked_unused(table: MemoryTable) -> None:
    issued = versions(table)
    issue(issued, "v1.0.0", "v1.0.1")
    issued.mark_unused("v1.0.1", "release of v1.0.1", f"docker build failed: {'x' * 480} {SECRET}")
    newest, first = issued.newest()
    assert (newest.state, first.state) == ("unused", "reserved")
    assert newest.why.startswith("docker build failed: xxx")
    assert "canary" not in newest.why
    assert len(newest.why) <= 500
    assert not issued.reserve("v1.0.1", "another", "bob"), "it is not issued again"


def test_only_the_release_that_reserved_a_version_marks_it(table: MemoryTable) -> None:
    issued = versions(table)
    issue(issued, "v1.0.0")
    issued.mark_unused("v1.0.0", "another", "why")
    issued.mark_unused("v1.0.1", "another", "not reserved")
    assert [entry.state for entry in issued.newest()] == ["reserved"]


def test_a_version_of_the_registry_can_be_recorded(table: MemoryTable) -> None:
    issued = versions(table)
    issue(issued, "v1.0.0")
    for name in ("v3.0.0", "v1.0.0"):
        issued.record_seen(name, "one", "ann")
    assert [(entry.version, entry.state) for entry in issued.newest()] == [("v3.0.0", "seen"), ("v1.0.0", "reserved")]


def test_the_newest_versions_are_read_in_one_call(table: MemoryTable) -> None:
    issued, calls = versions(table), []
    issue(issued, *(f"v1.0.{number}" for number in range(25)))
    table.before = lambda call, _pk: calls.append(call)
    assert [entry.version for entry in issued.newest()] == [f"v1.0.{number}" for number in range(24, 14, -1)]
    assert calls == ["query"]
    assert len(list(issued.all())) == 25


def test_without_the_ledger_no_version_is_reserved(table: MemoryTable) -> None:
    def refuse(_call: str, _pk: str) -> None:
        raise AwsError("denied", code="AccessDeniedException")

    table.before = refuse
    with pytest.raises(AwsError, match="denied"):
        versions(table).reserve("v1.0.0", "one", "ann")


numbers = st.integers(min_value=0, max_value=10**30)


@given(st.lists(st.builds(Version, numbers, numbers, numbers), min_size=1, max_size=8, unique=True))
def test_keys_sort_numerically(existing: list[Version]) -> None:
    issued = versions(MemoryTable())
    issue(issued, *map(str, existing))
    assert [entry.version for entry in issued.all()] == [str(version) for version in sorted(existing, reverse=True)]
    first = existing[0]
    inside = [version for version in existing if (version.major, version.minor) == (first.major, first.minor)]
    assert [entry.version for entry in issued.newest(f"v{first.major}.{first.minor}")] == [
        str(version) for version in sorted(inside, reverse=True)
    ]


def test_the_reason_is_masked(table: MemoryTable) -> None:
    issued = versions(table)
    issue(issued, "v1.0.0")
    issued.mark_unused("v1.0.0", "release of v1.0.0", f"the token {SECRET}")
    assert issued.newest()[0].why == f"the token {MASK}"
