"""Services, deployments and tasks of ECS, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from longshore.aws.ecs_hooks import Hook, hooks_of
from longshore.aws.ecs_settings import ServiceSettings, settings_of
from longshore.aws.stop_reasons import BY_THE_SCHEDULER, NOT_FAILURES, comparison_key
from longshore.aws.target_health import addresses_of, host_ports_of

_ENDED = ("SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED")

_ENDED_BY_SIGNAL = (137, 143)
"""The exit codes of containers that ECS ended, by SIGKILL or SIGTERM, because another one had exited."""


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
    ROLLBACK_IN_PROGRESS, ROLLBACK_SUCCESSFUL, ROLLBACK_FAILED; AWS may add others. ``alarms`` are those that went off,
    ``revision`` is the ARN of the service revision that it deploys. ``stage`` is its lifecycle stage, and ``hooks`` are
    those that it has reached; ListServiceDeployments returns neither.
    """

    arn: str
    status: str
    reason: str
    created_at: datetime
    alarms: tuple[str, ...] = ()
    revision: str = ""
    stage: str = ""
    hooks: tuple[Hook, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether it waits at a lifecycle hook."""
        return any(hook.holds for hook in self.hooks) and self.status not in _ENDED

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
        settings: its settings.
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
    settings: ServiceSettings = field(default_factory=ServiceSettings)
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
    """A task as DescribeTasks shows it.

    Attributes:
        desired_status: RUNNING, or STOPPED once it must stop.
        health: HEALTHY, UNHEALTHY, or UNKNOWN if it has no container health check or none has ended yet.
        started_at: when it was RUNNING first; None if it never was.
        stopped_at: when it stopped, or began to stop; None while it runs.
        addresses: its private IPv4 addresses; empty with bridge networking.
        host_ports: the ports on its instance that it uses; empty with network mode awsvpc.
    """

    arn: str
    task_definition: str
    last_status: str
    stop_code: str
    stopped_reason: str
    started_by: str
    containers: tuple[Container, ...]
    created_at: datetime | None = None
    desired_status: str = ""
    health: str = ""
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    addresses: tuple[str, ...] = ()
    host_ports: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        """The last part of the ARN, which is also part of the log stream's name."""
        return self.arn.rsplit("/", 1)[-1]

    @property
    def lifetime(self) -> float:
        """The seconds from its start, or from its creation if it never ran, to its stop; 0 if AWS shows no dates."""
        begun = self.started_at or self.created_at
        return max(0.0, (self.stopped_at - begun).total_seconds()) if begun and self.stopped_at else 0.0

    def failure(self) -> str:
        """Why the task failed, in full; empty if it did not fail.

        A task has not failed if the scheduler stopped it to scale, a user stopped it, or AWS took its capacity away. It
        has failed if the scheduler stopped it because it was unhealthy.
        """
        if self.stop_code in NOT_FAILURES or (
            self.stop_code in BY_THE_SCHEDULER and "health check" not in self.stopped_reason
        ):
            return ""
        containers = [f"{c.name} {_ending(c)}" for c in self.containers if c.reason or c.exit_code]
        return " · ".join([self.stopped_reason or self.stop_code, *containers])

    def failure_key(self) -> str:
        """The same text for all tasks that failed for the same cause; not for people.

        Containers that ECS ended because another one had exited do not count: whether they end in time is chance.
        """
        failing = sorted((c for c in self.containers if c.reason or c.exit_code), key=lambda c: c.name)
        causes = [c for c in failing if c.reason or c.exit_code not in _ENDED_BY_SIGNAL] or failing
        endings = [f"{c.name} {c.exit_code} {comparison_key(c.reason)}" for c in causes]
        return " · ".join([comparison_key(self.stopped_reason or self.stop_code), *endings])


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
        # With the controller EXTERNAL, only its task sets have one (API reference, CreateService).
        task_definition=raw.get("taskDefinition", ""),
        desired=raw["desiredCount"],
        running=raw["runningCount"],
        pending=raw["pendingCount"],
        deployments=tuple(_deployment(d) for d in raw.get("deployments", [])),
        events=tuple(event["message"] for event in raw.get("events", [])),
        rolls_back=any(judge.get("enable") and judge.get("rollback") for judge in judges),
        created_at=raw.get("createdAt"),
        settings=settings_of(raw),
        current_deployment=raw.get("currentServiceDeployment"),
    )


def service_deployment_of(raw: Any) -> ServiceDeployment:
    """A service deployment of ListServiceDeployments or DescribeServiceDeployments, which name its revision apart."""
    return ServiceDeployment(
        arn=raw["serviceDeploymentArn"],
        status=raw.get("status", ""),
        reason=raw.get("statusReason", ""),
        created_at=raw["createdAt"],
        alarms=tuple(raw.get("alarms", {}).get("triggeredAlarmNames", ())),
        revision=raw.get("targetServiceRevisionArn") or raw.get("targetServiceRevision", {}).get("arn", ""),
        stage=raw.get("lifecycleStage", ""),
        hooks=hooks_of(raw),
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
        desired_status=raw.get("desiredStatus", ""),
        health=raw.get("healthStatus", ""),
        started_at=raw.get("startedAt"),
        stopped_at=raw.get("stoppedAt") or raw.get("stoppingAt"),
        addresses=tuple(addresses_of(raw)),
        host_ports=tuple(host_ports_of(raw)),
    )


def _ending(container: Container) -> str:
    code = "" if container.exit_code is None else f"exit code {container.exit_code}"
    return ", ".join(filter(None, [code, container.reason]))
