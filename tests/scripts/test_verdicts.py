"""The parts of `make bench-verdicts`: its faults, when their outcome can be known, and what the peers deploy."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest.mock import MagicMock

import pytest
from scripts.verdicts.copies import NONE, Copies, Watch
from scripts.verdicts.faults import EARLY, FAULTS, GOOD, PAUSES, Fault

from longshore.sandbox.api.faults import parse
from longshore.sandbox.ecs.timing import SETTINGS

VARIABLES = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "eu-central-1",
}


def test_a_copy_keeps_the_parts_of_the_task_that_its_container_needs() -> None:
    copies, ecs = Copies(VARIABLES), MagicMock()
    copies.ecs = ecs
    container: dict[str, Any] = {
        "name": "web",
        "image": "127.0.0.1:5000/verdicts/app:v1.0.0",
        "environment": [{"name": "RELEASE_VERSION", "value": "v1.0.0"}],
        "mountPoints": [{"sourceVolume": "writable", "containerPath": "/tmp"}],
    }
    volumes = [{"name": "writable"}]
    ecs.describe_services.return_value = {"services": [{"taskDefinition": "verdicts-web:1"}]}
    ecs.describe_task_definition.return_value = {
        "taskDefinition": {"family": "verdicts-web", "containerDefinitions": [container], "volumes": volumes}
    }
    copies.register("verdicts-copy", "v1.0.1")
    (call,) = ecs.register_task_definition.call_args_list
    assert call.kwargs["family"] == "verdicts-copy"
    assert call.kwargs["volumes"] == volumes
    (registered,) = call.kwargs["containerDefinitions"]
    assert registered["image"] == "127.0.0.1:5000/verdicts/app:v1.0.1"
    assert registered["environment"] == [{"name": "RELEASE_VERSION", "value": "v1.0.1"}]
    assert registered["mountPoints"] == container["mountPoints"]


def test_each_fault_has_a_name_and_conditions_that_the_sandbox_knows() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)
    assert {name for fault in FAULTS for name in fault.settings} <= set(SETTINGS)
    for fault in FAULTS:
        assert fault.configuration.keys() <= NONE.keys()
        if fault.denied:
            assert parse({"operation": fault.denied, "kind": "denied"}).operation == fault.denied
    assert FAULTS[-1].overtaken, "it leaves a revision of another deployment running"


def fault(known: str, **rest: Any) -> Fault:
    return Fault("a fault", GOOD, "an outcome", known, **rest)


def seen(deployment: str, status: str = "PRIMARY", state: str = "IN_PROGRESS") -> dict[str, Any]:
    created = datetime.fromtimestamp(1000, UTC)
    return {"id": deployment, "status": status, "rolloutState": state, "createdAt": created}


def watched(given: Fault, *reads: list[dict[str, Any]]) -> float | None:
    """When the outcome of copy ``web`` is known, after these reads of its deployments; ``old`` was there before."""
    copies = MagicMock()
    copies.service.return_value = {"deployments": [seen("old")]}
    copies.third_failure.return_value = 1033.0
    watch = Watch(copies, given, ["web"], 120.0, "v1.0.0")
    watch.ended.set()
    with watch:
        for deployments in reads:
            watch._observe("web", deployments)
    return watch.observed["web"].known


@pytest.mark.parametrize(
    ("known", "reads"),
    [
        # ECS shows the failure, or only its rollback while the failed deployment still shows IN_PROGRESS
        ("failed", [[seen("new"), seen("old", "ACTIVE")], [seen("new", state="FAILED"), seen("old", "ACTIVE")]]),
        ("failed", [[seen("new"), seen("old", "ACTIVE")], [seen("back"), seen("new", "ACTIVE")]]),
        ("completed", [[seen("new")], [seen("new", state="COMPLETED")]]),
    ],
)
def test_an_outcome_is_known_once_ecs_shows_it(known: str, reads: list[list[dict[str, Any]]]) -> None:
    assert watched(fault(known), *reads[:1]) is None
    assert watched(fault(known), *reads) is not None


def test_a_crash_loop_is_known_at_the_third_crash_even_after_completion() -> None:
    assert watched(fault("third"), [seen("new", state="COMPLETED")]) == 1033.0


def test_nothing_is_known_before_the_tool_has_deployed() -> None:
    assert watched(fault("third"), [seen("old", state="COMPLETED")]) is None


@pytest.mark.parametrize(
    ("given", "before"),
    [(EARLY, {"earlySuccessCriteria": {"enable": False}}), (PAUSES, {"lifecycleHooks": []})],
)
def test_the_configuration_of_a_fault_is_taken_back(given: dict[str, Any], before: dict[str, Any]) -> None:
    copies, ecs = Copies(VARIABLES), MagicMock()
    copies.ecs = ecs
    with pytest.raises(RuntimeError), copies.configured(["web", "copy"], given):
        assert [call.kwargs["service"] for call in ecs.update_service.call_args_list] == ["web", "copy"]
        assert ecs.update_service.call_args.kwargs["deploymentConfiguration"] == given
        raise RuntimeError
    assert ecs.update_service.call_count == 4
    assert ecs.update_service.call_args.kwargs["deploymentConfiguration"] == before
    with copies.configured(["web"], {}):
        assert ecs.update_service.call_count == 4


def test_an_operator_answers_only_the_hooks_that_wait() -> None:
    copies, ecs = Copies(VARIABLES), MagicMock()
    copies.ecs = ecs
    hooks = [{"hookId": "first", "status": "SUCCEEDED"}, {"hookId": "second", "status": "AWAITING_ACTION"}]
    waiting = {"serviceDeploymentArn": "arn", "lifecycleHookDetails": hooks}
    ecs.list_service_deployments.return_value = {"serviceDeployments": [{"serviceDeploymentArn": "arn"}]}
    ecs.describe_service_deployments.return_value = {"serviceDeployments": [waiting]}
    assert copies.answer_hooks("web", "ROLLBACK")
    assert ecs.list_service_deployments.call_args.kwargs["status"] == ["IN_PROGRESS"]
    ecs.continue_service_deployment.assert_called_once_with(
        serviceDeploymentArn="arn", hookId="second", action="ROLLBACK"
    )
    ecs.describe_service_deployments.return_value = {"serviceDeployments": [{"serviceDeploymentArn": "arn"}]}
    assert not copies.answer_hooks("web", "CONTINUE")
    ecs.list_service_deployments.return_value = {"serviceDeployments": []}
    assert not copies.answer_hooks("web", "CONTINUE")
    assert ecs.continue_service_deployment.call_count == 1


@pytest.mark.parametrize(
    ("after", "waits", "calls"),
    [(None, True, 0), (20.0, True, 1), (20.0, False, 3), (1e12, True, 0)],
    ids=["no operator", "once", "again until it waits", "not before its time"],
)
def test_an_operator_answers_a_deployment_once(after: float | None, *, waits: bool, calls: int) -> None:
    copies = MagicMock()
    copies.service.return_value = {"deployments": [seen("old")]}
    copies.answer_hooks.return_value = waits
    watch = Watch(copies, fault("completed", answered_after=after), ["web"], 120.0, "v1.0.0")
    watch.ended.set()
    with watch:
        for _ in range(3):
            watch._observe("web", [seen("new")])
    assert [call.args for call in copies.answer_hooks.call_args_list] == [("web", "CONTINUE")] * calls


@pytest.mark.parametrize(("after", "began", "states"), [(5.0, True, ["ALARM"]), (5.0, False, []), (None, True, [])])
def test_the_alarm_goes_off_once_after_all_deployments_have_begun(
    after: float | None, *, began: bool, states: list[str]
) -> None:
    copies = MagicMock()
    copies.service.return_value = {"deployments": [seen("old")]}
    watch = Watch(copies, fault("failed", alarmed_after=after), ["web", "copy"], 120.0, "v1.0.0")
    watch.ended.set()
    with watch:
        for _ in range(2):
            watch._observe("web", [seen("new")])
            watch._observe("copy", [seen("new" if began else "old")])
            watch._act()
    assert [call.args[0] for call in copies.set_alarm.call_args_list] == states


def test_the_secret_can_be_read_again_once_all_outcomes_are_known() -> None:
    copies, relented = MagicMock(), []
    copies.service.return_value = {"deployments": [seen("old")]}
    watch = Watch(copies, fault("failed"), ["web", "copy"], 120.0, "v1.0.0", lambda: relented.append(True))
    watch.ended.set()
    with watch:
        for name in ("web", "copy"):
            assert not relented
            watch._observe(name, [seen("new", state="FAILED")])
            watch._act()
            watch._act()
    assert relented == [True]
