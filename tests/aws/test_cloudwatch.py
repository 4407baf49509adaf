from __future__ import annotations

from typing import Any

import botocore.session

from longshore.aws.cloudwatch import ALARMS_A_CALL, Alarms
from tests.fakes.clients import scripted

TYPES = ["MetricAlarm", "CompositeAlarm", "LogAlarm"]


def alarm(name: str, state: str) -> dict[str, str]:
    return {"AlarmName": name, "StateValue": state}


def test_alarms_of_every_type_and_page_are_read() -> None:
    client, script = scripted("cloudwatch")
    names = ["errors", "slow", "all", "quiet", "gone"]
    request: dict[str, Any] = {"AlarmNames": names, "AlarmTypes": TYPES}
    script.add_response(
        "describe_alarms",
        {"MetricAlarms": [alarm("slow", "OK"), alarm("errors", "ALARM")], "NextToken": "more"},
        request,
    )
    script.add_response(
        "describe_alarms",
        {"CompositeAlarms": [alarm("all", "ALARM")], "LogAlarms": [alarm("quiet", "INSUFFICIENT_DATA")]},
        request | {"NextToken": "more"},
    )
    assert Alarms(client).in_alarm(names) == ["all", "errors"]
    script.assert_no_pending_responses()


def test_many_alarms_take_several_calls() -> None:
    client, script = scripted("cloudwatch")
    names = [f"alarm-{number}" for number in range(ALARMS_A_CALL + 1)]
    for batch in (names[:ALARMS_A_CALL], names[ALARMS_A_CALL:]):
        script.add_response(
            "describe_alarms", {"MetricAlarms": [alarm(batch[-1], "ALARM")]}, {"AlarmNames": batch, "AlarmTypes": TYPES}
        )
    assert Alarms(client).in_alarm(names) == sorted([names[ALARMS_A_CALL - 1], names[-1]])


def test_no_alarms_take_no_call() -> None:
    client, _ = scripted("cloudwatch")
    assert Alarms(client).in_alarm([]) == []


def test_all_types_of_alarms_are_asked_for() -> None:
    model: Any = botocore.session.get_session().get_service_model("cloudwatch")
    assert sorted(model.shape_for("AlarmType").enum) == sorted(TYPES)
    assert {f"{kind}s" for kind in TYPES} <= set(model.shape_for("DescribeAlarmsOutput").members)
