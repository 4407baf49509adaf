"""Settings of a service that Longshore does not support, and alarms, in whole commands on the stage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from longshore.commands import apply, release, restart, rollback, scale
from longshore.result import ReleaseResult
from longshore.run.options import ReleaseOptions
from longshore.verdict import Cause, Verdict
from tests.scenarios.play import StagedEnvironment
from tests.scenarios.stage import Stage, Theatre
from tests.scenarios.test_stories import ORDER, file, set_for

pytestmark = pytest.mark.scenario

UNKNOWN = {"lifecycleHooks": [{"targetType": "MOON_PHASE", "lifecycleStages": ["POST_SCALE_UP"]}]}
PAUSE = {
    "lifecycleHooks": [
        {
            "targetType": "PAUSE",
            "lifecycleStages": ["POST_SCALE_UP"],
            "timeoutConfiguration": {"timeoutInMinutes": 9, "action": "CONTINUE"},
        }
    ]
}
WATCHED = {"alarms": {"alarmNames": ["errors", "slow"], "enable": True, "rollback": True}}


class Alarms:
    """CloudWatch, in which `errors` is in ALARM once `burning` is set."""

    def __init__(self, *, burning: bool) -> None:
        self.burning = burning

    def in_alarm(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if self.burning and name == "errors"]


def configure(stage: Stage, env: StagedEnvironment, cloudwatch: Alarms, **settings: Any) -> None:
    """Gives the web service these deployment settings, as another person would with the AWS CLI."""
    web = stage.service("web")
    assert web is not None
    web.settings["deploymentConfiguration"] |= settings
    env.aws.__dict__["alarms"] = cloudwatch


def run(stage: Stage, command: Any) -> ReleaseResult:
    with stage.command():
        result: ReleaseResult = command()
    return result


COMMANDS = {
    "release": lambda env: release.release(env, ORDER),
    "apply": lambda env: apply.apply(env, ReleaseOptions.of(task="apply", yes=True)),
    "restart": lambda env: restart.restart(env, [], yes=True),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_hook_is_refused_before_anything_is_planned(theatre: Theatre, tmp_path: Path, command: str) -> None:
    with set_for(theatre, file("plain"), tmp_path) as (stage, env):
        configure(stage, env, Alarms(burning=False), **UNKNOWN)
        result = run(stage, lambda: COMMANDS[command](env))
        assert stage.calls() == ["ledger"]
    assert (result.verdict, result.cause) == (Verdict.FAILED, Cause.CHECK)
    assert "web: deploymentConfiguration.lifecycleHooks is MOON_PHASE at POST_SCALE_UP" in result.message
    assert "Remove the hook" in result.hint


def test_a_rollback_is_only_warned_of_a_hook(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, file("rollback"), tmp_path) as (stage, env):
        configure(stage, env, Alarms(burning=True), **PAUSE, **WATCHED)
        result = run(stage, lambda: rollback.rollback(env, yes=True))
    assert result.verdict is Verdict.SUCCEEDED
    assert [("PAUSE" in text, "errors" in text) for text in result.warnings[-2:]] == [(True, False), (False, True)]


@pytest.mark.parametrize("command", COMMANDS)
def test_an_alarm_in_alarm_refuses_every_new_deployment(theatre: Theatre, tmp_path: Path, command: str) -> None:
    with set_for(theatre, file("plain"), tmp_path) as (stage, env):
        configure(stage, env, Alarms(burning=True), **WATCHED)
        result = run(stage, lambda: COMMANDS[command](env))
        assert stage.calls() == ["ledger"]
    assert (result.verdict, result.cause) == (Verdict.FAILED, Cause.CHECK)
    assert "storefront-sandbox-web: errors" in result.message


def test_with_allow_alarm_the_release_goes_through_with_a_warning(theatre: Theatre, tmp_path: Path) -> None:
    options = ReleaseOptions.of(bump="patch", tag="v1.0.1", yes=True, allow_alarm=True)
    with set_for(theatre, file("plain"), tmp_path) as (stage, env):
        configure(stage, env, Alarms(burning=True), **WATCHED)
        result = run(stage, lambda: release.release(env, options))
    assert result.verdict is Verdict.SUCCEEDED
    assert any("storefront-sandbox-web: errors" in warning for warning in result.warnings)


def test_a_service_can_be_scaled_in_spite_of_hooks_and_alarms(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, file("plain"), tmp_path) as (stage, env):
        configure(stage, env, Alarms(burning=True), **PAUSE, **WATCHED)
        result = run(stage, lambda: scale.scale(env, {"web": 3}, force=False, yes=True))
    assert result.verdict is Verdict.SUCCEEDED


@pytest.mark.parametrize("change", ["errors", "MOON_PHASE"])
def test_an_alarm_that_goes_off_before_the_approval_still_refuses(
    theatre: Theatre, tmp_path: Path, change: str
) -> None:
    """The same holds for a hook that another person adds in the meantime."""

    class Late:
        """An operator who approves after something has changed."""

        def approve(self, question: str, *, yes: bool) -> None:
            alarms.burning = change == "errors"
            if change == "MOON_PHASE":
                configure(stage, env, alarms, **UNKNOWN)

    alarms = Alarms(burning=False)
    with set_for(theatre, file("plain"), tmp_path) as (stage, env):
        configure(stage, env, alarms, **WATCHED)
        env.console.prompt = Late()  # type: ignore[assignment]
        result = run(stage, lambda: release.release(env, ORDER))
        assert stage.calls() == ["ledger"]
    assert (result.verdict, result.cause) == (Verdict.FAILED, Cause.CHECK)
    assert change in result.message


def test_the_reasons_of_a_failed_release_name_its_alarms(theatre: Theatre, tmp_path: Path) -> None:
    class GoingOff(Alarms):
        """The first two looks are those before the release."""

        def in_alarm(self, names: Sequence[str]) -> list[str]:
            looks.append(names)
            return ["errors"] if len(looks) > 2 else []

    looks: list[Sequence[str]] = []
    with set_for(theatre, file("crash-at-start"), tmp_path) as (stage, env):
        configure(stage, env, GoingOff(burning=False), **WATCHED)
        result = run(stage, lambda: release.release(env, ORDER))
    assert result.verdict is Verdict.ROLLED_BACK
    assert {failure.subject: failure.alarms for failure in result.failures if failure.alarms} == {
        "storefront-sandbox-web": ["errors"]
    }
