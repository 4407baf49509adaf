"""The lock while `bootstrap` and `destroy` work. The ledger is real; Terraform and the bucket are fakes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGTERM, raise_signal
from types import SimpleNamespace
from typing import Any

import pytest

from longshore.commands.bootstrap import bootstrap
from longshore.commands.destroy import destroy
from longshore.config.target import Stack
from longshore.environment.environment import Environment
from longshore.errors import AwsError, LockedError, LockLostError, TerraformError, UsageError
from longshore.ledger.lease import Lease
from longshore.ledger.releases import Ledger
from longshore.signals import StoppedBySignal, stopping
from longshore.terminal.console import Console
from longshore.terraform.driver import PLAN_DEFAULTS, ApplyStage, OnEvent, OnStage, PlanOptions, SavedPlan
from longshore.verdict import ExitCode, exit_code_of
from tests.fakes.environments import ACCOUNT, SHOP, Identity, environment
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import ACTOR, moved_clock

SETTINGS = SHOP | {
    "terraform": {**SHOP["terraform"], "foundation": {"dir": ".", "var_files": []}},
    "environments": {"test": {"account": ACCOUNT, "backend": {"bucket": "state"}}},
}


@dataclass
class Account:
    """An AWS account; the ledger's table exists if ``ledger`` is true, and the apply of the foundation creates it."""

    folder: Path
    ledger: bool = True
    table: MemoryTable = field(default_factory=MemoryTable)
    did: list[str] = field(default_factory=list)
    on_plan: Callable[[], None] = lambda: None
    before_apply: Callable[[], None] = lambda: None
    after_plan: Callable[[], None] = lambda: None
    fails: bool = False
    err: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        def read(call: str, _pk: str) -> None:
            if not self.ledger:
                raise AwsError(f"DynamoDB {call}: Requested resource not found", code="ResourceNotFoundException")

        self.table.before = read

    def env(self) -> Environment:
        return environment(
            self.folder,
            settings=SETTINGS,
            console=Console(io.StringIO(), self.err, io.StringIO(), interactive=False),
            ledger=Ledger(self.table, "test", clock=moved_clock()),
            aws=SimpleNamespace(identity=Identity(), buckets=self),
            terraform_of=self.driver,
        )

    def driver(self, stack: Stack) -> Any:
        return Driver(self, stack.name)

    def region_of(self, bucket: str, owner: str | None) -> str:
        self.note(f"bucket {bucket}")
        return "eu-central-1"

    def differences(self, bucket: str) -> list[str]:
        return []

    def note(self, what: str) -> None:
        lock = self.table.items.get(("lock#test", "lock")) or {}
        self.did.append(f"{what} ({'locked' if lock.get('owner') else 'free'})")

    def locks(self) -> Any:
        return Ledger(self.table, "test", clock=moved_clock()).locks


@dataclass
class Driver:
    """A Terraform whose plans change one resource."""

    account: Account
    name: str

    def check(self, *, before_setup: bool) -> str:
        return "1.11.4"

    def set_up(self) -> list[str]:
        return []

    @contextmanager
    def plan(self, variables: object = None, options: PlanOptions = PLAN_DEFAULTS) -> Iterator[SavedPlan]:
        self.account.note(f"plan {self.name}")
        yield SavedPlan(self.account.folder / "plan", changed=True)
        self.account.after_plan()

    def show(self, plan: SavedPlan) -> dict[str, Any]:
        self.account.on_plan()
        return {"resource_changes": []}

    def apply(self, plan: SavedPlan, on_event: OnEvent | None, on_stage: OnStage) -> dict[str, Any]:
        self.account.before_apply()
        on_stage(ApplyStage.STARTED)
        self.account.note(f"apply {self.name}")
        if self.account.fails:
            raise TerraformError("no S3")
        self.account.ledger = True
        on_stage(ApplyStage.ENDED)
        return {}


def run_bootstrap(account: Account) -> object:
    return bootstrap(account.env(), yes=True)


def run_destroy(account: Account) -> object:
    return destroy(account.env(), confirmed="test")


COMMANDS: dict[str, Callable[[Account], object]] = {"bootstrap": run_bootstrap, "destroy": run_destroy}
both = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)


def test_bootstrap_holds_the_lock_while_it_works(tmp_path: Path) -> None:
    account = Account(tmp_path)
    run_bootstrap(account)
    assert account.did == [
        "bucket state (locked)",
        "plan foundation (locked)",
        "apply foundation (locked)",
        "plan test (locked)",
        "apply test (locked)",
    ]
    assert account.locks().read() is None
    assert account.table.items["lock#test", "lock"]["purpose"] == "bootstrap"


def test_on_a_new_account_the_lock_is_taken_as_soon_as_the_foundation_has_created_it(tmp_path: Path) -> None:
    account = Account(tmp_path, ledger=False)
    run_bootstrap(account)
    assert account.did == [
        "bucket state (free)",
        "plan foundation (free)",
        "apply foundation (free)",
        "plan test (locked)",
        "apply test (locked)",
    ]
    assert account.locks().read() is None


