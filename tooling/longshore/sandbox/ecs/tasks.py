"""The life of a task: created from a task definition, launched, and changed by the runtime's reports."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from longshore.sandbox.ecs.fleet import RUNNING, STOPPED, Container, Deployment, Service, Task
from longshore.sandbox.ecs.runtime import ContainerReport, Launch, Report


def new_task(cluster_arn: str, task_definition: str, definition: dict[str, Any], now: float) -> Task:
    """Create a one-off task, not yet launched.

    Args:
        cluster_arn: ARN of its cluster.
        task_definition: ARN of its task definition.
        definition: the task definition, with the ECS API's field names.
        now: the time.
    """
    name = uuid.uuid4().hex
    return Task(
        id=name,
        arn=f"{cluster_arn.replace(':cluster/', ':task/')}/{name}",
        cluster=cluster_arn.rpartition("/")[2],
        task_definition=task_definition,
        definition=definition,
        containers=[_container(container) for container in definition["containerDefinitions"]],
        created_at=now,
        group=f"family:{definition['family']}",
    )


def new_service_task(service: Service, deployment: Deployment, now: float) -> Task:
    """Create a task of a service's deployment, not yet launched."""
    task = new_task(service.cluster_arn, deployment.task_definition, deployment.definition, now)
    task.service = service.name
    task.deployment = task.started_by = deployment.id
    task.group = f"service:{service.name}"
    settings = service.settings
    place(task, settings.get("launchType"), settings.get("capacityProviderStrategy"))
    task.port = deployment.port
    task.balanced = [balancer for balancer in settings["loadBalancers"] if balancer.get("targetGroupArn")]
    task.subnet = subnet_of(settings)
    task.digests = dict(deployment.digests)
    propagated = {"SERVICE": service.tags, "TASK_DEFINITION": deployment.definition.get("tags")}
    task.tags = [*(propagated.get(settings.get("propagateTags") or "") or [])]
    if settings.get("enableECSManagedTags"):
        task.tags += managed_tags(service.cluster, service.name)
    return task


def subnet_of(parameters: Mapping[str, Any]) -> str:
    """The first subnet of a networkConfiguration; empty without one."""
    network = (parameters.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    return next(iter(network.get("subnets") or []), "")


def managed_tags(cluster: str, service: str = "") -> list[dict[str, str]]:
    """The tags that ECS adds to a task (developer guide, "Tagging your resources")."""
    names = {"aws:ecs:clusterName": cluster, "aws:ecs:serviceName": service}
    return [{"key": key, "value": value} for key, value in names.items() if value]


def place(task: Task, launch_type: str | None, strategy: Sequence[Mapping[str, Any]] | None) -> None:
    """Set the launch type of a task and its capacity provider.

    All tasks run on the provider with the greatest base or weight: the sandbox has no instances to spread them over.
    AWS reserves the names FARGATE and FARGATE_SPOT; other providers have instances.
    """
    if strategy:
        chosen = max(strategy, key=lambda item: (item.get("base") or 0, item.get("weight") or 0))
        task.capacity_provider = str(chosen["capacityProvider"])
        task.launch_type = "FARGATE" if task.capacity_provider in ("FARGATE", "FARGATE_SPOT") else "EC2"
    else:
        task.launch_type = launch_type or "EC2"


def load_balancer_port(definition: Mapping[str, Any], load_balancers: list[dict[str, Any]]) -> int | None:
    """The container port behind a service's load balancer; None if there is none.

    Args:
        definition: the task definition.
        load_balancers: the service's load balancers, whose port takes precedence over the first port mapping.
    """
    for balancer in load_balancers:
        if "containerPort" in balancer:
            return int(balancer["containerPort"])
    for container in definition["containerDefinitions"]:
        for mapping in container.get("portMappings") or []:
            if mapping.get("containerPort"):
                return int(mapping["containerPort"])
    return None


def launch(task: Task) -> Launch:
    """The data of a task that a runtime needs."""
    return Launch(
        task=task.id,
        cluster=task.cluster,
        service=task.service,
        family=task.definition["family"],
        definition=task.definition,
        overrides=task.overrides,
        launch_type=task.launch_type,
        port=task.port,
        balanced=bool(task.balanced),
        revision=int(task.task_definition.rpartition(":")[2]),
        digests=task.digests,
    )


def enter(task: Task, status: str, now: float) -> None:
    """Set a task's lastStatus, and the time."""
    task.last_status = status
    task.version += 1
    if status == "PENDING":
        task.pull_started_at = now
    elif task.pull_started_at is not None and task.pull_stopped_at is None:
        task.pull_stopped_at = now
    if status == RUNNING:
        task.started_at = now
    if status in ("DEACTIVATING", "STOPPING", STOPPED) and task.stopping_at is None:
        task.stopping_at = now
    if status == STOPPED:
        task.stopped_at, task.desired_status = now, STOPPED
        for container in task.containers:
            container.last_status = STOPPED


def apply_report(task: Task, report: Report, now: float) -> bool:
    """Change a task as its runtime reports.

    Returns:
        Whether the task began to stop without a request.
    """
    containers = {container.name: container for container in task.containers}
    for change in report.containers:
        _apply_container_report(containers[change.name], change)
    task.reachable |= report.reachable and not task.balanced
    stopped_itself = bool(report.stop_code) and not task.leaving
    if stopped_itself:
        task.desired_status, task.stop_code, task.stopped_reason = STOPPED, report.stop_code, report.reason
    if report.status:
        enter(task, report.status, now)
    return stopped_itself


def settle(task: Task, now: float, settling: float) -> None:
    """Record that a task has run for its settling time, and when it began to serve."""
    if task.started_at is not None and now - task.started_at >= settling:
        task.settled = True
    if task.serving and task.served_at is None:
        task.served_at = now


def _apply_container_report(container: Container, change: ContainerReport) -> None:
    container.last_status = change.status or container.last_status
    container.reason = change.reason or container.reason
    container.runtime_id = change.runtime_id or container.runtime_id
    container.image_digest = change.image_digest or container.image_digest
    container.ports = change.ports or container.ports
    if change.exit_code is not None:
        container.exit_code = change.exit_code
    if change.health is not None:
        container.health = change.health


def _container(definition: Mapping[str, Any]) -> Container:
    return Container(
        name=definition["name"],
        image=definition["image"],
        essential=definition.get("essential", True),
        checked=bool(definition.get("healthCheck")),
    )
