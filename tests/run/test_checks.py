from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from longshore import git
from longshore.environment.environment import Environment
from longshore.errors import LockedError, NotReadyError, UsageError
from longshore.git import Source
from longshore.images import images
from longshore.ledger.releases import Ledger
from longshore.run import image_checks, lock_checks
from longshore.run.options import ReleaseOptions
from longshore.terminal.console import Console
from longshore.verdict import Cause, Verdict
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import ACTOR, moved_clock, result

BAD = (Verdict.ROLLED_BACK, Cause.ROLLOUT)
GOOD = (Verdict.SUCCEEDED, None)
SILENT = [(Verdict.FAILED, Cause.DECLINED), (Verdict.FAILED, Cause.PLAN), (Verdict.WAITING, None)]
STATE_LOCK = json.dumps(
    {"ID": "1d9d", "Operation": "OperationTypeApply", "Who": "ann@laptop", "Created": "2026-01-02T03:04:05Z"}
)


def environment(state_lock: str | None = None, backend: dict[str, str] | None = None) -> Environment:
    """An environment with a ledger, and a state that may be locked."""
    bucket = {"bucket": "state", "key": "shop/test.tfstate", "region": "eu-central-1"} if backend is None else backend
    made: Any = SimpleNamespace(
        console=Console(io.StringIO(), io.StringIO(), io.StringIO(), interactive=False),
        ledger=Ledger(MemoryTable(), "test", clock=moved_clock()),
        target=SimpleNamespace(application="shop", environment="test", stack=SimpleNamespace(backend=bucket)),
        aws=SimpleNamespace(buckets=SimpleNamespace(read=lambda _bucket, _key: state_lock)),
    )
    return cast(Environment, made)


def test_nobody_holds_it() -> None:
    env = environment()
    assert lock_checks.stale_lock(env) is None
    lock_checks.refuse_locked(env)


def test_a_lock_whose_holder_is_silent_for_a_lease_is_dead() -> None:
    env = environment()
    with env.ledger.locks.held("one", ACTOR, "release"):
        with pytest.raises(LockedError, match="locked by ann"):
            lock_checks.refuse_locked(env)
        dead = lock_checks.stale_lock(env)
        assert dead is not None
        assert dead.owner == "one"


def test_a_terraform_that_outlived_its_release_keeps_the_lock_where_it_is() -> None:
    env = environment(STATE_LOCK)
    with env.ledger.locks.held("one", ACTOR, "release"), pytest.raises(NotReadyError) as caught:
        lock_checks.stale_lock(env)
    for said in ("shop/test.tfstate is locked", "OperationTypeApply by ann@laptop", "lock id 1d9d"):
        assert said in caught.value.message
    assert "invoke state.unlock -a shop -e test --id 1d9d" in caught.value.hint


def test_a_state_lock_that_cannot_be_read_is_a_lock_all_the_same() -> None:
    env = environment("not JSON")
    with env.ledger.locks.held("one", ACTOR, "release"), pytest.raises(NotReadyError, match="not JSON"):
        lock_checks.stale_lock(env)


def test_a_backend_of_the_teams_own_is_terraforms_to_refuse() -> None:
    env = environment(STATE_LOCK, backend={})
    with env.ledger.locks.held("one", ACTOR, "release"):
        assert lock_checks.stale_lock(env) is not None


def history_of(env: Environment, commit: str | None) -> None:
    env.ledger.begin(result(verdict=Verdict.SUCCEEDED, commit=commit, version="v1.0.0"))


@pytest.mark.parametrize(
    ("older", "said"), [(False, ""), (None, "cannot tell whether this is older"), (True, "allowed by --allow-older")]
)
def test_an_older_commit_wants_a_word(older: object, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    env, head = environment(), Source(Path("/shop"), "1" * 40, "Head")
    history_of(env, "2" * 40)
    monkeypatch.setattr(git, "is_older", lambda found, than: older)
    monkeypatch.setattr(images, "source_of", lambda target: head)
    text = image_checks.check_source(env, ReleaseOptions.of(allow_older=True), "local")
    assert said in text
    if older:
        with pytest.raises(
            UsageError, match=r"is an ancestor of the running commit 222222222222 \(v1\.0\.0\)"
        ) as caught:
            image_checks.check_source(env, ReleaseOptions.of(), "local")
        assert "--allow-older" in caught.value.hint
    else:
        assert image_checks.check_source(env, ReleaseOptions.of(), "local") == text


def looked_at(*entries: tuple[Verdict, Cause | None], allowed: bool = False) -> str:
    """What is said of v2.0.0 after these releases of it."""
    ledger = Ledger(MemoryTable(), "test")
    for number, (verdict, cause) in enumerate(entries, 1):
        entry = result(sequence=number, release=f"test-{number:06d}", version="v2.0.0", verdict=verdict, cause=cause)
        ledger.begin(entry)
    env: Any = SimpleNamespace(ledger=ledger)
    return image_checks.refuse_failed_version(env, "v2.0.0", allowed=allowed)


@pytest.mark.parametrize("later", [[], SILENT])
def test_a_version_that_was_rolled_back_is_refused_whatever_was_declined_since(later: Any) -> None:
    with pytest.raises(UsageError, match=r"v2\.0\.0 has failed before: test-000001 rolled_back"):
        looked_at(BAD, *later)
    assert "has failed before" in looked_at(BAD, *later, allowed=True)


@pytest.mark.parametrize("kind", ["apply", "scale", "restart"])
def test_a_change_without_a_release_says_nothing_of_the_version(kind: str) -> None:
    ledger = Ledger(MemoryTable(), "test")
    ledger.begin(result(kind=kind, version="v2.0.0", verdict=Verdict.ROLLED_BACK, cause=Cause.ROLLOUT))
    env: Any = SimpleNamespace(ledger=ledger)
    assert image_checks.refuse_failed_version(env, "v2.0.0", allowed=False) == "v2.0.0 has never been rolled back"


def test_the_newest_that_says_something_counts() -> None:
    assert looked_at(BAD, GOOD, *SILENT) == "v2.0.0 has succeeded before"
    with pytest.raises(UsageError):
        looked_at(GOOD, BAD)


def test_a_version_that_only_was_declined_may_be_released() -> None:
    assert looked_at(*SILENT) == "v2.0.0 has never been rolled back"