def test_destroy_holds_the_lock_while_it_works(tmp_path: Path) -> None:
    account = Account(tmp_path)
    run_destroy(account)
    assert account.did == ["plan test (locked)", "apply test (locked)"]
    assert account.locks().read() is None


def test_the_name_of_another_environment_takes_no_lock(tmp_path: Path) -> None:
    account = Account(tmp_path)
    with pytest.raises(UsageError, match="'production' is not the name of the environment, 'test'"):
        destroy(account.env(), confirmed="production")
    assert (account.did, account.table.items) == ([], {})


@both
def test_an_environment_that_a_person_holds_is_not_changed(
    command: Callable[[Account], object], tmp_path: Path
) -> None:
    account = Account(tmp_path)
    account.locks().hold("ann", ACTOR, "incident 42: do not touch this")
    with pytest.raises(LockedError, match="incident 42") as caught:
        command(account)
    assert exit_code_of(caught.value) is ExitCode.LOCKED
    assert account.did == []


@both
def test_a_release_is_waited_for_if_you_ask_for_it(command: Callable[[Account], object], tmp_path: Path) -> None:
    account = Account(tmp_path)
    release = account.locks().held("one", ACTOR, "release")
    release.__enter__()
    env = account.env()
    locks = account.locks()
    clock = moved_clock(lambda now: release.__exit__(None, None, None) if account.locks().read() and now > 60 else None)
    env.__dict__["ledger"] = Ledger(account.table, "test", clock=clock)
    account.env = lambda: env  # type: ignore[method-assign]
    if command is run_bootstrap:
        bootstrap(env, yes=True, wait=900)
    else:
        destroy(env, confirmed="test", wait=900)
    assert "apply test (locked)" in account.did
    assert "waiting: the environment is locked by" in account.err.getvalue()
    assert locks.read() is None


@both
def test_nothing_is_applied_once_another_process_has_taken_over(
    command: Callable[[Account], object], tmp_path: Path
) -> None:
    account, taken = Account(tmp_path), list[AbstractContextManager[Lease]]()

    def take_over() -> None:
        locks = account.locks()
        taken.append(locks.taken_over(locks.read(), "two", ACTOR, "rollback"))
        taken[0].__enter__()

    account.on_plan = take_over
    with pytest.raises(LockLostError):
        command(account)
    assert not [line for line in account.did if line.startswith("apply")]
    assert account.locks().read().owner == "two", "the lock of the other process is not freed"
    taken[0].__exit__(None, None, None)


@both
def test_the_lock_is_freed_if_terraform_fails(command: Callable[[Account], object], tmp_path: Path) -> None:
    account = Account(tmp_path, fails=True)
    with pytest.raises(Exception, match="no S3"):
        command(account)
    assert account.locks().read() is None


@both
def test_a_ledger_that_cannot_be_read_is_not_taken_for_a_missing_one(
    command: Callable[[Account], object], tmp_path: Path
) -> None:
    account = Account(tmp_path)

    def deny(_call: str, _pk: str) -> None:
        raise AwsError("DynamoDB GetItem: denied", code="AccessDeniedException")

    account.table.before = deny
    with pytest.raises(AwsError, match="denied"):
        command(account)
    assert account.did == []


@pytest.mark.parametrize(
    ("command", "at", "left", "hint"),
    [
        (run_bootstrap, "before_apply", "nothing of foundation was applied", "Run it again, which continues"),
        (run_bootstrap, "after_plan", "all of foundation was applied", "Run it again, which continues"),
        (run_destroy, "before_apply", "nothing was destroyed", "To destroy the rest: invoke destroy -e test"),
        (run_destroy, "after_plan", "all of test was destroyed", "There is nothing left to destroy."),
    ],
)
def test_a_signal_beside_the_apply_tells_what_has_happened(
    command: Callable[[Account], object], at: str, left: str, hint: str, tmp_path: Path
) -> None:
    account = Account(tmp_path)
    setattr(account, at, lambda: raise_signal(SIGTERM))
    with pytest.raises(StoppedBySignal) as caught, stopping():
        command(account)
    assert caught.value.message == f"interrupted by SIGTERM: {left}"
    assert caught.value.hint.startswith(hint)
    assert account.locks().read() is None


@pytest.mark.parametrize(
    ("command", "left"), [(run_bootstrap, "all of test was applied"), (run_destroy, "all of test was destroyed")]
)
def test_a_signal_while_the_lock_is_freed_tells_what_has_happened(
    command: Callable[[Account], object], left: str, tmp_path: Path
) -> None:
    account = Account(tmp_path)

    def interrupt(call: str, _pk: str) -> None:
        if call == "put" and account.did[-1:] == ["apply test (locked)"]:
            raise_signal(SIGTERM)

    account.table.before = interrupt
    with pytest.raises(StoppedBySignal) as caught, stopping():
        command(account)
    assert caught.value.message == f"interrupted by SIGTERM: {left}"
    assert account.locks().read() is None
