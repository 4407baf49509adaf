"""Target groups, from answers as AWS gives them (names are invented)."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from longshore.aws.elbv2 import GROUPS_A_CALL, TargetGroup, TargetGroups, target_group_of
from longshore.errors import AwsError
from tests.fakes.clients import scripted

MODEL: Any = botocore.session.get_session().get_service_model("elbv2")


def arn(name: str) -> str:
    return f"arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/{name}/50dc6c495c0c9188"


def http(name: str) -> dict[str, Any]:
    """A target group of an Application Load Balancer, in the shape of aws-cli's describe-target-groups."""
    return {
        "TargetGroupArn": arn(name),
        "TargetGroupName": name,
        "Protocol": "HTTP",
        "Port": 80,
        "VpcId": "vpc-1",
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckEnabled": True,
        "HealthCheckIntervalSeconds": 30,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 2,
        "HealthCheckPath": "/",
        "Matcher": {"HttpCode": "200"},
        "TargetType": "ip",
    }


def tcp(name: str) -> dict[str, Any]:
    """One of a Network Load Balancer: its check has neither a path nor a matcher."""
    without = {key: value for key, value in http(name).items() if key not in ("HealthCheckPath", "Matcher")}
    times = {"HealthCheckIntervalSeconds": 10, "HealthyThresholdCount": 3, "HealthCheckTimeoutSeconds": 10}
    return without | {"Protocol": "TCP", "HealthCheckProtocol": "TCP"} | times


def attributes(delay: str | None, **others: str) -> list[dict[str, str]]:
    values = {"stickiness.enabled": "false"} | others
    if delay is not None:
        values["deregistration_delay.timeout_seconds"] = delay
    return [{"Key": key, "Value": value} for key, value in values.items()]


def add(script: Stubber, *groups: tuple[dict[str, Any], str | None]) -> None:
    script.add_response(
        "describe_target_groups",
        {"TargetGroups": [raw for raw, _ in groups]},
        {"TargetGroupArns": [raw["TargetGroupArn"] for raw, _ in groups]},
    )
    for raw, delay in groups:
        script.add_response(
            "describe_target_group_attributes",
            {"Attributes": attributes(delay)},
            {"TargetGroupArn": raw["TargetGroupArn"]},
        )


def test_health_checks_and_delays_are_read_for_http_and_tcp() -> None:
    client, script = scripted("elbv2")
    add(script, (http("web"), "300"), (tcp("mail"), "0"))
    assert TargetGroups(client).read([arn("web"), arn("mail")]) == {
        arn("web"): TargetGroup(interval=30, checks=5, drain=300, protocol="HTTP"),
        arn("mail"): TargetGroup(interval=10, checks=3, drain=0, protocol="TCP"),
    }
    script.assert_no_pending_responses()


def test_many_target_groups_take_several_calls() -> None:
    client, script = scripted("elbv2")
    names = [f"group-{number}" for number in range(GROUPS_A_CALL + 1)]
    add(script, *((http(name), "60") for name in names[:GROUPS_A_CALL]))
    add(script, (http(names[-1]), "60"))
    assert len(TargetGroups(client).read([arn(name) for name in names])) == len(names)
    script.assert_no_pending_responses()


def test_fields_that_are_missing_have_the_defaults_of_aws() -> None:
    assert target_group_of({"TargetGroupArn": arn("web")}, attributes(None)) == TargetGroup()


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("describe_target_groups", "elasticloadbalancing:DescribeTargetGroups"),
        ("describe_target_group_attributes", "elasticloadbalancing:DescribeTargetGroupAttributes"),
    ],
)
def test_a_missing_permission_is_named(operation: str, action: str) -> None:
    client, script = scripted("elbv2")
    if operation == "describe_target_group_attributes":
        script.add_response("describe_target_groups", {"TargetGroups": [http("web")]})
    text = f"User: arn:aws:sts::123456789012:assumed-role/r/s is not authorized to perform: {action}"
    script.add_client_error(operation, "AccessDenied", text, 403)
    with pytest.raises(AwsError) as caught:
        TargetGroups(client).read([arn("web")])
    assert caught.value.denied
    assert action in caught.value.message


def test_the_fields_and_the_attribute_are_those_of_the_model() -> None:
    fields = {"Protocol", "HealthCheckIntervalSeconds", "HealthyThresholdCount"}
    assert fields <= set(MODEL.shape_for("TargetGroup").members)
    documented = MODEL.shape_for("TargetGroupAttribute").members["Key"].documentation
    assert "deregistration_delay.timeout_seconds" in documented
    assert "The default value is 300 seconds" in documented
