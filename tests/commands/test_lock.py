"""Terraform's lock in a person's hands; the release lock's tests are test_locks.py."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from longshore.commands.lock import unlock_state
from longshore.console import Console
from longshore.environment.environment import Environment
from longshore.errors import LockedError, NotReadyError, UnsavedStateError, UsageError
from longshore.ledger.lease import Lease
from longshore.ledger.releases import Ledger
from longshore.run import checks
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import ACTOR, moved_clock

ID = "1d9d0000-0000-0000-0000-000000000001"
LOCK = json.dumps({"ID": ID, "Operation": "OperationTypeApply", "Who": "ann@laptop", "Created": "2026-01-02T03:04:05Z"})


@dataclass
class World:
    """An environment whose state may be locked, and what was done to it."""

    lock: str | None
    backend: bool = True
    unsaved: bool = False
    unlocked: list[tuple[str, str]] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    out: io.StringIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)
    table: MemoryTable = field(default_factory=MemoryTable)
    beat: Callable[[float], None] = lambda _now: None

    def refuse_unsaved(self) -> None:
        if self.unsaved:
            raise UnsavedStateError("an earlier terraform could not save its state", "Save it: terraform state push")

    def environment(self) -> Environment:
        def stack(name: str) -> SimpleNamespace:
            backend = {"bucket": "state", "key": f"shop/{name}.tfstate"} if self.backend else {}
            return SimpleNamespace(name=name, backend=backend, directory=Path())

        def read(bucket: str, key: str) -> str | None:
            self.read.append(f"{bucket}/{key}")
            return self.lock

        def terraform_of(one: SimpleNamespace) -> SimpleNamespace:
            return SimpleNamespace(
                refuse_unsaved=self.refuse_unsaved, unlock=lambda lock_id: self.unlocked.append((one.name, lock_id))
            )

        made: Any = SimpleNamespace(
            console=Console(self.out, self.err, io.StringIO(), interactive=False),
            ledger=Ledger(self.table, "test", clock=moved_clock(self.beat)),
            target=SimpleNamespace(
                application="shop", environment="test", stack=stack("test"), foundation=stack("foundation")
            ),
            aws=SimpleNamespace(buckets=SimpleNamespace(read=read)),
            terraform_of=terraform_of,
        )
        return cast(Environment, made)


@pytest.fixture(autouse=True)
def _signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "account", lambda _env: "")
    monkeypatch.setattr(checks, "caller", lambda _env: ACTOR)


def test_without_an_id_it_is_shown_who_holds_it_and_nothing_is_changed() -> None:
    world = World(LOCK)
    unlock_state(world.environment(), None)
    for said in ("shop/test.tfstate is locked", "OperationTypeApply by ann@laptop since 2026-01-02", ID):
        assert said in world.out.getvalue()
    assert world.unlocked == []
    free = World(None)
    unlock_state(free.environment(), None)
    assert free.out.getvalue() == "shop/test.tfstate is not locked\n"


@pytest.mark.parametrize("wrong", ["1d9d", ID[:-1], ID.upper(), ""])
def test_another_id_is_refused_and_nothing_is_changed(wrong: str) -> None:
    world = World(LOCK)
    with pytest.raises(UsageError, match="is not the id of this lock"):
        unlock_state(world.environment(), wrong)
    assert world.unlocked == []
    with pytest.raises(UsageError, match="is not locked"):
        unlock_state(World(None).environment(), ID)


def test_the_exact_id_unlocks_the_state_that_was_meant() -> None:
    world = World(LOCK)
    unlock_state(world.environment(), ID)
    unlock_state(world.environment(), ID, foundation=True)
    assert world.unlocked == [("test", ID), ("foundation", ID)]
    assert world.read == ["state/shop/test.tfstate.tflock", "state/shop/foundation.tfstate.tflock"]


@pytest.mark.parametrize("alive", [True, False], ids=["alive", "dead"])
def test_it_is_left_alone_while_a_release_lives_and_noted_in_one_that_died(alive: object) -> None:
    world = World(LOCK)
    env = world.environment()
    leases: list[Lease] = []
    if alive:
        env = World(LOCK, table=world.table, unlocked=world.unlocked, beat=lambda _now: leases[0].check()).environment()
    holding: AbstractContextManager[Lease] = world.environment().ledger.locks.held("one", ACTOR, "release")
    with holding as lease:
        leases.append(lease)
        lease.now_in("test-000001", "apply")
        lease.check()
        if alive:
            with pytest.raises(LockedError, match="locked by ann"):
                unlock_state(env, ID)
            assert world.unlocked == []
            return
        unlock_state(env, ID)
    assert world.unlocked == [("test", ID)]
    (event,) = env.ledger.events("test-000001").read()
    assert (event.what, ID in event.detail) == ("Terraform's state was unlocked", True)


def test_a_person_who_holds_the_environment_may_unlock_the_state() -> None:
    world = World(LOCK)
    env = world.environment()
    env.ledger.locks.hold("me", ACTOR, "mending the state")
    unlock_state(env, ID)
    assert world.unlocked == [("test", ID)]


def test_a_lock_of_a_backend_of_the_roots_own_is_terraforms_to_show_and_to_compare() -> None:
    world = World(LOCK, backend=False)
    with pytest.raises(NotReadyError, match="only Terraform can look at its lock"):
        unlock_state(world.environment(), None)
    unlock_state(world.environment(), "any")  # terraform itself refuses a wrong one
    assert (world.unlocked, world.read) == ([("test", "any")], [])


def test_a_state_that_could_not_be_saved_is_named_beside_the_lock() -> None:
    world = World(None, unsaved=True)
    unlock_state(world.environment(), None)
    assert "an earlier terraform could not save its state" in world.err.getvalue()
    assert "Save it: terraform state push" in world.err.getvalue()


def test_it_is_named_where_the_lock_can_not_be_looked_at_too() -> None:
    world = World(LOCK, backend=False, unsaved=True)
    with pytest.raises(NotReadyError):
        unlock_state(world.environment(), None)
    assert "Save it: terraform state push" in world.err.getvalue()
