"""What no scenario file can say: a person who thinks for long, a mistake of ours, two commands one after the other."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from longshore.commands import release, resume, rollback, scale
from longshore.errors import InternalError
from longshore.rollout.tracking import Move
from longshore.run import image_checks, undo
from longshore.run.deployer import Deployer
from longshore.run.options import ReleaseOptions
from longshore.run.run import Run
from longshore.terminal.console import Prompt
from longshore.verdict import ExitCode, Verdict, exit_code_of
from tests.fakes.samples import BackwardClock
from tests.scenarios.play import StagedEnvironment, record_releases, staged
from tests.scenarios.scenario import FOLDER, Scenario, read
from tests.scenarios.stage import Stage, Theatre

pytestmark = pytest.mark.scenario

ORDER = ReleaseOptions.of(bump="patch", tag="v1.0.1", yes=True)


def file(name: str) -> Scenario:
    """The scenario of that name."""
    return read(FOLDER / f"{name}.toml")


@contextmanager
def set_for(theatre: Theatre, story: Scenario, folder: Path) -> Iterator[tuple[Stage, StagedEnvironment]]:
    """A stage as a scenario wants it, with the records of the releases before."""
    with theatre.stage(story, folder) as stage:
        env = staged(stage)
        record_releases(env)
        yield stage, env


class Slow(Prompt):
    """An operator who goes to lunch before approving."""

    def __init__(self, stage: Stage, seconds: float) -> None:
        super().__init__(io.StringIO(), lambda _question: nullcontext(), interactive=False)
        self._stage, self._seconds = stage, seconds

    def approve(self, question: str, *, yes: bool) -> None:
        self._stage.pass_time(self._seconds)


def test_the_time_until_somebody_approves_is_not_the_releases(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, file("plain"), tmp_path) as (stage, env):
        env.console.prompt = Slow(stage, 2 * env.target.env.deadlines.release)
        with stage.command():
            result = release.release(env, ORDER)
    assert (result.verdict, result.message) == (Verdict.SUCCEEDED, "")
    assert [(check.service, check.path) for check in result.checks or []] == [("web", "/health")]


def test_a_mistake_of_ours_moves_back_what_has_moved(
    theatre: Theatre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(*_: object) -> None:
        raise KeyError("api")

    monkeypatch.setattr(release, "verify", mistaken)
    with set_for(theatre, file("plain"), tmp_path) as (stage, env), stage.command():
        result = release.release(env, ORDER)
        assert {key: stage.runs(key) for key in result.services} == {"web": "old", "worker": "old"}
        assert env.ledger.locks.read() is None
    assert (result.verdict, result.exit_code) == (Verdict.ROLLED_BACK, ExitCode.ROLLED_BACK)
    assert result.message.startswith("KeyError: 'api' (test_stories.py, line ")
    assert "report it" in result.hint


def test_a_mistake_on_the_way_back_keeps_the_lock(
    theatre: Theatre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(*_: object) -> None:
        raise KeyError("api")

    monkeypatch.setattr(undo, "roll_back", mistaken)
    with set_for(theatre, file("crash-at-start"), tmp_path) as (stage, env), stage.command():
        with pytest.raises(InternalError, match="KeyError: 'api'") as caught:
            release.release(env, ORDER)
        lock, entry = env.ledger.locks.read(), next(env.ledger.releases())
    assert lock is not None
    assert "storefront-sandbox-web, storefront-sandbox-worker" in lock.why
    assert entry.verdict is Verdict.UNKNOWN
    assert (exit_code_of(caught.value), entry.exit_code) == (ExitCode.UNKNOWN, ExitCode.UNKNOWN)


@pytest.mark.parametrize("failing", ["web", "worker"])
def test_a_service_that_a_mistake_keeps_from_going_back_keeps_no_other(
    failing: str, theatre: Theatre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadline_of = Deployer.deadline_of
    rolling_back: list[Run] = []

    def roll_back(run: Run, *rest: Any) -> None:
        rolling_back.append(run)
        original(run, *rest)

    def mistaken(deployer: Deployer, run: Run, key: str, move: Move) -> float:
        if rolling_back and key == failing:
            raise KeyError(key)
        return deadline_of(deployer, run, key, move)

    original = undo.roll_back
    monkeypatch.setattr(undo, "roll_back", roll_back)
    monkeypatch.setattr(Deployer, "deadline_of", mistaken)
    with set_for(theatre, file("health-500"), tmp_path) as (stage, env), stage.command():
        result = release.release(env, ORDER)
    other = {"web": "worker", "worker": "web"}[failing]
    assert result.verdict is Verdict.ROLLBACK_FAILED
    assert (result.services[failing].outcome, result.services[other].outcome) == ("not moved back", "moved back")
    assert f"KeyError: '{failing}'" in result.hint


@pytest.mark.parametrize(
    ("name", "left", "old"), [("sigint-twice", 130, "runs; runs; never starts; runs"), ("rollback-denied", 9, "runs")]
)
def test_a_roll_back_repairs_a_deployment_that_a_release_has_left(
    name: str, left: int, old: str, theatre: Theatre, tmp_path: Path
) -> None:
    """It never completes, so nobody can wait for its end; after a second Ctrl-C the lock's holder is dead as well."""
    story = file(name)
    shape = story.shape.model_copy(update={"breaker": "off"})
    tasks = {"web new": "never listens", "web old": old}
    story = story.model_copy(update={"shape": shape, "tasks": tasks})
    with set_for(theatre, story, tmp_path) as (stage, env):
        with stage.command():
            assert release.release(env, ORDER).exit_code == left
        stage.scenario = story.model_copy(update={"events": (), "faults": ()})
        with stage.command():
            result = rollback.rollback(env, yes=True)
        assert {key: stage.runs(key) for key in result.services} == {"web": "old", "worker": "old"}
        assert env.ledger.locks.read() is None
    assert (result.verdict, result.version) == (Verdict.SUCCEEDED, "v1.0.0")


