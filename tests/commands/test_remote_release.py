"""The verdict of a release inside a build: what the ledger says of it, never what the log reads like."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from longshore.aws.codebuild import Build
from longshore.commands.remote_release import release_remotely, verdict
from longshore.config.settings import Deadlines, load
from longshore.config.target import select
from longshore.console import Console
from longshore.environment.environment import Environment
from longshore.errors import BuildError, DeclinedError, LongshoreError, UnknownOutcomeError, UsageError
from longshore.git import Source
from longshore.images import builders
from longshore.images.codebuild import BuildOutcome, BuildRequest, FollowOptions
from longshore.ledger.releases import Ledger
from longshore.run import checks
from longshore.run.checks import ReleaseInputs
from longshore.run.options import ReleaseOptions
from longshore.signals import Interrupts
from longshore.tasks import views
from longshore.verdict import Cause, ExitCode, Verdict, exit_code_of
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import ACTOR, WHEN, result
from tests.paths import ROOT

COMMIT = Source(Path("/shop"), "0123456789abcdef0123456789abcdef01234567", "Head")


def environment(*releases: Any) -> Environment:
    ledger = Ledger(MemoryTable(), "test")
    for release in releases:
        ledger.begin(release)
    return cast(Environment, SimpleNamespace(ledger=ledger))


def followed(status: str = "SUCCEEDED", **exported: str) -> BuildOutcome:
    build = Build("shop-test-release:1", status=status, complete=True, commit=COMMIT.commit, exported=exported)
    return BuildOutcome(build)


def of_build(**known: Any) -> Any:
    actor = ACTOR.model_copy(update={"build": "shop-test-release:1"})
    return result(**{"actor": actor, "ended": WHEN} | known)


def test_the_release_that_the_build_names_is_the_result() -> None:
    bad = of_build(verdict=Verdict.ROLLED_BACK, cause=Cause.ROLLOUT)
    found = verdict(
        environment(bad), followed("FAILED", LONGSHORE_RELEASE=bad.release, LONGSHORE_EXIT_CODE="8"), COMMIT
    )
    assert (found.release, found.verdict, found.exit_code) == (bad.release, Verdict.ROLLED_BACK, 8)


def test_a_build_that_could_not_export_is_found_by_its_id() -> None:
    good = of_build(verdict=Verdict.SUCCEEDED)
    assert verdict(environment(good), followed("TIMED_OUT"), COMMIT).exit_code == 0
    with pytest.raises(BuildError):
        verdict(environment(result(verdict=Verdict.SUCCEEDED, ended=WHEN)), followed("TIMED_OUT"), COMMIT)


def test_a_release_whose_build_ended_under_it_has_no_verdict() -> None:
    with pytest.raises(UnknownOutcomeError, match="ended with FAULT while test-000001 ran") as caught:
        verdict(environment(of_build(ended=None)), followed("FAULT"), COMMIT)
    assert "--resume" in caught.value.hint


def test_a_release_that_did_not_begin_ends_as_it_ended_there() -> None:
    exported = {"LONGSHORE_EXIT_CODE": "3", "LONGSHORE_MESSAGE": "test is locked by ann"}
    with pytest.raises(LongshoreError, match="did not begin: test is locked by ann") as caught:
        verdict(environment(), followed("FAILED", **exported), COMMIT)
    assert exit_code_of(caught.value) is ExitCode.LOCKED


@pytest.mark.parametrize("exported", [{}, {"LONGSHORE_EXIT_CODE": "0"}, {"LONGSHORE_EXIT_CODE": "77"}])
@pytest.mark.parametrize("status", ["FAILED", "SUCCEEDED", "WEIRD"])
def test_a_build_without_a_release_is_no_success(status: str, exported: dict[str, str]) -> None:
    with pytest.raises(BuildError):
        verdict(environment(), followed(status, **exported), COMMIT)


def test_what_goes_along_into_the_build() -> None:
    made = ReleaseOptions.of(
        remote=True, allow_zero=True, allow_infra=True, wait_lock="15m", until="approve", bump="minor"
    )
    assert made.command_line == "--allow-infra --allow-zero --until approve --wait-lock 15m"
    assert ReleaseOptions.of(remote=True).command_line == ""


@pytest.mark.parametrize("options", [{"tag": "v1.0.0"}, {"rebuild": True}, {"on": "codebuild"}, {"allow_dirty": True}])
def test_what_has_no_meaning_inside_a_build_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        ReleaseOptions.of(remote=True, **options)


def test_what_builds_must_be_known_and_fit() -> None:
    with pytest.raises(UsageError, match="--on 'mars' is not a builder"):
        ReleaseOptions.of(on="mars")
    with pytest.raises(UsageError, match="--allow-dirty"):
        ReleaseOptions.of(on="codebuild", allow_dirty=True)
    with pytest.raises(UsageError, match="--on"):
        ReleaseOptions.of(on="codebuild", tag="v1.0.0")


def exported(tmp_path: Path, text: str | None) -> dict[str, str]:
    file, out = tmp_path / "release.json", io.StringIO()
    if text is not None:
        file.write_text(text)
    views.exports(Console(out, io.StringIO()), file)
    words = [line.removeprefix("export ") for line in out.getvalue().splitlines()]
    return dict(shlex.split(word)[0].split("=", 1) for word in words)


def test_a_document_becomes_variables_that_a_shell_can_read(tmp_path: Path) -> None:
    document = {"release": "test-000001", "exit_code": 8, "message": 'it\'s "$HOME" `id`\nand more'}
    assert exported(tmp_path, json.dumps(document)) == {
        "LONGSHORE_RELEASE": "test-000001",
        "LONGSHORE_EXIT_CODE": "8",
        "LONGSHORE_MESSAGE": 'it\'s "$HOME" `id` and more',
    }
    refused = {"verdict": None, "message": "locked", "exit_code": 3}
    assert exported(tmp_path, json.dumps(refused)) == {"LONGSHORE_EXIT_CODE": "3", "LONGSHORE_MESSAGE": "locked"}


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"exit_code": "x"}'])
def test_no_document_exports_nothing(tmp_path: Path, text: str | None) -> None:
    assert exported(tmp_path, text) == {}


def test_the_machine_of_a_release_lives_longer_than_the_release_may_take() -> None:
    variables = (ROOT / "terraform" / "app" / "variables_release.tf").read_text()
    minutes = re.search(r"build_timeout += optional\(number, (\d+)\)", variables)
    deadlines = Deadlines()
    assert minutes
    assert int(minutes[1]) * 60 > deadlines.build + deadlines.release


def of_the_shop(folder: Path, err: io.StringIO, *releases: Any) -> Environment:
    settings = {"region": "eu-central-1", "environments": {"test": {"account": "123456789012"}}}
    env = environment(*releases)
    env.__dict__.update(
        target=select(load({"applications": {"shop": settings}}), folder, None, "test"),
        console=Console(io.StringIO(), err, io.StringIO(), interactive=False),
        interrupts=Interrupts(),
    )
    return env


def test_without_a_terminal_it_must_be_said_that_nobody_is_asked_or_that_somebody_will_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = of_build(verdict=Verdict.WAITING)
    env = of_the_shop(tmp_path, io.StringIO(), waiting)
    monkeypatch.setattr(checks, "remote", lambda env, order: ReleaseInputs(ACTOR, COMMIT, COMMIT))
    monkeypatch.setattr(builders, "builder", lambda env: SimpleNamespace(run=lambda request, watch: followed("FAILED")))
    with pytest.raises(DeclinedError):
        release_remotely(env, ReleaseOptions.of(remote=True))
    assert release_remotely(env, ReleaseOptions.of(remote=True, until="approve")).verdict is Verdict.WAITING


def test_whoever_leaves_is_told_that_the_release_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    err = io.StringIO()
    seen: list[tuple[object, ...]] = []
    good = of_build(verdict=Verdict.SUCCEEDED)

    class Service:
        """In place of CodeBuild; a signal comes while it is followed."""

        def run(self, request: BuildRequest, watch: FollowOptions) -> BuildOutcome:
            seen.append((request.project, request.commit, request.variables["LONGSHORE_OPTIONS"]))
            seen.append((watch.run, watch.stops, watch.mask("NPM_TOKEN=unheard-of")))
            os.kill(os.getpid(), signal.SIGTERM)
            return followed()

    env = of_the_shop(tmp_path, err, good)
    monkeypatch.setattr(checks, "remote", lambda env, order: ReleaseInputs(ACTOR, COMMIT, COMMIT))
    monkeypatch.setattr(builders, "builder", lambda env: Service())
    assert release_remotely(env, ReleaseOptions.of(remote=True, yes=True, wait_lock="15m")).release == good.release
    assert seen == [
        ("shop-test-release", COMMIT.commit, "--wait-lock 15m"),
        (3600 + 900 + 3600, False, "NPM_TOKEN=(masked)"),
    ]
    assert "SIGTERM: leaving; what was started goes on" in err.getvalue()
    assert "moving back" not in err.getvalue()
