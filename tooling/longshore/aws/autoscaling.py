"""Application Auto Scaling: the bounds in which it keeps the counts of services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from longshore.aws.translate import call

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient


class Scaling:
    """Reads and sets the least count of a service."""

    def __init__(self, client: ApplicationAutoScalingClient) -> None:
        self._client = client

    def minimum(self, cluster: str, service: str) -> int | None:
        """The count that autoscaling does not go below; None where it does not know the service."""
        answer = call(
            self._client.describe_scalable_targets,
            ServiceNamespace="ecs",
            ResourceIds=[_resource(cluster, service)],
            ScalableDimension="ecs:service:DesiredCount",
        )
        return next((target["MinCapacity"] for target in answer["ScalableTargets"]), None)

    def keep(self, cluster: str, service: str, minimum: int) -> None:
        """Sets the count that autoscaling does not go below; where fewer are wanted, AWS wants so many at once.

        https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html

        Raises:
            AwsError: it was not set, or AWS gave no answer.
        """
        call(
            self._client.register_scalable_target,
            ServiceNamespace="ecs",
            ResourceId=_resource(cluster, service),
            ScalableDimension="ecs:service:DesiredCount",
            MinCapacity=minimum,
        )


def _resource(cluster: str, service: str) -> str:
    return f"service/{cluster}/{service}"
