"""Elastic Load Balancing: the times of target groups, and the health of their targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from longshore.aws.batches import batches
from longshore.aws.target_health import TargetHealth, target_health_of
from longshore.aws.translate import call

GROUPS_A_CALL = 20
"""The number of target groups in a call of DescribeTargetGroups; AWS documents no limit of their number."""

_DRAIN = "deregistration_delay.timeout_seconds"


@dataclass(frozen=True)
class TargetGroup:
    """The times of a target group; the defaults are AWS's for HTTP, HTTPS, TCP, TLS and UDP alike.

    A group of a Network Load Balancer has the same fields: only its checks use TCP instead of HTTP.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html

    Attributes:
        interval: the seconds from one health check of a target to the next.
        checks: the number of consecutive checks that a target must pass.
        drain: the seconds for which a target that is deregistered may still answer: its deregistration delay.
        protocol: such as HTTP or TCP.
    """

    interval: float = 30.0
    checks: int = 5
    drain: float = 300.0
    protocol: str = "HTTP"

    @property
    def healthy_after(self) -> float:
        """The seconds until a target that answers is healthy."""
        return self.checks * self.interval


class TargetGroups:
    """Reads target groups. Its calls do not count against the rates of ECS."""

    def __init__(self, client: Any) -> None:
        self._client = client  # mypy-boto3-elbv2 is not among the pinned packages

    def read(self, arns: Sequence[str]) -> dict[str, TargetGroup]:
        """The target groups by ARN.

        Raises:
            AwsError: one does not exist, or a permission is missing.
        """
        groups = {}
        for batch in batches(arns, GROUPS_A_CALL):
            for raw in call(self._client.describe_target_groups, TargetGroupArns=list(batch))["TargetGroups"]:
                arn = raw["TargetGroupArn"]
                attributes = call(self._client.describe_target_group_attributes, TargetGroupArn=arn)["Attributes"]
                groups[arn] = target_group_of(raw, attributes)
        return groups

    def health(self, groups: Sequence[str]) -> list[TargetHealth]:
        """The health of all targets of some target groups, given by their ARNs; AWS returns it in one page.

        https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html
        """
        return [
            target_health_of(raw)
            for group in groups
            for raw in call(self._client.describe_target_health, TargetGroupArn=group)["TargetHealthDescriptions"]
        ]


def target_group_of(raw: Any, attributes: Sequence[Any]) -> TargetGroup:
    """A target group of DescribeTargetGroups with its attributes; a field that is missing has AWS's default."""
    usual = TargetGroup()
    delays = [a["Value"] for a in attributes if a["Key"] == _DRAIN and a["Value"].isdecimal()]
    return TargetGroup(
        interval=float(raw.get("HealthCheckIntervalSeconds", usual.interval)),
        checks=int(raw.get("HealthyThresholdCount", usual.checks)),
        drain=float(delays[0]) if delays else usual.drain,
        protocol=raw.get("Protocol", usual.protocol),
    )