@pytest.mark.parametrize(
    ("name", "left", "tasks", "ends"),
    [
        ("record-fails", 12, {}, Verdict.SUCCEEDED),
        ("credentials-expire", 9, {}, Verdict.SUCCEEDED),
        ("migration-hangs", 11, {"migrate new": "exits 0 after 90 s"}, Verdict.SUCCEEDED),
        ("migration-hangs", 11, {"migrate new": "exits 3 after 90 s"}, Verdict.FAILED),
        ("sigint-twice", 130, {}, Verdict.ROLLED_BACK),
        ("unreadable-at-the-deadline", 11, {}, Verdict.SUCCEEDED),
    ],
)
def test_what_was_left_is_gone_on_with_once_it_is_well(
    name: str, left: int, tasks: dict[str, str], ends: Verdict, theatre: Theatre, tmp_path: Path
) -> None:
    """A record, credentials, a migration that took longer, a second Ctrl-C, an ECS that was away."""
    story = file(name)
    story = story.model_copy(update={"tasks": {**story.tasks, **tasks}})
    with set_for(theatre, story, tmp_path) as (stage, env):
        with stage.command():
            assert release.release(env, ORDER).exit_code == left
        stage.pass_time(120)
        stage.scenario = story.model_copy(update={"events": (), "faults": ()})
        with stage.command():
            result = resume.resume(staged(stage), yes=True)
            assert not any(call.startswith("run migrate") for call in stage.calls())
        runs = "new" if ends is Verdict.SUCCEEDED else "old"
        assert {key: stage.runs(key) for key in result.services} == {"web": runs, "worker": runs}
        assert env.ledger.locks.read() is None
        assert not stage.stack.pending()
    assert (result.verdict, result.cause is None) == (ends, ends is Verdict.SUCCEEDED)


