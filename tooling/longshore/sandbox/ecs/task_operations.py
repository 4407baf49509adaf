"""The operations on tasks: each takes parameters and returns the response, as plain dictionaries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from longshore.sandbox.ecs import fields, service_checks
from longshore.sandbox.ecs.definitions import Definitions, ecs_error
from longshore.sandbox.ecs.fleet import RUNNING, Task
from longshore.sandbox.ecs.orchestrator import Orchestrator
from longshore.sandbox.ecs.paging import page
from longshore.sandbox.ecs.shapes import task_shape
from longshore.sandbox.ecs.tasks import managed_tags, new_task, place, subnet_of

Parameters = Mapping[str, Any]
Answer = dict[str, Any]


class Tasks:
    """RunTask and related operations."""

    def __init__(self, orchestrator: Orchestrator, definitions: Definitions) -> None:
        self._orchestrator = orchestrator
        self._fleet = orchestrator.fleet
        self._definitions = definitions

    def run(self, parameters: Parameters) -> Answer:
        """RunTask; a client token that was used before returns the tasks that it started."""
        cluster = self._definitions.cluster_arn(parameters.get("cluster"))
        service_checks.check_values("RunTask", parameters)
        fields.refuse(parameters, fields.RUN_TASK)
        service_checks.check_task(parameters)
        token = f"{cluster} {parameters['clientToken']}" if parameters.get("clientToken") else None
        request = json.dumps(parameters, sort_keys=True, default=str)
        if token and token in self._fleet.tokens:
            before, tasks = self._fleet.tokens[token]
            if before != request:
                raise ecs_error("ConflictException", "The clientToken was used before, with other parameters.")
        else:
            tasks = self._make(cluster, parameters)
            if token:
                self._fleet.tokens[token] = (request, tasks)
        return {"tasks": [task_shape(task, tags=True) for task in tasks], "failures": []}

    def stop(self, parameters: Parameters) -> Answer:
        """StopTask."""
        cluster = self._definitions.cluster_arn(parameters.get("cluster")).rpartition("/")[2]
        task = self._find(cluster, parameters["task"])
        if task is None:
            raise ecs_error("InvalidParameterException", "The referenced task was not found.")
        self._orchestrator.halt(task, "UserInitiated", parameters.get("reason") or "Task stopped by user")
        return {"task": task_shape(task, tags=True)}

    def describe(self, parameters: Parameters) -> Answer:
        """DescribeTasks."""
        cluster = self._definitions.cluster_arn(parameters.get("cluster"))
        references = parameters.get("tasks") or []
        if not references:
            raise ecs_error("InvalidParameterException", "Tasks cannot be empty.")  # quoted: sil-org/ecs-deploy#63
        if len(references) > 100:
            raise ecs_error("InvalidParameterException", "Tasks must have between 1 and 100 members.")
        answer: Answer = {"tasks": [], "failures": []}
        for reference in references:
            task = self._find(cluster.rpartition("/")[2], reference)
            if task:
                answer["tasks"].append(task_shape(task, tags="TAGS" in (parameters.get("include") or [])))
            else:
                arn = f"{cluster.replace(':cluster/', ':task/')}/{reference.rpartition('/')[2]}"
                answer["failures"].append({"arn": arn, "reason": "MISSING"})
        return answer

    def list_tasks(self, parameters: Parameters) -> Answer:
        """ListTasks."""
        cluster = self._definitions.cluster_arn(parameters.get("cluster")).rpartition("/")[2]
        tasks = self._of(cluster, parameters.get("serviceName"))
        wanted = {
            "desired_status": parameters.get("desiredStatus") or RUNNING,
            "started_by": parameters.get("startedBy"),
            "launch_type": parameters.get("launchType"),
        }
        arns = [
            task.arn
            for task in tasks
            if parameters.get("family") in (None, task.definition["family"])
            and all(value in (None, getattr(task, name)) for name, value in wanted.items())
        ]
        arns, token = page(sorted(arns), parameters, default=100)
        return {"taskArns": arns, "nextToken": token}

    def _make(self, cluster: str, parameters: Parameters) -> list[Task]:
        task_definition, definition = self._definitions.runnable(parameters["taskDefinition"])
        if definition.get("networkMode") == "awsvpc" and not parameters.get("networkConfiguration"):
            message = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
            raise ecs_error("InvalidParameterException", message)
        name = cluster.rpartition("/")[2]
        parameters = self._definitions.with_default_strategy(cluster, parameters)
        service_checks.check_references(parameters, definition, self._definitions.backend, name)
        overrides = _overrides(parameters.get("overrides") or {}, definition)
        count = parameters.get("count") or 1
        if not 1 <= count <= 10:
            raise ecs_error("InvalidParameterException", "count must be between 1 and 10.")
        tags = _tags(parameters, definition, name)
        tasks = []
        for _ in range(count):
            task = new_task(cluster, task_definition, definition, self._orchestrator.clock())
            task.started_by = parameters.get("startedBy") or ""
            task.group = parameters.get("group") or task.group
            place(task, parameters.get("launchType"), parameters.get("capacityProviderStrategy"))
            task.overrides = overrides
            task.subnet = subnet_of(parameters)
            task.tags = tags
            self._fleet.add(task)
            tasks.append(task)
        return tasks

    def _find(self, cluster: str, reference: str) -> Task | None:
        task = self._fleet.tasks.get(reference.rpartition("/")[2])
        return task if task and task.cluster == cluster else None

    def _of(self, cluster: str, service: str | None) -> list[Task]:
        if not service:
            return self._fleet.of_cluster(cluster)
        record = self._fleet.service(cluster, service)
        if record is None:
            raise ecs_error("ServiceNotFoundException", "Service not found.")
        return self._fleet.of_service(record)


def _tags(parameters: Mapping[str, Any], definition: Mapping[str, Any], cluster: str) -> list[dict[str, str]]:
    """The tags of RunTask's tasks: its own, those of the task definition on request, and ECS's on request."""
    tags = [*(parameters.get("tags") or [])]
    if parameters.get("propagateTags") == "TASK_DEFINITION":
        own = {tag["key"] for tag in tags}
        tags += [tag for tag in definition.get("tags") or [] if tag["key"] not in own]
    return tags + (managed_tags(cluster) if parameters.get("enableECSManagedTags") else [])


def _overrides(parameters: Mapping[str, Any], definition: Mapping[str, Any]) -> dict[str, Any]:
    """The overrides without empty fields; an unknown container is refused, as on ECS."""
    names = {container["name"] for container in definition["containerDefinitions"]}
    for override in parameters.get("containerOverrides") or []:
        if override.get("name") not in names:
            name = override.get("name")
            message = f"Override for container named {name} is not a container in the TaskDefinition."
            raise ecs_error("InvalidParameterException", message)
    return {name: value for name, value in parameters.items() if value is not None}
