"""ECS: services, tasks and revisions, as frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from longshore.aws.translate import call
from longshore.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

SERVICES_A_CALL = 10
TASKS_A_CALL = 100
DEPLOYMENTS_A_CALL = 20
"""DescribeServices takes 10 services, DescribeTasks 100 tasks, DescribeServiceDeployments 20 (their documentation)."""

_ANSWERED = "Failures"
"""Code of an error where ECS answered with 200: asking again would not help."""

_SAME_MOMENT = timedelta(seconds=5)
_SKEW = timedelta(seconds=1)
"""A service deployment and the deployment that it is are made by one call, and may be dated apart, but hardly older."""

_NOBODYS_FAULT = ("UserInitiated", "SpotInterruption", "TerminationNotice")
"""Stop codes (its documentation) of tasks that a person stopped, or that AWS wanted the capacity of."""


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
class ServiceDeployment:
    """A deployment and its roll-back in one, as DescribeServiceDeployments shows it.

    ``status`` is one of PENDING, IN_PROGRESS, SUCCESSFUL, STOP_REQUESTED, STOPPED, ROLLBACK_REQUESTED,
    ROLLBACK_IN_PROGRESS, ROLLBACK_SUCCESSFUL, ROLLBACK_FAILED; AWS may add others.
    """

    arn: str
    status: str
    reason: str
    created_at: datetime


@dataclass(frozen=True)
class Service:
    """A service as DescribeServices shows it.

    ``rolls_back``: ECS itself goes back when a deployment fails, by its circuit breaker or by alarms. ``created_at`` is
    when the service was made, by ECS's clock.
    """

    name: str
    status: str
    task_definition: str
    desired: int
    running: int
    pending: int
    deployments: tuple[Deployment, ...]
    events: tuple[str, ...] = ()
    rolls_back: bool = False
    created_at: datetime | None = None

    @property
    def latest_event(self) -> str:
        """The newest of its events; for people only."""
        return self.events[0] if self.events else ""

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
    created_at: datetime | None = None

    @property
    def id(self) -> str:
        """The last part of the ARN, which names its log stream."""
        return self.arn.rsplit("/", 1)[-1]

    def failure(self) -> str:
        """Why it stopped, without what differs from task to task; empty where nothing is wrong with it.

        What the scheduler stops to scale, a person stops, or AWS takes the capacity from, has not failed; what the
        scheduler stops for its health has.
        """
        if self.stop_code in _NOBODYS_FAULT or (
            self.stop_code == "ServiceSchedulerInitiated" and "health check" not in self.stopped_reason
        ):
            return ""
        said = [f"{c.name} {_ending(c)}" for c in self.containers if c.reason or c.exit_code]
        return " · ".join([self.stopped_reason.partition(" (")[0] or self.stop_code, *said])


@dataclass(frozen=True)
class CapacityProvider:
    """A capacity provider, and its part of the tasks that are started."""

    name: str
    weight: int
    base: int


@dataclass(frozen=True)
class Placement:
    """Where a one-off task runs.

    Attributes:
        launch_type: EC2 or FARGATE; not sent with capacity providers, for RunTask takes one or the other.
        capacity_providers: what chooses where it runs; empty for the launch type alone.
        subnets: with the two below, for network mode awsvpc; empty for bridge and host networking.
        security_groups: those of its network interface.
        assign_public_ip: whether that gets a public address.
    """

    launch_type: str
    capacity_providers: tuple[CapacityProvider, ...] = ()
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

    def update(
        self, cluster: str, service: str, task_definition: str, count: int | None, *, force: bool = False
    ) -> Deployment:
        """Moves a service to a revision.

        Args:
            cluster: name of the cluster.
            service: name of the service.
            task_definition: ARN of the revision.
            count: the wanted count, or None to leave it as it is.
            force: start a deployment even if the service already has this revision.

        Returns:
            The deployment that is PRIMARY after the call: ours.
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
        return _primary(answer["service"])

    def scale(self, cluster: str, service: str, count: int) -> Deployment:
        """Sets the wanted count of a service, and nothing else: no new deployment.

        Returns:
            The deployment that is PRIMARY after the call.
        """
        answer = call(self._client.update_service, cluster=cluster, service=service, desiredCount=count)
        return _primary(answer["service"])

    def find_deployment(self, cluster: str, service: str, created_at: datetime, known: str | None) -> str | None:
        """The ARN of the service deployment that a deployment is, by the moment in which both were made.

        ECS does not say which belong together: a deployment's id is not in its ARN.

        Args:
            cluster: name of the cluster.
            service: name of the service.
            created_at: when the deployment was made.
            known: the ARN of the one that there was before: a read that is a moment old shows that.
        """
        first = created_at - _SKEW
        # From then on, and newest first: older ones don't come.
        pages = call(
            self._client.list_service_deployments, cluster=cluster, service=service, createdAt={"after": first}
        )
        candidates = [d for d in pages["serviceDeployments"] if d["createdAt"] >= first]
        new = [d for d in candidates if d["serviceDeploymentArn"] != known]
        near = {abs(d["createdAt"] - created_at): d["serviceDeploymentArn"] for d in new}
        return near[min(near)] if near and min(near) <= _SAME_MOMENT else None

    def newest_deployment(self, cluster: str, service: str) -> str | None:
        """The ARN of the newest service deployment of a service; None where it has had none."""
        answer = call(self._client.list_service_deployments, cluster=cluster, service=service, maxResults=1)
        return next((d["serviceDeploymentArn"] for d in answer["serviceDeployments"]), None)

    def latest_deployments(self, cluster: str, services: Sequence[str]) -> dict[str, ServiceDeployment]:
        """The newest service deployment of each service that has had one."""
        arns = {name: arn for name in services if (arn := self.newest_deployment(cluster, name))}
        found = self.service_deployments(list(arns.values()))
        return {name: found[arn] for name, arn in arns.items() if arn in found}

    def service_deployments(self, arns: Sequence[str]) -> dict[str, ServiceDeployment]:
        """Those of the service deployments that ECS can describe, by ARN, twenty a call."""
        return {
            raw["serviceDeploymentArn"]: ServiceDeployment(
                raw["serviceDeploymentArn"], raw["status"], raw.get("statusReason", ""), raw["createdAt"]
            )
            for batch in _batches(arns, DEPLOYMENTS_A_CALL)
            for raw in call(self._client.describe_service_deployments, serviceDeploymentArns=batch)[
                "serviceDeployments"
            ]
        }

    def stop_deployment(self, arn: str) -> None:
        """Stops a service deployment: ECS rolls the service back to its last completed one.

        ROLLBACK is the only way of stopping that AWS documents.
        """
        call(self._client.stop_service_deployment, serviceDeploymentArn=arn, stopType="ROLLBACK")

    def tasks(self, cluster: str, service: str) -> list[Task]:
        """The running tasks of a service."""
        return self._tasks(cluster, serviceName=service)

    def stopped_tasks(self, cluster: str, service: str) -> list[Task]:
        """The tasks of a service that have stopped, for about an hour, oldest first."""
        found = self._tasks(cluster, serviceName=service, desiredStatus="STOPPED")
        return sorted((t for t in found if t.created_at), key=lambda task: task.created_at or datetime.min)

    def is_active(self, arn: str) -> bool:
        """Whether a revision can still be rolled out: it is there, and was not deregistered."""
        try:
            answer = call(self._client.describe_task_definition, taskDefinition=arn)
        except AwsError as error:
            if error.code == "ClientException":
                return False
            raise
        return answer["taskDefinition"].get("status") == "ACTIVE"

    def tasks_of_family(self, cluster: str, family: str) -> list[Task]:
        """The tasks of a family of task definitions, running or stopped.

        Who started them is not asked for: ListTasks takes ``startedBy`` only if it is the only filter (its
        documentation), and then stopped tasks are not shown.
        """
        wanted = [{"family": family, "desiredStatus": status} for status in ("RUNNING", "STOPPED")]
        return [task for one in wanted for task in self._tasks(cluster, **one)]

    def _tasks(self, cluster: str, **wanted: Any) -> list[Task]:
        pages = call(self._client.get_paginator, "list_tasks").paginate(cluster=cluster, **wanted)
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
        placement: Placement,
        client_token: str,
        started_by: str,
    ) -> Task:
        """Starts a one-off task, once for a client token.

        Args:
            cluster: name of the cluster.
            task_definition: ARN of the revision.
            placement: where it runs.
            client_token: what makes a second call start nothing.
            started_by: who started it.

        Raises:
            AwsError: ECS could not place it; RunTask can answer 200 with failures and no task.
        """
        answer = call(
            self._client.run_task,
            cluster=cluster,
            taskDefinition=task_definition,
            count=1,
            clientToken=client_token,
            startedBy=started_by,
            **_placed(placement),
        )
        _refuse_failures("RunTask", answer.get("failures", []), "Look at the cluster's capacity.")
        if not answer["tasks"]:
            raise AwsError(f"ECS RunTask of {task_definition} started no task and named no reason", code=_ANSWERED)
        return _task(answer["tasks"][0])

    def task_definition(self, arn: str) -> dict[str, Any]:
        """A revision as DescribeTaskDefinition shows it."""
        return dict(call(self._client.describe_task_definition, taskDefinition=arn)["taskDefinition"])


