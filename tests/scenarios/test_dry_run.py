"""A dry run on the stage: it reads what a release reads, says what a release would do, and writes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from longshore.commands import dry_run, release
from longshore.commands.dry_run import Forecast
from longshore.run.options import ReleaseOptions
from longshore.verdict import ExitCode, Verdict
from tests.fakes.samples import result
from tests.scenarios import shop
from tests.scenarios.play import StagedEnvironment, record_releases, staged
from tests.scenarios.scenario import FOLDER, Scenario, read
from tests.scenarios.stage import Stage, Theatre

pytestmark = pytest.mark.scenario

OPTIONS = ReleaseOptions.of(tag="v1.0.1", dry_run=True)


def file(name: str) -> Scenario:
    """The scenario of that name."""
    return read(FOLDER / f"{name}.toml")


def table(stage: Stage) -> list[Any]:
    """All items of the ledger."""
    return list(stage.client("dynamodb").scan(TableName=shop.TABLE)["Items"])


def foreseen(stage: Stage, env: StagedEnvironment, options: ReleaseOptions = OPTIONS) -> Forecast:
    """The forecast of a dry run, which must not write, with the events of the scenario."""
    with stage.command():
        before = table(stage)
        forecast = dry_run.preview(env, options)
        assert stage.calls() == []
        assert table(stage) == before
    return forecast


def test_a_dry_run_writes_nothing_and_the_release_after_it_does_what_it_said(theatre: Theatre, tmp_path: Path) -> None:
    with theatre.stage(file("plain"), tmp_path) as stage:
        env = staged(stage)
        record_releases(env)
        forecast = foreseen(stage, env)
        document = forecast.masked(env.console.masks)
        with stage.command():
            released = release.release(staged(stage), ReleaseOptions.of(tag="v1.0.1", yes=True))
    assert (document["exit_code"], document["refusals"], document["warnings"]) == (ExitCode.DIFFERENCES, [], [])
    assert (document["previous_version"], document["version"]) == ("v1.0.0", "v1.0.1")
    assert released.verdict is Verdict.SUCCEEDED
    assert document["changes"] == released.changes
    assert [image["digest"] for image in document["images"]] == [image.digest for image in released.images.values()]
    assert [image["action"] for image in document["images"]] == ["exists"]
    assert [(wave["number"], wave["migration"]) for wave in document["waves"]] == [
        (1, "storefront-sandbox-migrate"),
        (2, ""),
    ]
    assert [line.split()[0].rstrip(":") for wave in document["waves"] for line in wave["services"]] == ["worker", "web"]


@pytest.mark.parametrize(
    ("name", "options", "reason", "code"),
    [
        ("alarm-refused", {}, "alarm", ExitCode.FAILED),
        ("scaled-to-zero", {}, "was scaled to 0", ExitCode.FAILED),
        ("in-flight", {}, "a deployment is in flight", ExitCode.FAILED),
        ("failed-version", {}, "has failed before", ExitCode.USAGE),
        ("infra-refused", {}, "the plan would change more than task definitions", ExitCode.PLAN),
    ],
)
def test_it_names_what_would_refuse_the_release(
    name: str, options: dict[str, Any], reason: str, code: int, theatre: Theatre, tmp_path: Path
) -> None:
    with theatre.stage(file(name), tmp_path) as stage:
        env = staged(stage)
        record_releases(env)
        forecast = foreseen(stage, env, ReleaseOptions.of(tag="v1.0.1", dry_run=True, **options))
    assert [reason in error.message for error in forecast.refusals] == [True], forecast.refusals
    assert forecast.exit_code == code
    assert forecast.entry.changes, "the plan is shown all the same"


def test_a_dry_run_takes_the_options_of_a_release(theatre: Theatre, tmp_path: Path) -> None:
    """A pending change of the infrastructure is left out of the plan, or allowed."""
    with theatre.stage(file("infra-refused"), tmp_path) as stage:
        env = staged(stage)
        record_releases(env)
        cases: list[dict[str, Any]] = [{"only_release": True}, {"allow_infra": True}]
        for options in cases:
            forecast = foreseen(stage, env, ReleaseOptions.of(tag="v1.0.1", dry_run=True, **options))
            assert (forecast.refusals, forecast.exit_code) == ([], ExitCode.DIFFERENCES)
            pending = [line for line in forecast.entry.changes if "aws_iam_role_policy" in line]
            assert bool(pending) == ("allow_infra" in options)


def test_a_held_lock_is_named_and_the_rest_is_shown(theatre: Theatre, tmp_path: Path) -> None:
    with theatre.stage(file("plain"), tmp_path) as stage:
        env = staged(stage)
        record_releases(env)
        stage.do("another process locks the environment")
        forecast = foreseen(stage, env)
        waiting = foreseen(stage, env, replace(OPTIONS, wait_lock="15m"))
    assert (waiting.refusals, waiting.exit_code) == ([], ExitCode.DIFFERENCES)
    assert waiting.entry.warnings[0].startswith("the release would wait up to 15m: sandbox is locked by ")
    assert [error.message.split(" by ")[0] for error in forecast.refusals] == ["sandbox is locked"]
    assert forecast.exit_code == ExitCode.LOCKED
    assert len(forecast.waves) == 2


def test_a_promotion_of_images_that_have_changed_would_be_refused(theatre: Theatre, tmp_path: Path) -> None:
    with theatre.stage(file("plain"), tmp_path) as stage:
        env = staged(stage)
        record_releases(env)
        image = {"repository": "storefront/app", "tag": "v1.0.1", "digest": "sha256:0"}
        with stage.command():
            forecast = dry_run.preview(env, OPTIONS, result(version="v1.0.1", images={"app": image}))
    (refusal,) = forecast.refusals
    assert refusal.message.startswith("image app:v1.0.1 has digest sha256:")
    assert refusal.message.endswith(", but sha256:0 was recorded")
    assert forecast.exit_code == ExitCode.BUILD
