"""How much of a long ledger a command reads: counted in queries, on 5,000 releases of 23 KB each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from longshore.commands import continue_release, promote
from longshore.environment.environment import Environment
from longshore.ledger.releases import Ledger
from longshore.result import ServiceResult
from longshore.run import image_checks, rollback_target
from longshore.verdict import Verdict
from tests.fakes.environments import environment
from tests.fakes.memory_table import MemoryTable
from tests.fakes.runs import started
from tests.fakes.samples import WHEN, result

RELEASES, BYTES = 5_000, 23_000


@pytest.fixture(scope="module")
def long_table() -> MemoryTable:
    """A ledger of 5,000 successful releases, one an hour; each version was reserved by its release."""
    table = MemoryTable()
    entry = result(verdict=Verdict.SUCCEEDED, ended=WHEN).model_dump(mode="json")
    for number in range(1, RELEASES + 1):
        at = (WHEN + timedelta(hours=number)).isoformat()
        version = f"v1.0.{number}"
        changes = {"sequence": number, "release": f"test-{number:06d}", "version": version, "started": at}
        key = ("release#test", f"{number:010d}")
        table.items[key] = entry | changes | {"previous_version": f"v1.0.{number - 1}"}
        table.sizes[key] = BYTES
    return table


@pytest.fixture
def calls(long_table: MemoryTable) -> list[str]:
    """The calls for releases, in order."""
    made: list[str] = []
    long_table.before = lambda call, pk: made.append(call) if pk == "release#test" else None
    return made


@pytest.fixture
def env(long_table: MemoryTable, tmp_path: Path) -> Environment:
    return environment(tmp_path, ledger=Ledger(long_table, "test"))


def test_a_new_version_is_known_not_to_have_failed_before(env: Environment, calls: list[str]) -> None:
    """Its reservation says since when it can have been released."""
    env.ledger.versions.reserve("v1.0.5001", "build 1f", "ann")
    image_checks.refuse_failed_version(env, "v1.0.5001", allowed=False)
    assert calls == ["query"]


@pytest.mark.parametrize(
    ("read", "most"),
    [
        (lambda env: promote._last_success(env, None), 1),
        (lambda env: promote._last_success(env, f"v1.0.{RELEASES - 90}"), 4),
        (lambda env: rollback_target.choose(env.ledger, result(), "v1.0.5000", None), 6),
        (lambda env: rollback_target.choose(env.ledger, result(), "v1.0.5000", "v1.0.4990"), 2),
    ],
)
def test_reading_ends_at_the_release_that_is_wanted(
    read: Callable[[Environment], object], most: int, env: Environment, calls: list[str]
) -> None:
    read(env)
    assert len(calls) <= most, calls


def test_a_version_that_was_reserved_and_never_released_is_not_searched_for(env: Environment, calls: list[str]) -> None:
    env.ledger.versions.reserve("v1.1.0", f"test-{RELEASES - 10:06d}", "ann")
    assert env.ledger.last_good("v1.1.0") is None
    assert calls == ["query"]


def test_a_version_of_another_registry_is_searched_for_without_reading_every_record_twice(
    env: Environment, calls: list[str]
) -> None:
    """Nothing says when it came to be: every page is read, and only three attributes of each record are sent."""
    assert env.ledger.last_good("v9.9.9") is None
    pages = -(-RELEASES // (1024 * 1024 // BYTES + 1))
    assert calls == ["query"] * (pages + (RELEASES % (1024 * 1024 // BYTES + 1) == 0))


def test_an_approval_reads_only_the_releases_after_its_own(
    long_table: MemoryTable, calls: list[str], tmp_path: Path
) -> None:
    env = environment(tmp_path, ledger=Ledger(long_table, "test"), released_tag=lambda: "unreleased")
    with started(sequence=RELEASES - 5, release=f"test-{RELEASES - 5:06d}") as run:
        for entry in long_table.items.values():
            entry.pop("services", None)
        continue_release._refuse_overtaken(run, env)
    assert calls == ["query"]


def test_the_reservation_by_its_own_release_is_no_bound(tmp_path: Path) -> None:
    """A release that was resumed a day later reserved its version long after its start."""
    table = MemoryTable()
    ledger = Ledger(table, "test")
    web = ServiceResult(name="web", wave=1, before={"task_definition": "a", "count": 1})  # type: ignore[arg-type]
    ledger.begin(result(verdict=Verdict.ROLLED_BACK, services={"web": web}))
    ledger.versions.reserve("v1.0.0", "test-000001", "ann")
    assert [entry.release for entry in ledger.of_version("v1.0.0")] == ["test-000001"]