def _placed(placement: Placement) -> dict[str, Any]:
    strategy = [{"capacityProvider": p.name, "weight": p.weight, "base": p.base} for p in placement.capacity_providers]
    placed: dict[str, Any] = (
        {"capacityProviderStrategy": strategy} if strategy else {"launchType": placement.launch_type}
    )
    if placement.subnets:
        placed["networkConfiguration"] = {
            "awsvpcConfiguration": {
                "subnets": list(placement.subnets),
                "securityGroups": list(placement.security_groups),
                "assignPublicIp": "ENABLED" if placement.assign_public_ip else "DISABLED",
            }
        }
    return placed


def _ending(container: Container) -> str:
    code = "" if container.exit_code is None else f"exit code {container.exit_code}"
    return ", ".join(filter(None, [code, container.reason]))


def _batches(items: Sequence[str], size: int) -> Iterator[list[str]]:
    return (list(items[start : start + size]) for start in range(0, len(items), size))


def _refuse_failures(operation: str, failures: Iterable[Any], hint: str) -> None:
    found = [f"{f.get('arn', '?')}: {f.get('reason', '')} {f.get('detail', '')}".rstrip() for f in failures]
    if found:
        raise AwsError(f"ECS {operation} failed for {'; '.join(found)}", hint, _ANSWERED)


def _primary(raw: Any) -> Deployment:
    found = _service(raw)
    if found.primary is None:
        raise AwsError(f"ECS UpdateService of {found.name} answered without a PRIMARY deployment", code=_ANSWERED)
    return found.primary


def _service(raw: Any) -> Service:
    deploying = raw.get("deploymentConfiguration", {})
    judges = (deploying.get("deploymentCircuitBreaker", {}), deploying.get("alarms", {}))
    return Service(
        name=raw["serviceName"],
        status=raw["status"],
        task_definition=raw["taskDefinition"],
        desired=raw["desiredCount"],
        running=raw["runningCount"],
        pending=raw["pendingCount"],
        deployments=tuple(_deployment(d) for d in raw.get("deployments", [])),
        events=tuple(event["message"] for event in raw.get("events", [])),
        rolls_back=any(judge.get("enable") and judge.get("rollback") for judge in judges),
        created_at=raw.get("createdAt"),
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
        created_at=raw.get("createdAt"),
    )
