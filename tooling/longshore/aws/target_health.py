"""The health of a target, and the addresses and ports by which a target belongs to a task, as frozen values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


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


def target_health_of(raw: Any) -> TargetHealth:
    """The health of a target of DescribeTargetHealth."""
    target, health = raw.get("Target") or {}, raw.get("TargetHealth") or {}
    return TargetHealth(
        id=target.get("Id", ""),
        port=target.get("Port"),
        state=health.get("State", ""),
        reason=health.get("Reason", ""),
        description=health.get("Description", ""),
    )
