"""What is done, in which order, when a roll-out goes wrong: the whole list of calls that change something."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from longshore import moves
from longshore.aws.ecs import Deployment, Service
from longshore.config import Deadlines
from longshore.console import Console
from longshore.contract import UNRELEASED, parse
from longshore.errors import AwsError, LongshoreError, MigrationError, TerraformError, UnknownOutcomeError
from longshore.result import Cause, Verdict
from longshore.run import Run
from longshore.terraform import SavedPlan
from tests.samples import WHEN, arn, moved_clock, release_output, result


@dataclass
class Ecs:
    """Services whose deployments end as told: by revision, COMPLETED if not told."""

    states: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    services_: dict[str, Service] = field(default_factory=dict)
    refuse_update_of: str = ""

    def __post_init__(self) -> None:
        for name, count in (("shop-test-web", 2), ("shop-test-worker", 1)):
            self.services_[name] = Service(name, "ACTIVE", arn(name, 1), count, count, 0, (), "")
            self._deploy(name, arn(name, 1), "COMPLETED")

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        return {name: self.services_[name] for name in names}

    def update(self, cluster: str, service: str, task_definition: str, count: int | None, *, force: bool) -> str:
        revision = task_definition.rsplit("/", 1)[-1]
        self.calls.append(f"{revision}{'' if count is None else f' count {count}'}{' forced' if force else ''}")
        if revision == self.refuse_update_of:
            raise AwsError(f"no {revision}", code="ClientException")
        if count is not None:
            self.services_[service] = replace(self.services_[service], desired=count)
        return self._deploy(service, task_definition, self.states.get(revision, "COMPLETED"))

    def taken_over(self, name: str) -> None:
        self._deploy(name, arn(name, 99), "IN_PROGRESS")

    def _deploy(self, name: str, task_definition: str, state: str) -> str:
        old = self.services_[name]
        number = len(old.deployments)
        new = Deployment(
            f"{name}/{number}", "PRIMARY", task_definition, state, "", 1, 1, 0, WHEN.replace(minute=number)
        )
        kept = tuple(replace(d, status="ACTIVE") for d in old.deployments)
        self.services_[name] = replace(old, task_definition=task_definition, deployments=(new, *kept))
        return new.id


@dataclass
class Terraform:
    """A stack whose plan always has a revision to register; apply may fail."""

    calls: list[str]
    fails: bool = False

    @contextmanager
    def plan(self, variables: dict[str, str]) -> Iterator[SavedPlan]:
        self.tag = variables["image_tag"]
        yield SavedPlan(Path("plan"), changed=True)

    def show(self, saved: SavedPlan) -> dict[str, Any]:
        return {}

    def apply(self, saved: SavedPlan, on_event: object) -> dict[str, Any]:
        self.calls.append(f"apply {self.tag}")
        if self.fails:
            raise TerraformError("apply failed")
        return {}


class Ledger:
    def write(self, _: object) -> None:
        """Keep nothing."""


@pytest.fixture
def ecs() -> Ecs:
    return Ecs()


@pytest.fixture
def run(ecs: Ecs) -> Run:
    contract = parse(release_output(), "shop", "test")
    console = Console(io.StringIO(), io.StringIO(), io.StringIO())
    settings = SimpleNamespace(deadlines=Deadlines(rollout=60))
    env: Any = SimpleNamespace(
        aws=SimpleNamespace(ecs=ecs),
        ledger=Ledger(),
        clock=moved_clock(),
        console=console,
        target=SimpleNamespace(env=settings, app=SimpleNamespace(allow_changes=[]), environment="test"),
        terraform=Terraform(ecs.calls),
        contract=lambda outputs: contract,
    )
    started = Run(env, result(version="v1.0.1", previous_version="v1.0.0"), contract)
    moves.record_before(started)
    return started


def roll_out(run: Run) -> None:
    with moves.undone_on_failure(run):
        for number in moves.wave_numbers(run):
            moves.move_wave(run, moves.to_registered(run, number, None))


def test_waves_go_in_order_and_no_count_is_sent(run: Run, ecs: Ecs) -> None:
    roll_out(run)
    assert ecs.calls == ["shop-test-worker:2", "shop-test-web:2"]
    assert {s.outcome for s in run.result.services.values()} == {"completed"}


def test_a_service_never_rolled_out_gets_the_count_of_the_contract(run: Run, ecs: Ecs) -> None:
    run.result.previous_version = UNRELEASED
    roll_out(run)
    assert ecs.calls == ["shop-test-worker:2 count 1", "shop-test-web:2 count 2"]


def test_what_moved_goes_back_in_reverse_order_and_the_earlier_tag_is_applied(run: Run, ecs: Ecs) -> None:
    ecs.states["shop-test-web:2"] = "FAILED"
    with pytest.raises(LongshoreError):
        roll_out(run)
    assert ecs.calls == [
        "shop-test-worker:2",
        "shop-test-web:2",
        "shop-test-web:1",
        "shop-test-worker:1",
        "apply v1.0.0",
    ]
    assert (run.result.verdict, run.result.cause, run.result.exit_code) == (Verdict.ROLLED_BACK, Cause.ROLLOUT, 8)


def test_a_later_wave_is_never_started_after_a_failure(run: Run, ecs: Ecs) -> None:
    ecs.states["shop-test-worker:2"] = "FAILED"
    with pytest.raises(LongshoreError):
        roll_out(run)
    assert ecs.calls == ["shop-test-worker:2", "shop-test-worker:1", "apply v1.0.0"]
    assert run.result.services["web"].outcome == "not moved"


def test_the_first_release_goes_back_to_count_0(run: Run, ecs: Ecs) -> None:
    for name, service in ecs.services_.items():
        ecs.services_[name] = replace(service, desired=0)
    moves.record_before(run)
    run.result.previous_version = UNRELEASED
    ecs.states["shop-test-web:2"] = "FAILED"
    with pytest.raises(LongshoreError):
        roll_out(run)
    assert ecs.calls[2:] == ["shop-test-web:1 count 0", "shop-test-worker:1 count 0", "apply unreleased"]


def test_a_roll_back_that_fails_says_so_and_is_never_called_rolled_back(run: Run, ecs: Ecs) -> None:
    ecs.states["shop-test-web:2"] = "FAILED"
    ecs.refuse_update_of = "shop-test-web:1"
    with pytest.raises(LongshoreError):
        roll_out(run)
    assert (run.result.verdict, run.result.exit_code) == (Verdict.ROLLBACK_FAILED, 9)
    assert "no shop-test-web:1" in run.result.hint


def test_a_deployment_of_somebody_else_is_left_alone(run: Run, ecs: Ecs) -> None:
    ecs.states["shop-test-web:2"] = "IN_PROGRESS"
    real = ecs.update

    def overtaken(*args: Any, **kwargs: Any) -> str:
        started = real(*args, **kwargs)
        if started.startswith("shop-test-web"):
            ecs.taken_over("shop-test-web")
        return started

    ecs.update = overtaken  # type: ignore[method-assign]
    with pytest.raises(LongshoreError):
        roll_out(run)
    assert ecs.calls == ["shop-test-worker:2", "shop-test-web:2", "shop-test-worker:1", "apply v1.0.0"]
    assert (run.result.verdict, run.result.exit_code) == (Verdict.SUPERSEDED, 10)
    assert run.result.services["web"].outcome == "superseded"


def test_a_migration_that_failed_before_anything_moved(run: Run, ecs: Ecs) -> None:
    with pytest.raises(MigrationError), moves.undone_on_failure(run):
        raise MigrationError("exit code 3")
    assert ecs.calls == ["apply v1.0.0"]
    assert run.result.verdict is Verdict.RUNNING


def test_a_migration_that_still_runs_leaves_everything_as_it_is(run: Run, ecs: Ecs) -> None:
    with pytest.raises(UnknownOutcomeError), moves.undone_on_failure(run):
        raise UnknownOutcomeError("still runs")
    assert ecs.calls == []


def test_an_earlier_tag_that_cannot_be_applied_is_a_warning(run: Run, ecs: Ecs) -> None:
    ecs.states["shop-test-web:2"] = "FAILED"
    run.env.terraform.fails = True  # type: ignore[attr-defined]
    with pytest.raises(LongshoreError):
        roll_out(run)
    assert run.result.verdict is Verdict.ROLLED_BACK
    assert any("Terraform pending" in warning for warning in run.result.warnings)


def test_a_tag_that_cannot_be_recorded_leaves_the_release_standing(run: Run) -> None:
    class Parameters:
        def put(self, name: str, value: str) -> None:
            raise AwsError("throttled", code="ThrottlingException")

    run.env.aws.parameters = Parameters()  # type: ignore[assignment]
    run.env.target.tag_parameter = "/shop/test/image_tag"  # type: ignore[misc]
    moves.write_tag(run)
    run.result.verdict = Verdict.SUCCEEDED
    assert run.result.exit_code == 12
