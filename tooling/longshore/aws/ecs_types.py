"""Services, deployments and tasks of ECS, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

_NOT_FAILURES = ("UserInitiated", "SpotInterruption", "TerminationNotice")
"""The stop codes of tasks that a user stopped, or whose capacity AWS took away.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html
"""


@dataclass(frozen=True)
class Deployment:
    """A deployment of a service. ``status`` is PRIMARY, ACTIVE, INACTIVE or, as recorded, DRAINING."""

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
    """A deployment together with its rollback, as DescribeServiceDeployments shows them.

    ``status`` is one of PENDING, IN_PROGRESS, SUCCESSFUL, STOP_REQUESTED, STOPPED, ROLLBACK_REQUESTED,
    ROLLBACK_IN_PROGRESS, ROLLBACK_SUCCESSFUL, ROLLBACK_FAILED; AWS may add others. ``revision`` is the ARN of the
    service revision that it deploys.
    """

    arn: str
    status: str
    reason: str
    created_at: datetime
    revision: str = ""

    def deploys(self, deployment_id: str) -> bool | None:
        """Whether it is the service deployment of this deployment; None if their numbers cannot be compared.

        The digits of a deployment's id ``ecs-svc/<digits>`` end the ARN of the service revision that it deploys.
        terraform-provider-aws finds a service deployment by them (internal/service/ecs/service.go).
        """
        ours, theirs = deployment_id.rpartition("/")[2], self.revision.rpartition("/")[2]
        return ours == theirs if ours.isdigit() and theirs.isdigit() else None


@dataclass(frozen=True)
class Service:
    """A service as DescribeServices shows it.

    Attributes:
        name: its name.
        status: ACTIVE, DRAINING or INACTIVE.
        task_definition: ARN of the revision that it runs or is moving to.
        desired: the desired count.
        running: the number of running tasks.
        pending: the number of tasks that are starting.
        deployments: its deployments.
        events: the messages of its events, newest first.
        rolls_back: whether ECS rolls a failed deployment back, by its circuit breaker or by alarms.
        created_at: when it was created, by ECS's clock.
        current_deployment: ARN of its current service deployment; None if ECS does not name it.
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
    current_deployment: str | None = None

    @property
    def latest_event(self) -> str:
        """The newest event; its text is for people, never for decisions."""
        return self.events[0] if self.events else ""

    @property
    def primary(self) -> Deployment | None:
        """The newest deployment, which ECS is rolling out or has rolled out."""
        return next((d for d in self.deployments if d.status == "PRIMARY"), None)

    def deployment(self, deployment_id: str) -> Deployment | None:
        """The deployment with this id, if ECS still shows it."""
        return next((d for d in self.deployments if d.id == deployment_id), None)


@dataclass(frozen=True)
class Container:
    """A container of a task; ``exit_code`` is None while it runs and if it never started."""

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
        """The last part of the ARN, which is also part of the log stream's name."""
        return self.arn.rsplit("/", 1)[-1]

    def failure(self) -> str:
        """Why the task failed, without details that differ between tasks; empty if it did not fail.

        A task has not failed if the scheduler stopped it to scale, a user stopped it, or AWS took its capacity away. It
        has failed if the scheduler stopped it because it was unhealthy.
        """
        if self.stop_code in _NOT_FAILURES or (
            self.stop_code == "ServiceSchedulerInitiated" and "health check" not in self.stopped_reason
        ):
            return ""
        containers = [f"{c.name} {_ending(c)}" for c in self.containers if c.reason or c.exit_code]
        return " · ".join([self.stopped_reason.partition(" (")[0] or self.stop_code, *containers])


@dataclass(frozen=True)
class CapacityProvider:
    """A capacity provider and its share of the tasks that are started."""

    name: str
    weight: int
    base: int


@dataclass(frozen=True)
class Placement:
    """Where a one-off task runs.

    Attributes:
        launch_type: EC2 or FARGATE; not sent with capacity providers, because RunTask accepts only one of the two.
        capacity_providers: the capacity provider strategy; empty to use the launch type.
        subnets: for network mode awsvpc, as the next two; empty for bridge and host networking.
        security_groups: the security groups of the network interface.
        assign_public_ip: whether the network interface gets a public address.
    """

    launch_type: str
    capacity_providers: tuple[CapacityProvider, ...] = ()
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    assign_public_ip: bool = False


def service_of(raw: Any) -> Service:
    """A service of DescribeServices or UpdateService."""
    configuration = raw.get("deploymentConfiguration", {})
    judges = (configuration.get("deploymentCircuitBreaker", {}), configuration.get("alarms", {}))
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
        current_deployment=raw.get("currentServiceDeployment"),
    )


def service_deployment_of(raw: Any) -> ServiceDeployment:
    """A service deployment of ListServiceDeployments or DescribeServiceDeployments, which name its revision apart."""
    return ServiceDeployment(
        arn=raw["serviceDeploymentArn"],
        status=raw.get("status", ""),
        reason=raw.get("statusReason", ""),
        created_at=raw["createdAt"],
        revision=raw.get("targetServiceRevisionArn") or raw.get("targetServiceRevision", {}).get("arn", ""),
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


def task_of(raw: Any) -> Task:
    """A task of DescribeTasks or RunTask."""
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


def _ending(container: Container) -> str:
    code = "" if container.exit_code is None else f"exit code {container.exit_code}"
    return ", ".join(filter(None, [code, container.reason]))
