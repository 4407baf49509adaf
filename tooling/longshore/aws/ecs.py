"""ECS: services, tasks and revisions, as frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from longshore.aws.calls import call
from longshore.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

SERVICES_A_CALL = 10
TASKS_A_CALL = 100
"""DescribeServices takes 10 services, DescribeTasks 100 tasks (their documentation)."""


@dataclass(frozen=True)
class Deployment:
    """A deployment of a service. ``status`` is PRIMARY, ACTIVE or INACTIVE."""

    id: str
    status: str
    task_definition: str
    rollout_state: str
    reason: str
    desired: int
    running: int
    failed: int
    created_at: datetime


@dataclass(frozen=True)
class Service:
    """A service as DescribeServices shows it."""

    name: str
    status: str
    task_definition: str
    desired: int
    running: int
    pending: int
    deployments: tuple[Deployment, ...]
    latest_event: str

    @property
    def primary(self) -> Deployment | None:
        """The deployment that ECS works towards."""
        return next((d for d in self.deployments if d.status == "PRIMARY"), None)

    def deployment(self, deployment_id: str) -> Deployment | None:
        """The deployment with this id, if ECS still shows it."""
        return next((d for d in self.deployments if d.id == deployment_id), None)


@dataclass(frozen=True)
class Container:
    """A container of a task; ``exit_code`` is None while it runs, or if it never started."""

    name: str
    image: str
    digest: str | None
    exit_code: int | None
    reason: str


@dataclass(frozen=True)
class Task:
    """A task as DescribeTasks shows it."""

    arn: str
    task_definition: str
    last_status: str
    stop_code: str
    stopped_reason: str
    started_by: str
    containers: tuple[Container, ...]

    @property
    def id(self) -> str:
        """The last part of the ARN, which names its log stream."""
        return self.arn.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class NetworkSettings:
    """Where an awsvpc task runs; empty for bridge and host networking."""

    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    assign_public_ip: bool = False


class Ecs:
    """What a release does with ECS. It registers no task definition: Terraform does."""

    def __init__(self, client: ECSClient) -> None:
        self._client = client

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        """The services by name, ten a call.

        Raises:
            AwsError: a service or the cluster does not exist; the message names it.
        """
        found: dict[str, Service] = {}
        for batch in _batches(names, SERVICES_A_CALL):
            answer = call(self._client.describe_services, cluster=cluster, services=batch)
            _refuse_failures("DescribeServices", answer.get("failures", []), "Run: invoke bootstrap")
            found.update((raw["serviceName"], _service(raw)) for raw in answer["services"])
        return found

    def update(self, cluster: str, service: str, task_definition: str, count: int | None, *, force: bool) -> str:
        """Moves a service to a revision.

        Args:
            cluster: name of the cluster.
            service: name of the service.
            task_definition: ARN of the revision.
            count: the wanted count, or None to leave it as it is.
            force: start a deployment even if the service already has this revision.

        Returns:
            The id of the deployment that is PRIMARY after the call: ours.
        """
        desired: dict[str, Any] = {} if count is None else {"desiredCount": count}
        answer = call(
            self._client.update_service,
            cluster=cluster,
            service=service,
            taskDefinition=task_definition,
            forceNewDeployment=force,
            **desired,
        )
        primary = _service(answer["service"]).primary
        if primary is None:
            raise AwsError(f"ECS UpdateService of {service} answered without a PRIMARY deployment")
        return primary.id

    def tasks(self, cluster: str, service: str) -> list[Task]:
        """The running tasks of a service."""
        pages = call(self._client.get_paginator, "list_tasks").paginate(cluster=cluster, serviceName=service)
        arns = [arn for page in call(list, pages) for arn in page["taskArns"]]
        return [task for batch in _batches(arns, TASKS_A_CALL) for task in self.describe_tasks(cluster, batch)]

    def describe_tasks(self, cluster: str, arns: Sequence[str]) -> list[Task]:
        """Those of the tasks that ECS can describe: one that ended long ago is missing, one just made may be."""
        answer = call(self._client.describe_tasks, cluster=cluster, tasks=list(arns))
        return [_task(raw) for raw in answer["tasks"]]

    def run_task(
        self,
        cluster: str,
        task_definition: str,
        *,
        launch_type: str,
        network: NetworkSettings,
        client_token: str,
        started_by: str,
    ) -> Task:
        """Starts a one-off task, once for a client token.

        Raises:
            AwsError: ECS could not place it; RunTask can answer 200 with failures and no task.
        """
        arguments: dict[str, Any] = {"launchType": launch_type}
        if network.subnets:
            arguments["networkConfiguration"] = {
                "awsvpcConfiguration": {
                    "subnets": list(network.subnets),
                    "securityGroups": list(network.security_groups),
                    "assignPublicIp": "ENABLED" if network.assign_public_ip else "DISABLED",
                }
            }
        answer = call(
            self._client.run_task,
            cluster=cluster,
            taskDefinition=task_definition,
            count=1,
            clientToken=client_token,
            startedBy=started_by,
            **arguments,
        )
        _refuse_failures("RunTask", answer.get("failures", []), "Look at the cluster's capacity.")
        if not answer["tasks"]:
            raise AwsError(f"ECS RunTask of {task_definition} started no task and named no reason")
        return _task(answer["tasks"][0])

    def task_definition(self, arn: str) -> dict[str, Any]:
        """A revision as DescribeTaskDefinition shows it."""
        return dict(call(self._client.describe_task_definition, taskDefinition=arn)["taskDefinition"])


def _batches(items: Sequence[str], size: int) -> Iterator[list[str]]:
    return (list(items[start : start + size]) for start in range(0, len(items), size))


def _refuse_failures(operation: str, failures: Iterable[Any], hint: str) -> None:
    found = [f"{f.get('arn', '?')}: {f.get('reason', '')} {f.get('detail', '')}".rstrip() for f in failures]
    if found:
        raise AwsError(f"ECS {operation} failed for {'; '.join(found)}", hint)


def _service(raw: Any) -> Service:
    events = raw.get("events", [])
    return Service(
        name=raw["serviceName"],
        status=raw["status"],
        task_definition=raw["taskDefinition"],
        desired=raw["desiredCount"],
        running=raw["runningCount"],
        pending=raw["pendingCount"],
        deployments=tuple(_deployment(d) for d in raw.get("deployments", [])),
        latest_event=events[0]["message"] if events else "",
    )


def _deployment(raw: Any) -> Deployment:
    return Deployment(
        id=raw["id"],
        status=raw["status"],
        task_definition=raw["taskDefinition"],
        rollout_state=raw.get("rolloutState", ""),
        reason=raw.get("rolloutStateReason", ""),
        desired=raw["desiredCount"],
        running=raw["runningCount"],
        failed=raw.get("failedTasks", 0),
        created_at=raw["createdAt"],
    )


def _task(raw: Any) -> Task:
    return Task(
        arn=raw["taskArn"],
        task_definition=raw["taskDefinitionArn"],
        last_status=raw["lastStatus"],
        stop_code=raw.get("stopCode", ""),
        stopped_reason=raw.get("stoppedReason", ""),
        started_by=raw.get("startedBy", ""),
        containers=tuple(
            Container(c["name"], c.get("image", ""), c.get("imageDigest"), c.get("exitCode"), c.get("reason", ""))
            for c in raw.get("containers", [])
        ),
    )
