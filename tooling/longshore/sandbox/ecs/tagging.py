"""The tag operations of the ECS API on services and tasks, which moto lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longshore.sandbox.ecs.definitions import ecs_error
from longshore.sandbox.ecs.fleet import Fleet, Service, Task

Parameters = Mapping[str, Any]
Answer = dict[str, Any]


class Tagging:
    """TagResource and related operations."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def owns(self, arn: str) -> bool:
        """Whether an ARN is that of a service or a task; moto tags clusters and task definitions."""
        return arn.partition("/")[0].rpartition(":")[2] in ("service", "task")

    def tag(self, parameters: Parameters) -> Answer:
        """TagResource."""
        resource = self._find(parameters["resourceArn"])
        added = {tag["key"]: tag for tag in parameters.get("tags") or []}
        resource.tags = [tag for tag in resource.tags if tag["key"] not in added] + list(added.values())
        return {}

    def untag(self, parameters: Parameters) -> Answer:
        """UntagResource."""
        resource = self._find(parameters["resourceArn"])
        resource.tags = [tag for tag in resource.tags if tag["key"] not in parameters["tagKeys"]]
        return {}

    def list_tags(self, parameters: Parameters) -> Answer:
        """ListTagsForResource."""
        return {"tags": self._find(parameters["resourceArn"]).tags}

    def _find(self, arn: str) -> Service | Task:
        resources: list[Service | Task] = [*self._fleet.services.values(), *self._fleet.tasks.values()]
        resource = next((candidate for candidate in resources if candidate.arn == arn), None)
        if resource is None:
            raise ecs_error("InvalidParameterException", "The specified resource is not found.")
        return resource
