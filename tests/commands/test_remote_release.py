"""The verdict of a release inside a build: that of the ledger; the text of the log does not count."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from longshore.aws.codebuild import Build
from longshore.commands.remote_release import release_remotely, verdict
from longshore.config.settings import Deadlines
from longshore.environment.environment import Environment
from longshore.errors import BuildError, DeclinedError, LongshoreError, UnknownOutcomeError, UsageError
from longshore.git import Source
from longshore.images import builders
from longshore.images.codebuild import BuildOutcome, BuildRequest, FollowOptions
from longshore.ledger.releases import Ledger
from longshore.result import ReleaseResult
from longshore.run import checks
from longshore.run.checks import ReleaseInputs
from longshore.run.options import ReleaseOptions
from longshore.tasks import views
from longshore.terminal.console import Console
from longshore.verdict import Cause, ExitCode, Verdict, exit_code_of
from tests.fakes.environments import environment
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import ACTOR, WHEN, result
from tests.paths import ROOT

COMMIT = Source(Path("/shop"), "0123456789abcdef0123456789abcdef01234567", "Head")


Make = Callable[..., Environment]


@pytest.fixture
def release_env(tmp_path: Path) -> Make:
    """Makes an environment with these releases in its ledger."""

    def make(*releases: ReleaseResult, err: io.StringIO | None = None) -> Environment:
        ledger = Ledger(MemoryTable(), "test")
        for release in releases:
            ledger.begin(release)
        console = Console(io.StringIO(), err or io.StringIO(), io.StringIO(), interactive=False)
        return environment(tmp_path, console=console, ledger=ledger)

    return make


def ended(status: str = "SUCCEEDED", **exported: str) -> BuildOutcome:
    """A build that has ended."""
    build = Build("shop-test-release:1", status=status, complete=True, commit=COMMIT.commit, exported=exported)
    return BuildOutcome(build)


def release_of_build(**changes: Any) -> ReleaseResult:
    """A release that ran in that build."""
    actor = ACTOR.model_copy(update={"build": "shop-test-release:1"})
    return result(**{"actor": actor, "ended": WHEN} | changes)


def test_the_result_is_the_release_that_the_build_names(release_env: Make) -> None:
    rolled_back = release_of_build(verdict=Verdict.ROLLED_BACK, cause=Cause.ROLLOUT)
    outcome = ended("FAILED", LONGSHORE_RELEASE=rolled_back.release, LONGSHORE_EXIT_CODE="8")
    release = verdict(release_env(rolled_back), outcome, COMMIT)
    assert (release.release, release.verdict, release.exit_code) == (rolled_back.release, Verdict.ROLLED_BACK, 8)


def test_the_release_of_a_build_that_exported_nothing_is_found_by_the_build_id(release_env: Make) -> None:
    succeeded = release_of_build(verdict=Verdict.SUCCEEDED)
    assert verdict(release_env(succeeded), ended("TIMED_OUT"), COMMIT).exit_code == 0
    with pytest.raises(BuildError):
        verdict(release_env(result(verdict=Verdict.SUCCEEDED, ended=WHEN)), ended("TIMED_OUT"), COMMIT)


def test_an_unfinished_release_of_a_build_that_has_ended_has_no_verdict(release_env: Make) -> None:
    with pytest.raises(UnknownOutcomeError, match="ended with FAULT before test-000001 had a verdict") as caught:
        verdict(release_env(release_of_build(ended=None)), ended("FAULT"), COMMIT)
    assert "--resume" in caught.value.hint


def test_a_release_that_a_newer_longshore_made_in_the_build_is_not_called_a_failure(release_env: Make) -> None:
    env = release_env(release_of_build(verdict=Verdict.SUCCEEDED))
    table: MemoryTable = env.ledger._table.table  # type: ignore[assignment]
    table.items["release#test", f"{1:010d}"]["format"] = 99
    with pytest.raises(UnknownOutcomeError, match="its release cannot be read: test-000001 was written by") as caught:
        verdict(env, ended(LONGSHORE_RELEASE="test-000001", LONGSHORE_EXIT_CODE="0"), COMMIT)
    assert caught.value.hint.startswith("Update Longshore")


def test_a_release_that_did_not_begin_keeps_the_exit_code_of_the_build(release_env: Make) -> None:
    exported = {"LONGSHORE_EXIT_CODE": "3", "LONGSHORE_MESSAGE": "test is locked by ann"}
    with pytest.raises(LongshoreError, match="did not begin: test is locked by ann") as caught:
        verdict(release_env(), ended("FAILED", **exported), COMMIT)
    assert exit_code_of(caught.value) is ExitCode.LOCKED


@pytest.mark.parametrize("exported", [{}, {"LONGSHORE_EXIT_CODE": "0"}, {"LONGSHORE_EXIT_CODE": "77"}])
@pytest.mark.parametrize("status", ["FAILED", "SUCCEEDED", "WEIRD"])
def test_a_build_without_a_release_is_a_failed_build(status: str, exported: dict[str, str], release_env: Make) -> None:
    with pytest.raises(BuildError):
        verdict(release_env(), ended(status, **exported), COMMIT)


def test_the_options_are_passed_to_the_build() -> None:
    options = ReleaseOptions.of(
        remote=True, allow_zero=True, allow_infra=True, wait_lock="15m", until="approve", bump="minor"
    )
    assert options.command_line == "--allow-infra --allow-zero --until approve --wait-lock 15m"
    assert ReleaseOptions.of(remote=True).command_line == ""


@pytest.mark.parametrize("options", [{"tag": "v1.0.0"}, {"rebuild": True}, {"on": "codebuild"}, {"allow_dirty": True}])
def test_options_that_have_no_meaning_in_a_build_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        ReleaseOptions.of(remote=True, **options)


def test_unknown_builders_and_conflicting_options_are_refused() -> None:
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


def test_the_json_document_becomes_shell_variables(tmp_path: Path) -> None:
    document = {"release": "test-000001", "exit_code": 8, "message": 'it\'s "$HOME" `id`\nand more'}
    assert exported(tmp_path, json.dumps(document)) == {
        "LONGSHORE_RELEASE": "test-000001",
        "LONGSHORE_EXIT_CODE": "8",
        "LONGSHORE_MESSAGE": 'it\'s "$HOME" `id` and more',
    }
    refused = {"verdict": None, "message": "locked", "exit_code": 3}
    assert exported(tmp_path, json.dumps(refused)) == {"LONGSHORE_EXIT_CODE": "3", "LONGSHORE_MESSAGE": "locked"}


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"exit_code": "x"}'])
def test_without_a_document_nothing_is_exported(tmp_path: Path, text: str | None) -> None:
    assert exported(tmp_path, text) == {}


def test_the_build_timeout_is_longer_than_the_deadlines_of_a_release() -> None:
    variables = (ROOT / "terraform" / "app" / "variables_release.tf").read_text()
    minutes = re.search(r"build_timeout += optional\(number, (\d+)\)", variables)
    deadlines = Deadlines()
    assert minutes
    assert int(minutes[1]) * 60 > deadlines.build + deadlines.release


@dataclass
class FakeBuilder:
    """In place of CodeBuild; records the build that it was asked for."""

    outcome: BuildOutcome
    interrupted: bool = False
    request: BuildRequest | None = None
    options: FollowOptions | None = None

    def run(self, request: BuildRequest, options: FollowOptions) -> BuildOutcome:
        self.request, self.options = request, options
        if self.interrupted:
            os.kill(os.getpid(), signal.SIGTERM)
        return self.outcome


@pytest.fixture
def build_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeBuilder], None]:
    """Lets the checks pass, and replaces CodeBuild."""

    def replace(builder: FakeBuilder) -> None:
        monkeypatch.setattr(checks, "remote", lambda _env, _options: ReleaseInputs(ACTOR, COMMIT, COMMIT))
        monkeypatch.setattr(builders, "builder", lambda _env: builder)

    return replace


def test_without_a_terminal_you_must_confirm_or_stop_for_approval(
    release_env: Make, build_with: Callable[[FakeBuilder], None]
) -> None:
    env = release_env(release_of_build(verdict=Verdict.WAITING))
    build_with(FakeBuilder(ended("FAILED")))
    with pytest.raises(DeclinedError):
        release_remotely(env, ReleaseOptions.of(remote=True))
    assert release_remotely(env, ReleaseOptions.of(remote=True, until="approve")).verdict is Verdict.WAITING


def test_after_a_signal_the_release_on_codebuild_continues(
    release_env: Make, build_with: Callable[[FakeBuilder], None]
) -> None:
    err, builder = io.StringIO(), FakeBuilder(ended(), interrupted=True)
    build_with(builder)
    succeeded = release_of_build(verdict=Verdict.SUCCEEDED)
    options = ReleaseOptions.of(remote=True, yes=True, wait_lock="15m")
    assert release_remotely(release_env(succeeded, err=err), options).release == succeeded.release
    request, follow = builder.request, builder.options
    assert request
    assert follow
    assert (request.project, request.commit) == ("shop-test-release", COMMIT.commit)
    assert request.variables["LONGSHORE_OPTIONS"] == "--wait-lock 15m"
    assert (follow.run, follow.stops) == (3600 + 900 + 3600, False)
    assert follow.mask(["NPM_TOKEN=unheard-of"]) == ["NPM_TOKEN=(masked)"]
    assert "SIGTERM: leaving; the release on CodeBuild continues" in err.getvalue()
    assert "rolled back" not in err.getvalue()
