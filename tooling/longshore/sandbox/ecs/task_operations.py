"""The task operations of the ECS API: parameters in, answer out, as plain dictionaries in its field names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from longshore.sandbox.ecs.definitions import Definitions, ecs_error
from longshore.sandbox.ecs.fleet import RUNNING, Task
from longshore.sandbox.ecs.orchestrator import Orchestrator
from longshore.sandbox.ecs.paging import page
from longshore.sandbox.ecs.shapes import task_shape
from longshore.sandbox.ecs.tasks import launch_type, new_task

Parameters = Mapping[str, Any]
Answer = dict[str, Any]


class Tasks:
    """RunTask and its kin."""

    def __init__(self, orchestrator: Orchestrator, definitions: Definitions) -> None:
        self._orchestrator = orchestrator
        self._fleet = orchestrator.fleet
        self._definitions = definitions

    def run(self, given: Parameters) -> Answer:
        """RunTask; a client token that was used before gives the tasks that it started then."""
        cluster = self._definitions.cluster_arn(given.get("cluster"))
        token = f"{cluster} {given['clientToken']}" if given.get("clientToken") else None
        asked = json.dumps(given, sort_keys=True, default=str)
        if token and token in self._fleet.tokens:
            before, tasks = self._fleet.tokens[token]
            if before != asked:
                raise ecs_error("ConflictException", "The clientToken was used before, with other parameters.")
        else:
            tasks = self._make(cluster, given)
            if token:
                self._fleet.tokens[token] = (asked, tasks)
        return {"tasks": [task_shape(task, tags=True) for task in tasks], "failures": []}

    def stop(self, given: Parameters) -> Answer:
        """StopTask."""
        cluster = self._definitions.cluster_arn(given.get("cluster")).rpartition("/")[2]
        task = self._find(cluster, given["task"])
        if task is None:
            raise ecs_error("InvalidParameterException", "The referenced task was not found.")
        self._orchestrator.halt(task, "UserInitiated", given.get("reason") or "Task stopped by user")
        return {"task": task_shape(task, tags=True)}

    def describe(self, given: Parameters) -> Answer:
        """DescribeTasks."""
        cluster = self._definitions.cluster_arn(given.get("cluster"))
        references = given.get("tasks") or []
        if not 1 <= len(references) <= 100:
            raise ecs_error("InvalidParameterException", "Tasks must have between 1 and 100 members.")
        answer: Answer = {"tasks": [], "failures": []}
        for reference in references:
            task = self._find(cluster.rpartition("/")[2], reference)
            if task:
                answer["tasks"].append(task_shape(task, tags="TAGS" in (given.get("include") or [])))
            else:
                arn = f"{cluster.replace(':cluster/', ':task/')}/{reference.rpartition('/')[2]}"
                answer["failures"].append({"arn": arn, "reason": "MISSING"})
        return answer

    def list_tasks(self, given: Parameters) -> Answer:
        """ListTasks."""
        cluster = self._definitions.cluster_arn(given.get("cluster")).rpartition("/")[2]
        tasks = self._of(cluster, given.get("serviceName"))
        wanted = {
            "desired_status": given.get("desiredStatus") or RUNNING,
            "started_by": given.get("startedBy"),
            "launch_type": given.get("launchType"),
        }
        arns = [
            task.arn
            for task in tasks
            if given.get("family") in (None, task.definition["family"])
            and all(value in (None, getattr(task, name)) for name, value in wanted.items())
        ]
        arns, token = page(sorted(arns), given, default=100)
        return {"taskArns": arns, "nextToken": token}

    def _make(self, cluster: str, given: Parameters) -> list[Task]:
        task_definition, definition = self._definitions.runnable(given["taskDefinition"])
        if definition.get("networkMode") == "awsvpc" and not given.get("networkConfiguration"):
            message = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
            raise ecs_error("InvalidParameterException", message)
        if given.get("launchType") and given.get("capacityProviderStrategy"):
            message = "Specifying both a launch type and capacity provider strategy is not supported."
            raise ecs_error("InvalidParameterException", message)
        overrides = _overrides(given.get("overrides") or {}, definition)
        count = given.get("count") or 1
        if not 1 <= count <= 10:
            raise ecs_error("InvalidParameterException", "count must be between 1 and 10.")
        tasks = []
        for _ in range(count):
            task = new_task(cluster, task_definition, definition, self._orchestrator.clock())
            task.started_by = given.get("startedBy") or ""
            task.group = given.get("group") or task.group
            task.launch_type = given.get("launchType") or launch_type(given.get("capacityProviderStrategy"))
            task.overrides = overrides
            task.tags = given.get("tags") or []
            self._fleet.add(task)
            tasks.append(task)
        return tasks

    def _find(self, cluster: str, reference: str) -> Task | None:
        task = self._fleet.tasks.get(reference.rpartition("/")[2])
        return task if task and task.cluster == cluster else None

    def _of(self, cluster: str, service: str | None) -> list[Task]:
        if not service:
            return self._fleet.of_cluster(cluster)
        found = self._fleet.service(cluster, service)
        if found is None:
            raise ecs_error("ServiceNotFoundException", "Service not found.")
        return self._fleet.of_service(found)


def _overrides(given: Mapping[str, Any], definition: Mapping[str, Any]) -> dict[str, Any]:
    """The overrides without what was not given; a container that does not exist is refused, as ECS does."""
    names = {container["name"] for container in definition["containerDefinitions"]}
    for override in given.get("containerOverrides") or []:
        if override.get("name") not in names:
            name = override.get("name")
            message = f"Override for container named {name} is not a container in the TaskDefinition."
            raise ecs_error("InvalidParameterException", message)
    return {name: value for name, value in given.items() if value is not None}
