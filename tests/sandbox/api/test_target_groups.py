"""DescribeTargetHealth: the tasks that ECS has registered, and the targets that a user has registered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from longshore.sandbox.api import target_groups
from longshore.sandbox.api.aws_api import AwsApi, moto_application
from longshore.sandbox.api.credentials import AccessKeys
from longshore.sandbox.api.request_log import RequestLog
from longshore.sandbox.serving import listen, serve
from tests.sandbox.moto_api import KEY, SECRET, aws

UNHEALTHY = {
    "Target": {"Id": "10.0.3.7", "Port": 8080},
    "HealthCheckPort": "8080",
    "TargetHealth": {
        "State": "unhealthy",
        "Reason": "Target.ResponseCodeMismatch",
        "Description": "Health checks failed with these codes: [404]",
    },
}
HEALTHY = {
    "Target": {"Id": "10.0.3.8", "Port": 8080},
    "HealthCheckPort": "8080",
    "TargetHealth": {"State": "healthy"},
}


class Tasks:
    """Two tasks, registered in every target group."""

    def target_health(self, group: str) -> list[dict[str, Any]]:
        assert ":targetgroup/" in group
        return [UNHEALTHY, HEALTHY]


@pytest.fixture(scope="module")
def balancer() -> Iterator[Any]:
    target_groups.install(Tasks())
    with listen(0) as listener:
        server = serve(AwsApi(moto_application(), AccessKeys(KEY, SECRET), RequestLog(), dict), listener)
        yield server
        server.shutdown()
        server.server_close()


def group_of(balancer: Any, name: str) -> tuple[Any, str]:
    """A client, and the ARN of a new target group."""
    url = f"http://127.0.0.1:{balancer.port}"
    client, vpc = aws("elbv2", url), aws("ec2", url).describe_vpcs()["Vpcs"][0]["VpcId"]
    made = client.create_target_group(Name=name, TargetType="ip", Protocol="HTTP", Port=8080, VpcId=vpc)
    return client, str(made["TargetGroups"][0]["TargetGroupArn"])


def test_the_tasks_of_ecs_are_described_with_state_reason_and_description(balancer: Any) -> None:
    client, arn = group_of(balancer, "tasks")
    assert client.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"] == [UNHEALTHY, HEALTHY]


def test_named_targets_are_described_and_unknown_ones_are_not_registered(balancer: Any) -> None:
    client, arn = group_of(balancer, "named")
    client.register_targets(TargetGroupArn=arn, Targets=[{"Id": "10.0.9.9", "Port": 80}])
    named = [{"Id": "10.0.3.8", "Port": 8080}, {"Id": "10.0.3.7", "Port": 81}, {"Id": "10.0.9.9", "Port": 80}]
    described = client.describe_target_health(TargetGroupArn=arn, Targets=named)["TargetHealthDescriptions"]
    assert described[0] == HEALTHY
    assert [(d["Target"]["Id"], d["TargetHealth"]["State"]) for d in described[1:]] == [
        ("10.0.3.7", "unavailable"),
        ("10.0.9.9", "healthy"),
    ]
    assert len(client.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]) == 3


def test_an_unknown_target_group_is_refused(balancer: Any) -> None:
    client, arn = group_of(balancer, "known")
    with pytest.raises(ClientError, match="TargetGroupNotFound"):
        client.describe_target_health(TargetGroupArn=f"{arn}0")
