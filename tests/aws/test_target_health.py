from __future__ import annotations

from typing import Any

import botocore.session

from longshore.aws.ecs_types import task_of
from longshore.aws.elbv2 import TargetGroups
from longshore.aws.target_health import TargetHealth
from longshore.rollout.target_reasons import _STATES
from tests.fakes.clients import scripted

ARN = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/web/0a1b2c3d4e5f6071"


def test_the_health_of_every_group_is_read() -> None:
    client, script = scripted("elbv2")
    unhealthy = {
        "State": "unhealthy",
        "Reason": "Target.ResponseCodeMismatch",
        "Description": "Health checks failed with these codes: [404]",
    }
    # In the shape of a public recording of DescribeTargetHealth, with invented names.
    script.add_response(
        "describe_target_health",
        {
            "TargetHealthDescriptions": [
                {
                    "Target": {"Id": "10.0.3.7", "Port": 8080, "AvailabilityZone": "eu-central-1a"},
                    "HealthCheckPort": "8080",
                    "TargetHealth": unhealthy,
                    "AdministrativeOverride": {
                        "State": "no_override",
                        "Reason": "AdministrativeOverride.NoOverride",
                        "Description": "No override is currently active on target",
                    },
                }
            ]
        },
        {"TargetGroupArn": ARN},
    )
    second = {"Target": {"Id": "i-0a1b2c3d", "Port": 32768}, "TargetHealth": {"State": "healthy"}}
    script.add_response("describe_target_health", {"TargetHealthDescriptions": [second]}, {"TargetGroupArn": f"{ARN}2"})
    assert TargetGroups(client).health([ARN, f"{ARN}2"]) == [
        TargetHealth("10.0.3.7", 8080, "unhealthy", unhealthy["Reason"], unhealthy["Description"]),
        TargetHealth("i-0a1b2c3d", 32768, "healthy"),
    ]
    script.assert_no_pending_responses()


def test_a_task_has_the_addresses_of_its_network_and_the_ports_of_its_instance() -> None:
    raw: dict[str, Any] = {"taskArn": "arn/1", "taskDefinitionArn": "web:1", "lastStatus": "RUNNING"}
    details = [{"name": "subnetId", "value": "subnet-1"}, {"name": "privateIPv4Address", "value": "10.0.3.7"}]
    networked = task_of(raw | {"attachments": [{"type": "ElasticNetworkInterface", "details": details}]})
    interface = {"name": "web", "networkInterfaces": [{"privateIpv4Address": "10.0.3.8"}]}
    bound = {"name": "web", "networkBindings": [{"containerPort": 80, "hostPort": 32768}]}
    assert networked.addresses == ("10.0.3.7",)
    assert task_of(raw | {"containers": [interface]}).addresses == ("10.0.3.8",)
    assert task_of(raw | {"containers": [bound]}).host_ports == (32768,)


def test_each_state_of_the_model_is_named_or_harmless() -> None:
    model: Any = botocore.session.get_session().get_service_model("elbv2")
    harmless = {"healthy", "draining", "unavailable"}  # unavailable: the checks are off, or unknown for now
    assert set(model.shape_for("TargetHealthStateEnum").enum) == {*_STATES} | harmless
    assert not model.shape_for("DescribeTargetHealthOutput").members.keys() & {"NextMarker"}
