from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from longshore.aws.ecs_settings import EarlySuccess, ServiceSettings
from longshore.aws.ecs_types import Service
from longshore.errors import AwsError, NotReadyError
from longshore.result import Running, ServiceResult
from longshore.run.service_checks import alarms_in_alarm, refuse_unready, refuse_unsupported, warn_before_rollback
from longshore.verdict import ExitCode, exit_code_of
from tests.fakes.runs import started
from tests.fakes.samples import deployment, service

HOOK = "MOON_PHASE at PRE_SCALE_UP"
DENIED = AwsError("not authorized to perform: cloudwatch:DescribeAlarms", "The role lacks it.", "AccessDeniedException")


def named(key: str, **settings: Any) -> Service:
    plain = service(deployment("one", "COMPLETED"))
    return replace(plain, name=f"shop-test-{key}", settings=ServiceSettings(**settings))


class Alarms:
    """CloudWatch with these alarms in ALARM; an error is raised."""

    def __init__(self, *burning: str, error: AwsError | None = None) -> None:
        self.burning, self.error, self.calls = burning, error, list[Sequence[str]]()

    def in_alarm(self, names: Sequence[str]) -> list[str]:
        self.calls.append(names)
        if self.error:
            raise self.error
        return [name for name in names if name in self.burning]


def environment(alarms: Alarms, *services: Service) -> Any:
    by_name = {each.name: each for each in services}
    ecs = SimpleNamespace(services=lambda _cluster, names: {name: by_name[name] for name in names})
    return SimpleNamespace(aws=SimpleNamespace(ecs=ecs, alarms=alarms))


def watched(alarms: Alarms, *names: str, **settings: Any) -> Any:
    return environment(alarms, named("web", alarms=names, **settings), named("worker"))


@pytest.mark.parametrize(
    ("settings", "named_field", "hint"),
    [
        ({"controller": "CODE_DEPLOY"}, "deploymentController.type is CODE_DEPLOY", "deployment_controller"),
        ({"controller": "EXTERNAL"}, "deploymentController.type is EXTERNAL", "deployment_controller"),
        ({"strategy": "BLUE_GREEN"}, "deploymentConfiguration.strategy is BLUE_GREEN", "ROLLING"),
        ({"strategy": "LINEAR"}, "deploymentConfiguration.strategy is LINEAR", "ROLLING"),
        ({"strategy": "CANARY"}, "deploymentConfiguration.strategy is CANARY", "ROLLING"),
        ({"strategy": "OF_NEXT_YEAR"}, "deploymentConfiguration.strategy is OF_NEXT_YEAR", "ROLLING"),
        ({"scheduling": "DAEMON"}, "schedulingStrategy is DAEMON", "REPLICA"),
        ({"managed_by": "ECS"}, "resourceManagementType is ECS", "aws_ecs_service"),
        ({"classic_load_balancers": ("old",)}, "loadBalancers.loadBalancerName is old", "target group"),
        ({"hooks": (HOOK,)}, f"deploymentConfiguration.lifecycleHooks is {HOOK}", "Remove the hook"),
    ],
)
def test_an_unsupported_setting_is_refused_with_service_field_and_value(
    settings: dict[str, Any], named_field: str, hint: str
) -> None:
    with pytest.raises(NotReadyError) as caught:
        refuse_unsupported([named("worker"), named("web", **settings)])
    assert f"shop-test-web: {named_field}" in caught.value.message
    assert "worker" not in caught.value.message
    assert hint in caught.value.hint
    assert exit_code_of(caught.value) == ExitCode.FAILED


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(NotReadyError) as caught:
        refuse_unsupported([named("web", strategy="CANARY", hooks=(HOOK,)), named("worker", strategy="LINEAR")])
    assert caught.value.message.count("; ") == 2
    assert caught.value.hint.count("ROLLING") == 1


def test_early_success_alarms_and_the_defaults_are_supported() -> None:
    early = EarlySuccess(50, "DEFERRED")
    refuse_unsupported([named("web"), named("worker", early_success=early, alarms=("slow",))])


@pytest.mark.parametrize("hook", ["PAUSE at PRE_SCALE_UP", "AWS_LAMBDA arn:function at POST_SCALE_UP"])
def test_hooks_of_a_known_kind_are_supported(hook: str) -> None:
    refuse_unsupported([named("web", hooks=(hook,))])


def test_hooks_do_not_keep_you_from_rolling_back_but_other_settings_do() -> None:
    refuse_unsupported([named("web", hooks=(HOOK,))], new_release=False)
    with pytest.raises(NotReadyError, match="CODE_DEPLOY"):
        refuse_unsupported([named("web", controller="CODE_DEPLOY")], new_release=False)


def test_a_release_is_refused_while_a_watched_alarm_is_in_alarm() -> None:
    env = watched(Alarms("errors"), "errors", "slow")
    with started() as run, pytest.raises(NotReadyError) as caught:
        refuse_unready(run, env, allowed=False)
    assert caught.value.message.endswith("shop-test-web: errors")
    assert "--allow-alarm" in caught.value.hint


def test_with_allow_alarm_it_is_a_warning() -> None:
    env = watched(Alarms("errors"), "errors")
    with started() as run:
        refuse_unready(run, env, allowed=True)
        refuse_unready(run, env, allowed=True)
        assert [warning.endswith("shop-test-web: errors") for warning in run.result.warnings] == [True]


@pytest.mark.parametrize("names", [("slow",), ()])
def test_alarms_that_are_ok_or_not_watched_refuse_nothing(names: tuple[str, ...]) -> None:
    alarms = Alarms("errors")
    with started() as run:
        refuse_unready(run, watched(alarms, *names), allowed=False)
        assert run.result.warnings == []
    assert alarms.calls == ([["slow"]] if names else []), "without alarms, CloudWatch is not asked"


def test_only_the_services_that_are_moved_count() -> None:
    env = watched(Alarms("errors"), "errors")
    with started() as run:
        refuse_unready(run, env, allowed=False, keys=["worker"])
        with pytest.raises(NotReadyError):
            refuse_unready(run, env, allowed=False, keys=["web"])


def test_alarms_that_cannot_be_read_are_a_warning() -> None:
    with started() as run:
        refuse_unready(run, watched(Alarms(error=DENIED), "errors"), allowed=False)
        (warning,) = run.result.warnings
    assert DENIED.message in warning


def test_a_run_that_has_moved_something_is_not_refused_for_an_alarm() -> None:
    with started(resumed=True) as run:
        run.result.services = {"web": _moved()}
        refuse_unready(run, watched(Alarms("errors"), "errors"), allowed=False)


def _moved() -> ServiceResult:
    before = Running(task_definition="web:1", count=1)
    return ServiceResult(name="shop-test-web", wave=1, before=before, outcome="moved")


def test_a_rollback_is_warned_of_hooks_and_alarms() -> None:
    with started(kind="rollback") as run:
        warn_before_rollback(run, watched(Alarms("errors"), "errors", hooks=(HOOK,)))
        hooks, alarms = run.result.warnings
    assert "shop-test-web" in hooks
    assert HOOK in hooks
    assert alarms.endswith("shop-test-web: errors")


def test_the_alarms_of_all_services_take_one_call() -> None:
    alarms = Alarms("errors", "slow")
    services = [named("web", alarms=("slow", "errors")), named("worker", alarms=("errors", "quiet")), named("api")]
    burning = alarms_in_alarm(environment(alarms), services)
    assert burning == {"shop-test-web": ["errors", "slow"], "shop-test-worker": ["errors"]}
    assert alarms.calls == [["errors", "quiet", "slow"]]
