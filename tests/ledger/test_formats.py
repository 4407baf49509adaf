"""Items that a newer Longshore wrote: named as such, never misread, and never a traceback."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from longshore.commands import promote, resume, rollback, status
from longshore.environment.environment import Environment
from longshore.errors import LockLostError, UnreadableRecordError
from longshore.ledger.formats import FORMAT
from longshore.ledger.lock import Lock
from longshore.ledger.releases import Ledger, NewerRecord
from longshore.run import image_checks, lifecycle
from longshore.run.lifecycle import RunRequest
from longshore.tasks import views
from longshore.terminal.console import Console
from longshore.verdict import ExitCode, Verdict, exit_code_of
from tests.fakes.environments import Identity, InstalledTerraform, environment
from tests.fakes.memory_table import MemoryTable
from tests.fakes.runs import contract
from tests.fakes.samples import ACTOR, WHEN, result

NEXT = FORMAT + 1
HIGHER = {"format": NEXT, "writer": "9.1.0"}
NEWER = [HIGHER, {"verdict": "paused"}, {"kind": "blue-green"}, {"cause": "budget"}, {"services": {"web": {"name": 3}}}]


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


def put(table: MemoryTable, changes: dict[str, Any], sequence: int = 2, **fields: Any) -> None:
    """Writes the entry of a newer Longshore, after one of ours."""
    Ledger(table, "test").begin(result(verdict=Verdict.SUCCEEDED, ended=WHEN))
    entry = result(sequence=sequence, release=f"test-{sequence:06d}", version="v1.0.1", **fields)
    table.put("release#test", f"{sequence:010d}", entry.model_dump(mode="json") | changes)


def env_with(table: MemoryTable, folder: Path) -> tuple[Environment, io.StringIO]:
    err = io.StringIO()
    ledger = Ledger(table, "test")
    env = environment(
        folder,
        console=Console(io.StringIO(), err, io.StringIO(), interactive=False),
        ledger=ledger,
        aws=SimpleNamespace(identity=Identity(), parameters=SimpleNamespace(get=lambda _: "v1.0.1")),
        terraform_of=lambda _stack: InstalledTerraform(),
    )
    return env, err


COMMANDS: list[Callable[[Environment], object]] = [
    lambda env: env.ledger.last_good(),
    lambda env: rollback.rollback(env, yes=True),
    lambda env: rollback.rollback(env, yes=True, to="v1.0.1"),
    lambda env: resume.resume(env, yes=True),
    lambda env: promote._last_success(env, None),
    lambda env: promote._last_success(env, "v1.0.1"),
    lambda env: image_checks.refuse_failed_version(env, "v1.0.1", allowed=False),
    lambda env: env.ledger.find("test-000002"),
]


@pytest.mark.parametrize("command", range(len(COMMANDS)))
@pytest.mark.parametrize("newer", NEWER)
def test_a_command_that_needs_it_is_refused_with_what_to_do(
    command: int, newer: dict[str, Any], table: MemoryTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollback, "read_contract", lambda _env: contract())
    put(table, newer)
    env, _ = env_with(table, tmp_path)
    with pytest.raises(UnreadableRecordError, match="test-000002 was written by a newer Longshore") as error:
        COMMANDS[command](env)
    assert error.value.hint.startswith("Update Longshore on this machine to ")
    assert exit_code_of(error.value) == ExitCode.FAILED
    assert env.ledger.locks.read() is None


def test_a_release_does_not_begin_over_it_and_writes_nothing(table: MemoryTable, tmp_path: Path) -> None:
    put(table, HIGHER)
    env, _ = env_with(table, tmp_path)
    before = {key: item for key, item in table.items.items() if key[0] != "lock#test"}
    request = RunRequest("release", ACTOR, lambda _env: contract())
    with pytest.raises(UnreadableRecordError, match=f"format {NEXT}"), lifecycle.running(env, request):
        raise AssertionError("it has begun")
    assert {key: item for key, item in table.items.items() if key[0] != "lock#test"} == before
    assert env.ledger.locks.read() is None


def test_the_hint_names_the_version_that_wrote_it(table: MemoryTable) -> None:
    put(table, HIGHER)
    with pytest.raises(UnreadableRecordError) as error:
        Ledger(table, "test").find("test-000002")
    assert "to version 9.1.0 or later" in error.value.hint
    put(table := MemoryTable(), {"verdict": "paused"})
    with pytest.raises(UnreadableRecordError, match="does not know its verdict 'paused'"):
        Ledger(table, "test").find("test-000002")


@pytest.mark.parametrize("newer", NEWER)
def test_history_and_show_mark_it(newer: dict[str, Any], table: MemoryTable) -> None:
    put(table, newer | {"added": [1]})
    ledger, (out, err) = Ledger(table, "test"), (io.StringIO(), io.StringIO())
    views.history(Console(out, err), list(ledger.entries()), as_json=False)
    assert [line.split()[0] for line in out.getvalue().splitlines() if "test-" in line] == [
        "test-000002",
        "test-000001",
    ]
    assert "(newer Longshore)" in out.getvalue()
    assert "warning: test-000002 was written by a newer Longshore" in err.getvalue()
    out = io.StringIO()
    views.show_release(Console(out, err), ledger, "test-000002", as_json=False)
    assert "added:           [1]" in out.getvalue()
    out = io.StringIO()
    views.history(Console(out, err), list(ledger.entries()), as_json=True)
    document = json.loads(out.getvalue())[0]
    assert (document["release"], document["added"]) == ("test-000002", [1])
    assert "newer Longshore" in document["unreadable"]


def test_status_shows_the_services_without_it(table: MemoryTable, tmp_path: Path) -> None:
    put(table, HIGHER)
    env, err = env_with(table, tmp_path)
    bare = contract().model_copy(update={"services": {}})
    env.__dict__["contract"] = lambda: bare
    env.__dict__["access"] = SimpleNamespace(base_url=lambda _cluster, _service: None)
    env.aws.ecs = SimpleNamespace(services=lambda _cluster, _names: {})  # type: ignore[assignment]
    shown = status.status(env)
    assert (shown.released, shown.release) == ("v1.0.1", None)
    assert "warning: the last release is unknown: test-000002 was written by a newer Longshore" in err.getvalue()


def test_an_older_entry_of_a_newer_longshore_is_in_nobodys_way(table: MemoryTable) -> None:
    """Reading ends before it."""
    put(table, HIGHER)
    ledger = Ledger(table, "test")
    ledger.begin(result(sequence=3, release="test-000003", verdict=Verdict.SUCCEEDED, version="v1.0.2"))
    last = ledger.last_good()
    assert last
    assert last.release == "test-000003"


def test_keys_of_a_newer_longshore_are_kept(table: MemoryTable) -> None:
    Ledger(table, "test").begin(result())
    stored = table.items["release#test", f"{1:010d}"]
    stored |= {"canary": {"share": 5}, "actor": stored["actor"] | {"team": "blue"}}
    entry = Ledger(table, "test").find("test-000001")
    assert entry
    entry.message = "done"
    Ledger(table, "test").write(entry)
    written = table.items["release#test", f"{1:010d}"]
    assert (written["canary"], written["actor"]["team"], written["message"]) == ({"share": 5}, "blue", "done")
    versions = Ledger(table, "test").versions
    versions.reserve("v1.0.0", "one", "ann")
    table.items["version", "001-1.001-0.001-0"] |= {"signed": True, "state": "reserved"}
    versions.mark_unused("v1.0.0", "one", "why")
    assert table.items["version", "001-1.001-0.001-0"]["signed"] is True


def test_the_lock_keeps_keys_of_a_newer_longshore_until_its_next_holder(table: MemoryTable) -> None:
    """They may be facts about the holder."""
    locks = Ledger(table, "test").locks

    def stored() -> dict[str, Any]:
        return table.items["lock#test", "lock"]

    stale = locks.hold("one", ACTOR, "maintenance")
    stored()["region"] = "eu"
    locks.free(stale.id)
    assert (stored()["owner"], stored()["region"]) == ("", "eu")
    with locks.held("two", ACTOR, "release") as lease:
        assert "region" not in stored()
        lease.lock = lease.lock.model_copy(update={"region": "us"})
        lease.check()
        assert stored()["region"] == "us"
        assert locks.read() == lease.lock
    assert (stored()["owner"], stored()["region"]) == ("", "us")
    stored()["owner"] = "killed"
    with locks.taken_over(Lock.model_validate(stored()), "three", ACTOR, "release"):
        assert "region" not in stored()


def test_an_event_of_an_unknown_kind_is_shown_and_not_resumed_over(table: MemoryTable) -> None:
    journal = Ledger(table, "test").events("test-000001")
    journal.append("pause", "web")  # type: ignore[arg-type]
    assert [event.kind for event in journal.read()] == ["pause"]
    with pytest.raises(UnreadableRecordError, match="event 1 of test-000001"):
        journal.open_intents()


def test_a_lock_that_a_newer_longshore_has_taken_is_lost(table: MemoryTable) -> None:
    locks = Ledger(table, "test").locks
    with locks.held("one", ACTOR, "release") as lease:
        table.items["lock#test", "lock"] |= HIGHER | {"fence": 9, "owner": "other"}
        with pytest.raises(LockLostError, match="the lock of test was written by a newer Longshore"):
            lease.check()
        with pytest.raises(UnreadableRecordError):
            locks.read()


def test_every_item_has_its_format(table: MemoryTable) -> None:
    ledger = Ledger(table, "test")
    ledger.begin(result())
    ledger.versions.reserve("v1.0.0", "one", "ann")
    ledger.events("test-000001").append("note", "a")
    ledger.remember_build("app", "c0ffee", "inputs", "sha256:1", "v1.0.0")
    with ledger.locks.held("one", ACTOR, "release"):
        pass
    assert {(item["format"], bool(item["writer"])) for item in table.items.values()} == {(FORMAT, True)}
    assert isinstance(ledger.look_up("test-000001"), type(result()))
    assert not isinstance(ledger.look_up("test-000001"), NewerRecord)


def test_a_build_of_a_newer_format_is_not_reused(table: MemoryTable) -> None:
    ledger = Ledger(table, "test")
    ledger.remember_build("app", "c0ffee", "inputs", "sha256:1", "v1.0.0")
    table.items["build#app", "c0ffee#inputs"]["format"] = NEXT
    assert ledger.built("app", "c0ffee", "inputs") is None
