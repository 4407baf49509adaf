"""Elastic Load Balancing: the health of the targets of target groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from longshore.aws.translate import call


@dataclass(frozen=True)
class TargetHealth:
    """The health of a target, as DescribeTargetHealth shows it.

    Attributes:
        id: the address of a task, or the id of the instance that it runs on.
        port: the port that receives requests.
        state: initial, healthy, unhealthy, unhealthy.draining, draining, unused or unavailable.
        reason: the reason code, such as Target.ResponseCodeMismatch; empty if the target is healthy.
        description: details in AWS's words, such as the status codes of the answers.
    """

    id: str
    port: int | None
    state: str
    reason: str = ""
    description: str = ""


class Targets:
    """Reads the health of targets."""

    def __init__(self, client: Any) -> None:
        self._client = client  # mypy-boto3-elbv2 is not among the pinned packages

    def health(self, groups: Sequence[str]) -> list[TargetHealth]:
        """The health of all targets of some target groups, given by their ARNs; AWS returns it in one page.

        https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html
        """
        return [
            _target_health(raw)
            for group in groups
            for raw in call(self._client.describe_target_health, TargetGroupArn=group)["TargetHealthDescriptions"]
        ]


def addresses_of(raw: Any) -> Iterator[str]:
    """The private IPv4 addresses of a task of DescribeTasks: of its network interface and of its containers.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate-examples.html
    """
    for attachment in raw.get("attachments") or []:
        for detail in attachment.get("details") or []:
            if detail.get("name") == "privateIPv4Address" and detail.get("value"):
                yield detail["value"]
    for container in raw.get("containers") or []:
        for interface in container.get("networkInterfaces") or []:
            if interface.get("privateIpv4Address"):
                yield interface["privateIpv4Address"]


def host_ports_of(raw: Any) -> Iterator[int]:
    """The ports on its instance that a task of DescribeTasks uses."""
    for container in raw.get("containers") or []:
        for binding in container.get("networkBindings") or []:
            if binding.get("hostPort"):
                yield binding["hostPort"]


def _target_health(raw: Any) -> TargetHealth:
    target, health = raw.get("Target") or {}, raw.get("TargetHealth") or {}
    return TargetHealth(
        id=target.get("Id", ""),
        port=target.get("Port"),
        state=health.get("State", ""),
        reason=health.get("Reason", ""),
        description=health.get("Description", ""),
    )
