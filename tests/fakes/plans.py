"""Plans of Terraform in their JSON representation, as tests need them."""

from __future__ import annotations

import json
from typing import Any

from longshore.terraform.plan import Change, changes


def container(version: str, **environment: str) -> str:
    """The container definitions of a task definition with one container, in JSON."""
    variables = [{"name": name, "value": value} for name, value in sorted(environment.items())]
    return json.dumps([{"name": "web", "image": f"registry/app:{version}", "environment": variables, "cpu": 1}])


def task_definition(actions: list[str], before: str, after: str, *, skip_destroy: bool = True) -> dict[str, Any]:
    """A change of a task definition."""
    return {
        "address": "module.service.aws_ecs_task_definition.this",
        "type": "aws_ecs_task_definition",
        "change": {
            "actions": actions,
            "before": {"family": "shop-web", "container_definitions": before, "skip_destroy": skip_destroy},
            "after": {"family": "shop-web", "container_definitions": after},
        },
    }


def resource(address: str, *actions: str, **before: object) -> dict[str, Any]:
    """A change of a resource whose type is in its address."""
    kind = address.rpartition("].")[2].split(".")[-2] if "]." in address else address.split(".")[-2]
    return {"address": address, "type": kind, "change": {"actions": list(actions), "before": before, "after": None}}


def changes_of(*resources: dict[str, Any]) -> list[Change]:
    """The changes of a plan with these resources."""
    return changes({"resource_changes": list(resources)})


REVISION = task_definition(["create", "delete"], container("v1"), container("v2"))
SERVICE = {
    "address": "module.service.aws_ecs_service.this",
    "type": "aws_ecs_service",
    "change": {"actions": ["update"], "before": {}, "after": {}},
}
READ = {"address": "data.aws_region.this", "type": "aws_region", "change": {"actions": ["read"]}}
