"""Details of a task that AWS decides and the sandbox only shows: its network interface, its zone, its architecture.

The shapes are those of the examples of the aws command line (`describe-tasks`) and of the ECS API's Attachment. No
packet ever reaches the address: the networks of the sandbox are records.
"""

from __future__ import annotations

import hashlib
from typing import Any

from longshore.sandbox.ecs.fleet import STOPPED, Task
from longshore.sandbox.ecs.targets import private_address


def zone(task: Task) -> str:
    """Its availability zone, the first of its region."""
    return f"{task.arn.split(':')[3]}a"


def attributes() -> list[dict[str, str]]:
    """Its attributes: the architecture of its platform."""
    return [{"name": "ecs.cpu-architecture", "value": "x86_64"}]


def attachments(task: Task) -> list[dict[str, Any]]:
    """Its elastic network interface, which it has in the network mode awsvpc only."""
    if task.definition.get("networkMode") != "awsvpc":
        return []
    details = {
        "subnetId": task.subnet,
        "networkInterfaceId": f"eni-{_digits(task)[:17]}",
        "macAddress": ":".join(["0a", *(_digits(task)[start : start + 2] for start in range(0, 10, 2))]),
        "privateDnsName": f"ip-{private_address(task).replace('.', '-')}.{task.arn.split(':')[3]}.compute.internal",
        "privateIPv4Address": private_address(task),
    }
    status = "DELETED" if task.last_status == STOPPED else "ATTACHED" if task.started_at else "ATTACHING"
    return [
        {
            "id": attachment_id(task),
            "type": "ElasticNetworkInterface",
            "status": status,
            "details": [{"name": name, "value": value} for name, value in details.items() if value],
        }
    ]


def interfaces(task: Task) -> list[dict[str, str]]:
    """The network interfaces of each of its containers."""
    if task.definition.get("networkMode") != "awsvpc":
        return []
    return [{"attachmentId": attachment_id(task), "privateIpv4Address": private_address(task)}]


def attachment_id(task: Task) -> str:
    """The id of the attachment of its network interface."""
    digits = _digits(task)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))


def _digits(task: Task) -> str:
    return hashlib.sha256(task.id.encode()).hexdigest()
