"""Application Auto Scaling: it knows the sandbox's services, moves counts into bounds, and has tags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from longshore.sandbox.api import scaling
from longshore.sandbox.api.aws_api import AwsApi, moto_application
from longshore.sandbox.api.credentials import AccessKeys
from longshore.sandbox.api.request_log import RequestLog
from longshore.sandbox.serving import listen, serve
from tests.sandbox.moto_api import KEY, SECRET, aws

TARGET = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/shop/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}
POLICY = {
    **TARGET,
    "PolicyName": "cpu",
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": 60.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    },
}


class Shop:
    """A cluster with one service, which records the bounds that its count is moved into."""

    def __init__(self) -> None:
        self.bounds: list[tuple[int, int]] = []

    def has_service(self, cluster: str, name: str) -> bool:
        return (cluster, name) == ("shop", "web")

    def clamp_count(self, cluster: str, name: str, minimum: int, maximum: int) -> None:
        assert self.has_service(cluster, name)
        self.bounds.append((minimum, maximum))


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="module")
def client(shop: Shop) -> Iterator[Any]:
    scaling.install(shop)
    with listen(0) as listener:
        server = serve(AwsApi(moto_application(), AccessKeys(KEY, SECRET), RequestLog(), dict), listener)
        yield aws("application-autoscaling", f"http://127.0.0.1:{server.port}")
        server.shutdown()
        server.server_close()


@pytest.fixture
def target(client: Any) -> Iterator[str]:
    """The ARN of a target, which is deregistered after the test."""
    answer = client.register_scalable_target(**TARGET, MinCapacity=2, MaxCapacity=6, Tags={"Team": "shop"})
    yield answer["ScalableTargetARN"]
    client.deregister_scalable_target(**TARGET)


def tags(client: Any, arn: str) -> dict[str, str]:
    return dict(client.list_tags_for_resource(ResourceARN=arn)["Tags"])


def test_a_target_of_an_existing_service_is_registered(client: Any, target: str) -> None:
    (found,) = client.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=["service/shop/web"])[
        "ScalableTargets"
    ]
    assert (found["ScalableTargetARN"], found["MinCapacity"], found["MaxCapacity"]) == (target, 2, 6)


def test_a_target_of_a_missing_service_is_refused(client: Any) -> None:
    with pytest.raises(ClientError) as refused:
        client.register_scalable_target(**{**TARGET, "ResourceId": "service/shop/worker"}, MinCapacity=1, MaxCapacity=2)
    assert refused.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "ECS service doesn't exist: service/shop/worker",
    }


def test_registering_a_target_again_updates_it(client: Any, target: str) -> None:
    again = client.register_scalable_target(**TARGET, MinCapacity=3)
    assert again["ScalableTargetARN"] == target
    (found,) = client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (3, 6)
    assert tags(client, target) == {"Team": "shop"}


@pytest.mark.usefixtures("target")
def test_every_registration_moves_the_count_into_the_bounds(client: Any, shop: Shop) -> None:
    del shop.bounds[:]
    client.register_scalable_target(**TARGET, MinCapacity=1)
    client.register_scalable_target(**TARGET)
    assert shop.bounds == [(1, 6), (1, 6)]


def test_tags_are_added_and_removed(client: Any, target: str) -> None:
    assert tags(client, target) == {"Team": "shop"}
    client.tag_resource(ResourceARN=target, Tags={"Team": "cart", "Cost": "1"})
    assert tags(client, target) == {"Team": "cart", "Cost": "1"}
    client.untag_resource(ResourceARN=target, TagKeys=["Team", "Other"])
    assert tags(client, target) == {"Cost": "1"}


def test_tags_are_removed_with_their_target(client: Any) -> None:
    before = client.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=2, Tags={"Team": "shop"})
    client.deregister_scalable_target(**TARGET)
    with pytest.raises(ClientError) as refused:
        tags(client, before["ScalableTargetARN"])
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
    after = client.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=2)
    assert tags(client, after["ScalableTargetARN"]) == {}
    client.deregister_scalable_target(**TARGET)


@pytest.mark.usefixtures("target")
def test_a_policy_is_stored(client: Any) -> None:
    client.put_scaling_policy(**POLICY)
    (found,) = client.describe_scaling_policies(ServiceNamespace="ecs", ResourceId="service/shop/web")[
        "ScalingPolicies"
    ]
    kept = found["TargetTrackingScalingPolicyConfiguration"]
    assert kept == POLICY["TargetTrackingScalingPolicyConfiguration"]
    client.delete_scaling_policy(**{key: POLICY[key] for key in ("PolicyName", *TARGET)})
    assert client.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"] == []


def test_a_target_has_the_service_linked_role(client: Any, target: str) -> None:
    (described,) = client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert described["ScalableTargetARN"] == target
    assert described["RoleARN"] == (
        "arn:aws:iam::123456789012:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/"
        "AWSServiceRoleForApplicationAutoScaling_ECSService"
    )
