from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.calls import normal_form
from tests.scenarios.play import Found, differences
from tests.scenarios.scenario import Expected, Scenario, read
from tests.scenarios.shop import TABLE

ARN = "arn:aws:ecs:eu-central-1:123456789012:task-definition/storefront-sandbox-"


def call(operation: str, of: str = "ecs", status: int = 200, fault: str = "", **parameters: Any) -> dict[str, Any]:
    return {
        "service": of,
        "operation": operation,
        "status": status,
        "fault": fault,
        "parameters": parameters,
    }


def lines(*calls: dict[str, Any], first: int = 0) -> list[str]:
    return normal_form(calls, lambda _family, number: {1: "old", 2: "new"}[number], first)


def register(key: str, **rest: Any) -> dict[str, Any]:
    return call("RegisterTaskDefinition", family=f"storefront-sandbox-{key}", **rest)


def test_registrations_of_one_apply_are_sorted_and_a_second_one_is_again() -> None:
    assert lines(register("web"), register("migrate"), call("RunTask", taskDefinition=f"{ARN}migrate:2")) == [
        "register migrate new",
        "register web new",
        "run migrate new",
    ]
    ledger = call("PutItem", "dynamodb", TableName=TABLE)
    assert lines(register("web"), ledger, register("web")) == ["register web new", "ledger", "register web again"]
    assert lines(register("web"), first=1) == ["register web again"]


def test_a_registration_that_was_refused_takes_no_role() -> None:
    refused = register("web", status=400, fault="refuse")
    assert lines(refused, call("PutItem", "dynamodb", TableName=TABLE), register("web")) == [
        "register web new [refuse]",
        "ledger",
        "register web new",
    ]


def test_an_update_says_revision_count_and_force() -> None:
    given: dict[str, Any] = {"service": "storefront-sandbox-web", "taskDefinition": f"{ARN}web:2"}
    assert lines(
        call("UpdateService", **given, forceNewDeployment=False),
        call("UpdateService", **given, desiredCount=2, forceNewDeployment=True),
        call("UpdateService", service="storefront-sandbox-web", desiredCount=0),
        call("UpdateService", **given, status=400),
        call("UpdateService", **given, fault="lost"),
    ) == [
        "update web new",
        "update web new count 2 forced",
        "update web count 0",
        "update web new [400]",
        "update web new [lost]",
    ]


def test_writes_to_the_ledger_in_a_row_are_one_line_but_for_those_that_failed() -> None:
    put = call("PutItem", "dynamodb", TableName=TABLE)
    assert lines(put, put, call("DeleteItem", "dynamodb", TableName=TABLE)) == ["ledger"]
    assert lines(put, call("PutItem", "dynamodb", 400, "expired", TableName=TABLE)) == ["ledger", "ledger [expired]"]
    # A conditional write that another holder's lock refuses.
    assert lines(call("PutItem", "dynamodb", 400, TableName=TABLE)) == ["ledger"]


def test_the_other_calls() -> None:
    deployment = "arn:aws:ecs:eu-central-1:123456789012:service-deployment/storefront-sandbox/storefront-sandbox-web/x1"
    assert lines(
        call("StopServiceDeployment", serviceDeploymentArn=deployment),
        call("PutTargets", "events", Rule="r", Targets=[{"Id": "task", "TaskDefinitionArn": f"{ARN}nightly:1"}]),
        call("PutParameter", "ssm", Name="/p", Value="v1.0.1"),
        call("DeleteService", service="storefront-sandbox-web"),
    ) == [
        "stop-deployment web",
        "target nightly old",
        "tag v1.0.1",
        "ecs:DeleteService {'service': 'storefront-sandbox-web'}",
    ]


def found(**changes: Any) -> Found:
    came_out = Expected(verdict="succeeded", exit_code=0, calls=("ledger",), counts={"web": 2})
    return Found(
        expected=came_out.model_copy(update=changes),
        warnings=("Terraform pending: run it",),
        told="it failed",
        why="out of luck",
        seconds=1.0,
        started_one_off=0,
        live={},
        terraform_pending=False,
        console="",
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, []),
        ({"verdict": "failed"}, ["verdict: expected failed, found succeeded"]),
        ({"cause": "other"}, ["cause: expected other, found None"]),
        ({"exit_code": 1}, ["exit_code: expected 1, found 0"]),
        ({"outcomes": {"web": "moved"}}, ["outcomes: expected {'web': 'moved'}, found {}"]),
        ({"runs": {"web": "new"}}, ["runs: expected {'web': 'new'}, found {}"]),
        ({"lock": True}, ["lock: expected True, found False"]),
        ({"calls": ()}, ["calls: expected nothing, found \n    ledger"]),
        ({"counts": {"web": 3}}, ["count of web: expected 3, found 2"]),
        ({"says": ("it failed", "luck", "rain")}, ["not said: 'rain' (said was 'it failed'; out of luck)"]),
        ({"warnings": ()}, ["warnings: expected [], found ['Terraform pending: run it']"]),
        ({"warnings": ("other",)}, ["warnings: expected ['other'], found ['Terraform pending: run it']"]),
    ],
)
def test_each_difference_is_told(changed: dict[str, Any], said: list[str]) -> None:
    as_found: dict[str, Any] = {
        "verdict": "succeeded",
        "exit_code": 0,
        "calls": ("ledger",),
        "warnings": ("Terraform pending",),
    }
    assert differences(Expected(**(as_found | changed)), found()) == said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('title = "x"\npromises = []\n[expect]\nverdict = "failed"\n', "scene.toml: .*exit_code"),
        (
            'title = "x"\npromises = []\nsurprise = 1\n[expect]\nverdict = "a"\nexit_code = 0\n',
            "scene.toml: .*surprise",
        ),
        (
            'title = "x"\npromises = []\n[[events]]\ndo = "SIGINT"\n[expect]\nverdict = "a"\nexit_code = 0\n',
            "scene.toml: .*either `at` or `after`",
        ),
        ("title =", "scene.toml: "),
    ],
)
def test_a_file_that_is_no_scenario_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "scene.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        read(file)


def test_deadlines_that_a_file_does_not_name_are_those_of_all_scenarios(tmp_path: Path) -> None:
    file = tmp_path / "scene.toml"
    head = 'title = "x"\npromises = [1]\n[settings]\ndeadlines = { rollout = 20 }\n'
    file.write_text(f'{head}[expect]\nverdict = "failed"\nexit_code = 1\n')
    scenario: Scenario = read(file)
    assert (scenario.name, scenario.settings.deadlines["rollout"]) == ("scene", 20)
    assert scenario.settings.deadlines["release"] == 600
