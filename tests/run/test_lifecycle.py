"""How a run begins: what becomes of the entries of earlier runs."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from longshore.environment.environment import Environment
from longshore.ledger.releases import Ledger
from longshore.masking import Masks
from longshore.result import ReleaseResult
from longshore.run.lifecycle import RunRequest, running
from longshore.verdict import ExitCode, Verdict
from tests.fakes.environments import environment
from tests.fakes.memory_table import MemoryTable
from tests.fakes.runs import contract
from tests.fakes.samples import ACTOR, moved_clock, result


def interrupted(**fields: object) -> ReleaseResult:
    """An entry whose process was killed in the rollback that a signal had caused."""
    return result(
        verdict=Verdict.RUNNING, going_back=True, signal="SIGTERM", hint="See the reasons.", message="SIGTERM", **fields
    )


def environment_with(folder: Path, *entries: ReleaseResult) -> Environment:
    """An environment whose ledger has the entries, without a lock."""
    ledger = Ledger(MemoryTable(), "test", Masks(()), moved_clock())
    for entry in entries:
        with ledger.locks.held("one", ACTOR, "release") as lease:
            entry.fence = lease.lock.fence
            ledger.begin(entry)
    return environment(folder, ledger=ledger, released_tag=lambda: "v1.0.0")


def test_the_entry_of_a_killed_process_keeps_nothing_of_its_first_error(tmp_path: Path) -> None:
    entry = interrupted()
    env = environment_with(tmp_path, entry)
    with running(env, RunRequest("rollback", ACTOR, lambda _: contract())):
        pass
    closed = env.ledger.find(entry.release)
    assert closed is not None
    assert (closed.verdict, closed.exit_code) == (Verdict.INTERRUPTED, ExitCode.INTERRUPTED)
    assert (closed.signal, closed.hint) == ("", "")
    assert "its process was killed" in closed.message


def test_a_resumed_run_keeps_nothing_of_its_first_error(tmp_path: Path) -> None:
    entry = interrupted()
    env = environment_with(tmp_path, entry)
    with running(env, RunRequest("release", ACTOR, lambda _: contract(), resumes=entry)) as run:
        assert (run.result.signal, run.result.hint, run.result.message) == ("", "", "")


def test_a_full_disk_ends_a_run_like_any_other_error(tmp_path: Path) -> None:
    env = environment_with(tmp_path)
    with running(env, RunRequest("release", ACTOR, lambda _: contract())) as run:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "longshore-init")
    assert (run.result.verdict, run.result.exit_code) == (Verdict.FAILED, ExitCode.FAILED)
    assert run.result.message.startswith("longshore-init: No space left on device")
    assert "free space" in run.result.hint
    assert env.ledger.locks.read() is None
