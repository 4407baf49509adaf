"""Application Auto Scaling: the minimum count of services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from longshore.aws.translate import call

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient


class Scaling:
    """Reads and sets the minimum count of services."""

    def __init__(self, client: ApplicationAutoScalingClient) -> None:
        self._client = client

    def minimum(self, cluster: str, service: str) -> int | None:
        """The minimum count of a service; None if autoscaling does not manage the service."""
        answer = call(
            self._client.describe_scalable_targets,
            ServiceNamespace="ecs",
            ResourceIds=[_resource(cluster, service)],
            ScalableDimension="ecs:service:DesiredCount",
        )
        return next((target["MinCapacity"] for target in answer["ScalableTargets"]), None)

    def set_minimum(self, cluster: str, service: str, minimum: int) -> None:
        """Sets the minimum count of a service; a desired count below it is raised to it at once.

        https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html

        Raises:
            AwsError: AWS refused, or did not answer.
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
