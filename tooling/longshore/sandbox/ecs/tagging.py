"""The tag operations of the ECS API on services and tasks, which moto knows nothing of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longshore.sandbox.ecs.definitions import ecs_error
from longshore.sandbox.ecs.fleet import Fleet, Service, Task

Parameters = Mapping[str, Any]
Answer = dict[str, Any]


class Tagging:
    """TagResource and its kin."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def owns(self, arn: str) -> bool:
        """Whether an ARN is that of a service or a task; those of clusters and task definitions are moto's."""
        return arn.partition("/")[0].rpartition(":")[2] in ("service", "task")

    def tag(self, given: Parameters) -> Answer:
        """TagResource."""
        resource = self._find(given["resourceArn"])
        added = {tag["key"]: tag for tag in given.get("tags") or []}
        resource.tags = [tag for tag in resource.tags if tag["key"] not in added] + list(added.values())
        return {}

    def untag(self, given: Parameters) -> Answer:
        """UntagResource."""
        resource = self._find(given["resourceArn"])
        resource.tags = [tag for tag in resource.tags if tag["key"] not in given["tagKeys"]]
        return {}

    def list_tags(self, given: Parameters) -> Answer:
        """ListTagsForResource."""
        return {"tags": self._find(given["resourceArn"]).tags}

    def _find(self, arn: str) -> Service | Task:
        resources: list[Service | Task] = [*self._fleet.services.values(), *self._fleet.tasks.values()]
        found = next((resource for resource in resources if resource.arn == arn), None)
        if found is None:
            raise ecs_error("InvalidParameterException", "The specified resource is not found.")
        return found