def test_nothing_is_released_on_top_of_an_incomplete_record(theatre: Theatre, tmp_path: Path) -> None:
    story = file("record-fails")
    with set_for(theatre, story, tmp_path) as (stage, env):
        with stage.command():
            assert release.release(env, ORDER).exit_code == ExitCode.RECORD_INCOMPLETE
        stage.scenario = story.model_copy(update={"faults": ()})
        with stage.command():
            refused = release.release(env, ReleaseOptions.of(tag="v1.0.0", yes=True))
            assert not any(call.startswith("update") for call in stage.calls())
    assert (refused.verdict, refused.exit_code) == (Verdict.FAILED, ExitCode.FAILED)
    assert "/storefront/sandbox/image_tag holds v1.0.0" in refused.message
    assert "--resume" in refused.hint


def test_what_ran_last_is_asked_once_the_lock_is_held(
    theatre: Theatre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for the lock waits for a release that changes it."""
    held: list[bool] = []

    def asked(env: StagedEnvironment, *_: object) -> str:
        held.append(env.ledger.locks.read() is not None)
        return ""

    monkeypatch.setattr(image_checks, "refuse_older", asked)
    with set_for(theatre, file("plain"), tmp_path) as (stage, env), stage.command():
        other = staged(stage)
        taking = env.ledger.locks.held

        def after_another(*given: object, **options: object) -> object:
            """The lock, after somebody else's release, as if it had been waited for."""
            monkeypatch.setattr(env.ledger.locks.__class__, "held", taking.__func__)  # type: ignore[attr-defined]
            assert release.release(other, ORDER).verdict is Verdict.SUCCEEDED
            return taking(*given, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(env.ledger.locks.__class__, "held", lambda _self, *g, **o: after_another(*g, **o))
        result = release.release(env, ReleaseOptions.of(tag="v1.0.0", yes=True))
    assert (result.verdict, result.message, result.previous_version) == (Verdict.SUCCEEDED, "", "v1.0.1")
    assert held == [True, True]


def test_a_clock_that_goes_backwards_changes_nothing(
    theatre: Theatre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release and the way back, while each look at the time of day is an hour earlier than the one before."""
    backwards = BackwardClock()
    for module in ("run.lifecycle", "ledger.releases", "ledger.lease", "ledger.journal", "ledger.issued_versions"):
        monkeypatch.setattr(f"longshore.{module}.datetime", backwards)
    story = file("plain")
    with set_for(theatre, story, tmp_path) as (stage, env):
        begun = stage.now()
        with stage.command():
            result = release.release(env, ORDER)
            assert tuple(stage.calls()) == story.expect.calls
        assert result.verdict is Verdict.SUCCEEDED
        assert result.ended is not None
        assert result.ended < result.started, "the time of day went backwards"
        took = [step.seconds for step in result.steps]
        assert all(seconds is not None and seconds >= 0 for seconds in took)
        assert 0 < sum(seconds or 0 for seconds in took) <= (result.seconds or 0) + 0.01
        assert result.seconds == round(stage.now() - begun, 3)
        events = list(env.ledger.events(result.release).read())
        assert [event.number for event in events] == list(range(1, len(events) + 1))
        assert [event.at for event in events] == sorted((event.at for event in events), reverse=True)
        with stage.command():
            back = rollback.rollback(env, yes=True)
        assert (back.verdict, back.version) == (Verdict.SUCCEEDED, "v1.0.0")
        entries = list(env.ledger.releases())
        assert [entry.sequence for entry in entries] == [3, 2, 1]
        assert entries[0].started < entries[1].started


def test_the_hint_of_a_first_release_over_a_service_without_tasks_can_be_followed(
    theatre: Theatre, tmp_path: Path
) -> None:
    with set_for(theatre, file("adopted-service-scaled-to-zero"), tmp_path) as (stage, env):
        with stage.command():
            refused = release.release(env, ORDER)
        assert refused.hint == "Use --allow-zero for the first release. Then scale it up: invoke scale"
        with stage.command():
            released = release.release(env, ReleaseOptions.of(tag="v1.0.1", yes=True, allow_zero=True))
        with stage.command():
            scaled = scale.scale(env, {"web": 2}, force=False, yes=True)
    assert (refused.verdict, released.verdict, released.message) == (Verdict.FAILED, Verdict.SUCCEEDED, "")
    assert (scaled.verdict, scaled.services["web"].outcome) == (Verdict.SUCCEEDED, "completed")
