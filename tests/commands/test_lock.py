"""The lock of Terraform's state, shown and removed by an operator; tests/ledger/test_lock.py has the release lock."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from longshore.commands.lock import unlock_state
from longshore.config.target import Stack
from longshore.environment.environment import Environment
from longshore.errors import LockedError, NotReadyError, UnsavedStateError, UsageError
from longshore.ledger.lease import Lease
from longshore.ledger.releases import Ledger
from longshore.terminal.console import Console
from tests.fakes.environments import ACCOUNT, SHOP, Identity, environment
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import ACTOR, moved_clock

ID = "1d9d0000-0000-0000-0000-000000000001"
LOCK = json.dumps({"ID": ID, "Operation": "OperationTypeApply", "Who": "ann@laptop", "Created": "2026-01-02T03:04:05Z"})


@dataclass
class State:
    """A Terraform state that may be locked; records the reads of its lock, and the unlocks."""

    folder: Path
    lock: str | None = LOCK
    own_backend: bool = False
    unsaved: bool = False
    unlocked: list[tuple[str, str]] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    out: io.StringIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)
    table: MemoryTable = field(default_factory=MemoryTable)

    def read(self, bucket: str, key: str) -> str | None:
        self.reads.append(f"{bucket}/{key}")
        return self.lock

    def terraform_of(self, stack: Stack) -> Any:
        return SimpleNamespace(
            refuse_unsaved=self.refuse_unsaved, unlock=lambda lock_id: self.unlocked.append((stack.name, lock_id))
        )

    def refuse_unsaved(self) -> None:
        if self.unsaved:
            raise UnsavedStateError("an earlier terraform could not save its state", "Save it: terraform state push")

    def environment(self, on_sleep: Callable[[float], None] = lambda _now: None) -> Environment:
        backend = None if self.own_backend else {"bucket": "state"}
        return environment(
            self.folder,
            settings=SHOP
            | {"environments": {name: {"account": ACCOUNT, "backend": backend} for name in ("test", "other")}},
            console=Console(self.out, self.err, io.StringIO(), interactive=False),
            ledger=Ledger(self.table, "test", clock=moved_clock(on_sleep)),
            aws=SimpleNamespace(identity=Identity(), buckets=self),
            terraform_of=self.terraform_of,
        )


def test_without_an_id_the_lock_is_shown_and_nothing_is_changed(tmp_path: Path) -> None:
    state = State(tmp_path)
    unlock_state(state.environment(), None)
    for text in ("shop/test.tfstate is locked", "OperationTypeApply by ann@laptop since 2026-01-02", ID):
        assert text in state.out.getvalue()
    assert state.unlocked == []
    free = State(tmp_path, lock=None)
    unlock_state(free.environment(), None)
    assert free.out.getvalue() == "shop/test.tfstate is not locked\n"


@pytest.mark.parametrize("wrong", ["1d9d", ID[:-1], ID.upper(), ""])
def test_a_wrong_id_is_refused_and_nothing_is_changed(wrong: str, tmp_path: Path) -> None:
    state = State(tmp_path)
    with pytest.raises(UsageError, match="is not the id of this lock"):
        unlock_state(state.environment(), wrong)
    assert state.unlocked == []
    with pytest.raises(UsageError, match="is not locked"):
        unlock_state(State(tmp_path, lock=None).environment(), ID)


def test_the_exact_id_unlocks_the_state_of_the_chosen_stack(tmp_path: Path) -> None:
    state = State(tmp_path)
    unlock_state(state.environment(), ID)
    unlock_state(state.environment(), ID, foundation=True)
    assert state.unlocked == [("test", ID), ("foundation", ID)]
    assert state.reads == ["state/shop/test.tfstate.tflock", "state/shop/foundation.tfstate.tflock"]


@contextmanager
def release_in_apply(state: State) -> Iterator[Lease]:
    """A release whose process holds the lock during its apply; it renews the lock only if the test does."""
    with state.environment().ledger.locks.held("one", ACTOR, "release") as lease:
        lease.now_in("test-000001", "apply")
        lease.check()
        yield lease


def test_the_state_of_a_running_release_cannot_be_unlocked(tmp_path: Path) -> None:
    state = State(tmp_path)
    with release_in_apply(state) as lease, pytest.raises(LockedError, match="locked by ann"):
        unlock_state(state.environment(on_sleep=lambda _now: lease.check()), ID)
    assert state.unlocked == []


def test_the_state_of_the_foundation_may_be_in_use_by_another_environment(tmp_path: Path) -> None:
    """Its `bootstrap` applies the foundation, which all environments share."""
    state = State(tmp_path)
    locks = replace(state.environment().ledger.locks, environment="other")
    with locks.held("one", ACTOR, "bootstrap") as lease:
        env = state.environment(on_sleep=lambda _now: lease.check())
        with pytest.raises(LockedError, match="other is locked by ann"):
            unlock_state(env, ID, foundation=True)
        assert state.unlocked == []
        unlock_state(env, ID)
    assert state.unlocked == [("test", ID)]


def test_unlocking_the_state_of_a_killed_release_is_recorded_in_it(tmp_path: Path) -> None:
    state = State(tmp_path)
    env = state.environment()
    with release_in_apply(state):
        unlock_state(env, ID)
    assert state.unlocked == [("test", ID)]
    (event,) = env.ledger.events("test-000001").read()
    assert (event.what, ID in event.detail) == ("Terraform's state was unlocked", True)


def test_a_person_who_holds_the_environment_may_unlock_the_state(tmp_path: Path) -> None:
    state = State(tmp_path)
    env = state.environment()
    env.ledger.locks.hold("me", ACTOR, "repairing the state")
    unlock_state(env, ID)
    assert state.unlocked == [("test", ID)]


def test_with_your_own_backend_only_terraform_can_read_the_lock_and_compare_its_id(tmp_path: Path) -> None:
    state = State(tmp_path, own_backend=True)
    with pytest.raises(NotReadyError, match="only Terraform can read its lock"):
        unlock_state(state.environment(), None)
    unlock_state(state.environment(), "any")  # terraform itself refuses a wrong one
    assert (state.unlocked, state.reads) == ([("test", "any")], [])


def test_an_unsaved_state_is_named_with_the_lock(tmp_path: Path) -> None:
    state = State(tmp_path, lock=None, unsaved=True)
    unlock_state(state.environment(), None)
    assert "an earlier terraform could not save its state" in state.err.getvalue()
    assert "Save it: terraform state push" in state.err.getvalue()


def test_an_unsaved_state_is_named_even_if_the_lock_cannot_be_read(tmp_path: Path) -> None:
    state = State(tmp_path, own_backend=True, unsaved=True)
    with pytest.raises(NotReadyError):
        unlock_state(state.environment(), None)
    assert "Save it: terraform state push" in state.err.getvalue()
