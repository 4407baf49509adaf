"""The state of the sandbox's ECS: services, deployments and tasks, with indexes.

Times are seconds since the epoch, by the clock of the sandbox. Field names are those of the ECS API.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from longshore.sandbox.ecs.progress import Progress
from longshore.sandbox.ecs.stages import Stages
from longshore.sandbox.ecs.target_health import Target

STOPPED = "STOPPED"
RUNNING = "RUNNING"
# The states of a starting task, which counts towards maximumPercent (ECS API, DeploymentConfiguration).
STARTING = frozenset({"PROVISIONING", "PENDING", "ACTIVATING"})

# The statuses of a service deployment that has not ended (ECS API, ServiceDeployment.status).
UNDER_WAY = frozenset({"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})

Health = Literal["HEALTHY", "UNHEALTHY", "UNKNOWN"]


@dataclass
class Container:
    """A container of a task."""

    name: str
    image: str
    essential: bool = True
    checked: bool = False  # has a health check
    last_status: str = "PENDING"
    health: Health = "UNKNOWN"
    exit_code: int | None = None
    reason: str = ""
    runtime_id: str = ""
    image_digest: str = ""
    ports: tuple[tuple[int, int], ...] = ()  # (container port, host port)


@dataclass
class Task:
    """A task: one execution of a task definition.

    Attributes:
        task_definition: full ARN.
        definition: the task definition itself, as it was registered.
        capacity_provider: the capacity provider that it runs on; empty if a launch type was given.
        deployment: id of the deployment that started it; empty for a one-off task.
        port: container port that must accept connections before the task serves; None for no port.
        balanced: the entries of its service's load balancers that name a target group.
        targets: its ports that are registered in target groups.
        digests: the digests that its containers run, by name, if its deployment has established them.
        subnet: the subnet of its network interface, in the network mode awsvpc.
        pull_started_at: when the pulls of its images began.
        pull_stopped_at: when they ended, or failed.
    """

    id: str
    arn: str
    cluster: str
    task_definition: str
    definition: dict[str, Any]
    containers: list[Container]
    created_at: float
    group: str
    started_by: str = ""
    service: str = ""
    deployment: str = ""
    launch_type: str = "EC2"
    capacity_provider: str = ""
    overrides: dict[str, Any] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    subnet: str = ""
    pull_started_at: float | None = None
    pull_stopped_at: float | None = None
    tags: list[dict[str, str]] = field(default_factory=list)
    port: int | None = None
    balanced: list[dict[str, Any]] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    desired_status: str = RUNNING
    last_status: str = "PROVISIONING"
    reachable: bool = False
    settled: bool = False  # has run for the settling time
    served_at: float | None = None
    started_at: float | None = None
    stopping_at: float | None = None
    stopped_at: float | None = None
    stop_code: str = ""
    stopped_reason: str = ""
    version: int = 1
    launched: bool = False  # handed to the runtime
    halted: bool = False  # the runtime was asked to stop it

    @property
    def leaving(self) -> bool:
        """Whether it is stopping or has stopped."""
        return self.desired_status == STOPPED

    @property
    def counted(self) -> bool:
        """Whether it counts towards maximumPercent."""
        return self.last_status in STARTING or self.last_status == RUNNING

    @property
    def health(self) -> Health:
        """The task's health: that of its essential containers with a health check (ECS API, Task.healthStatus)."""
        states = {container.health for container in self.containers if container.essential and container.checked}
        if "UNHEALTHY" in states:
            return "UNHEALTHY"
        return "HEALTHY" if states == {"HEALTHY"} else "UNKNOWN"

    @property
    def checked(self) -> bool:
        """Whether an essential container has a health check."""
        return any(container.essential and container.checked for container in self.containers)

    @property
    def serving(self) -> bool:
        """Whether it counts towards minimumHealthyPercent.

        It is running and not leaving; its health check, if it has one, passes; its targets are healthy, or without a
        target group, the port of its service, if it has one, accepts connections. For a task with neither, ECS waits
        for a settling time (ECS API, minimumHealthyPercent).
        """
        healthy = self.health == "HEALTHY" if self.checked else self.settled or self.port is not None
        return self.last_status == RUNNING and not self.leaving and healthy and (self.port is None or self.reachable)


@dataclass
class Deployment:
    """A deployment of a service, which the API also shows as a service deployment.

    Attributes:
        id: ``ecs-svc/`` and 19 digits, which also identify its service revision (AWS does not document that).
        task_definition: full ARN.
        definition: the task definition itself.
        source: id of the deployment that it replaces.
        rolls_back: id of the failed deployment that it rolls back, whose service deployment it belongs to.
        name: the end of its ARN as a service deployment, which has nothing to do with `id`.
        listed_at: when its service deployment was created, which is after `created_at`; None until then.
        status: its status as a service deployment (ECS API, ServiceDeployment.status).
        status_reason: the reason for that status.
        completed: whether it has ever completed.
        failed: the reason why its rolloutState is FAILED; empty if it is not.
        failure_shown: whether its rolloutState shows that it failed.
        tripped: whether the circuit breaker failed it.
        stop_requested: whether StopServiceDeployment was called for it.
        rollback_at: when its rollback is due.
        rollback_started_at: when its rollback began.
        rollback_reported: whether the status of its service deployment shows its rollback.
        rollback_to: the deployment that its rollback deploys again.
        earliest_end: when it may complete if it has no tasks.
        failed_tasks: consecutive tasks that did not reach RUNNING, or failed their health check.
        stopped_in_row: consecutive tasks that failed before they were steady, which throttle the next start.
        retry_at: the earliest time of the next start.
        announced: whether the reason of its rolloutState names the rollback that it is.
        progress: its criteria of success, its bake time and its alarms.
        planned: whether the scheduler has considered it, which UpdateService does not wait for.
        kept: the number of tasks that it restores once it is replaced; None for the service's count.
        digests: the digest that each container runs in all of its tasks, once a first task has resolved it.
        stages: the stage that it has reached, with its hooks.
    """

    id: str
    task_definition: str
    definition: dict[str, Any]
    created_at: float
    updated_at: float
    source: str = ""
    rolls_back: str = ""
    name: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    port: int | None = None
    primary: bool = True
    listed_at: float | None = None
    status: str = "PENDING"
    status_reason: str = ""
    completed: bool = False
    failed: str = ""
    failure_shown: bool = True
    tripped: bool = False
    stop_requested: bool = False
    rollback_at: float | None = None
    rollback_started_at: float | None = None
    rollback_reported: bool = True
    rollback_to: Deployment | None = None
    earliest_end: float = 0.0
    started_at: float | None = None
    finished_at: float | None = None
    failed_tasks: int = 0
    stopped_in_row: int = 0
    retry_at: float = 0.0
    announced: bool = True
    progress: Progress = field(default_factory=Progress)
    planned: bool = False
    kept: int | None = None
    digests: dict[str, str] = field(default_factory=dict)
    stages: Stages = field(default_factory=Stages)

    @property
    def number(self) -> str:
        """The digits of its id."""
        return self.id.rpartition("/")[2]

    @property
    def state(self) -> str:
        """Its rolloutState."""
        failed = self.failed and self.failure_shown
        return "FAILED" if failed else "COMPLETED" if self.completed and self.progress.shown else "IN_PROGRESS"

    @property
    def shown_status(self) -> str:
        """Its status as a service deployment, as far as it is reported."""
        hidden = self.status.startswith("ROLLBACK_") and not self.rollback_reported
        return "IN_PROGRESS" if hidden else self.status

    def end(self, status: str, now: float, reason: str = "") -> None:
        """End the service deployment, unless it has ended."""
        self.updated_at = now
        if self.status in UNDER_WAY:
            self.status, self.status_reason, self.finished_at = status, reason, now


@dataclass
class Service:
    """A service.

    Attributes:
        settings: the settings of CreateService and UpdateService, which DescribeServices returns.
        created_with: the parameters of CreateService, which may be repeated.
        deployments: the current ones, newest first; one of them is PRIMARY.
        history: every deployment, newest first; rollbacks too, which belong to the service deployment that failed.
        steady: whether the event "has reached a steady state" has been added since the last change.
    """

    name: str
    arn: str
    cluster: str
    cluster_arn: str
    desired: int
    created_at: float
    settings: dict[str, Any]
    tags: list[dict[str, str]] = field(default_factory=list)
    created_with: Mapping[str, Any] = field(default_factory=dict)
    status: Literal["ACTIVE", "DRAINING", "INACTIVE"] = "ACTIVE"
    deployments: list[Deployment] = field(default_factory=list)
    history: list[Deployment] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    steady: bool = False

    @property
    def primary(self) -> Deployment:
        """The PRIMARY deployment."""
        return next(deployment for deployment in self.deployments if deployment.primary)

    def deployment(self, identity: str) -> Deployment | None:
        """A current deployment by its id; None if there is none."""
        return next((deployment for deployment in self.deployments if deployment.id == identity), None)

    @property
    def service_deployments(self) -> list[Deployment]:
        """Its service deployments, newest first."""
        return [d for d in self.history if not d.rolls_back and d.listed_at is not None]

    def rolled_back_by(self, deployment: Deployment) -> Deployment | None:
        """The failed deployment that this one rolls back; None if it is not a rollback."""
        return next((failed for failed in self.history if failed.id == deployment.rolls_back), None)

    def at_hooks(self, deployment: Deployment) -> Deployment:
        """The deployment whose hooks a service deployment shows: its rollback, if that has reached one."""
        rollbacks = (d for d in self.history if d.rolls_back == deployment.id and d.stages.hooks)
        return next(rollbacks, deployment)

    def deploy(
        self,
        task_definition: str,
        definition: dict[str, Any],
        port: int | None,
        now: float,
        rolls_back: str = "",
        identity: str = "",
    ) -> Deployment:
        """Start a deployment: it becomes PRIMARY, and the earlier ones ACTIVE.

        Args:
            task_definition: full ARN.
            definition: the task definition itself.
            port: container port behind the load balancer; None for no port.
            now: the time.
            rolls_back: id of the failed deployment that this one rolls back.
            identity: its id; that of an earlier deployment takes over the tasks of that one. A new one by default.
        """
        source = self.deployments[0].id if self.deployments else ""
        self.deployments = [deployment for deployment in self.deployments if deployment.id != identity]
        identity = identity or f"ecs-svc/{secrets.randbelow(10**19):019d}"
        new = Deployment(identity, task_definition, definition, now, now, source, rolls_back, port=port)
        for old in self.deployments:
            old.primary = False
        for old in self.history:
            if old.id != rolls_back and old.status in UNDER_WAY:
                old.end("STOPPED", now, "Service deployment stopped because a newer one has started.")
                old.rollback_at = None
        self.deployments.insert(0, new)
        self.history.insert(0, new)
        self.steady = False
        return new

    def scale(self, count: int) -> None:
        """Change the desired count, also of an older deployment that has tasks (see `Orchestrator.deploy`)."""
        if count != self.desired:
            self.desired, self.steady = count, False
            for deployment in self.deployments:
                deployment.kept = None if deployment.kept else deployment.kept

    @property
    def wanted(self) -> int:
        """The number of tasks to run: none for a service that is being deleted."""
        return self.desired if self.status == "ACTIVE" else 0

    @property
    def minimum(self) -> int:
        """The minimum of serving tasks during a deployment, rounded up (ECS API, DeploymentConfiguration)."""
        return -(-self.wanted * int(self.settings["deploymentConfiguration"]["minimumHealthyPercent"]) // 100)

    @property
    def maximum(self) -> int:
        """The maximum of starting or running tasks during a deployment, rounded down."""
        return self.wanted * int(self.settings["deploymentConfiguration"]["maximumPercent"]) // 100


class Fleet:
    """All services and tasks, with indexes. Not safe for threads: the orchestrator locks it."""

    def __init__(self) -> None:
        self.services: dict[tuple[str, str], Service] = {}
        self.tasks: dict[str, Task] = {}
        self.live: dict[str, Task] = {}
        self.tokens: dict[str, tuple[str, list[Task]]] = {}
        self._by_service: dict[tuple[str, str], dict[str, Task]] = {}

    def service(self, cluster: str, name: str) -> Service | None:
        """A service by its name or ARN; None if there is none."""
        return self.services.get((cluster, name.rpartition("/")[2]))

    def add(self, task: Task) -> None:
        """Add a new task."""
        self.tasks[task.id] = self.live[task.id] = task
        if task.service:
            self._by_service.setdefault((task.cluster, task.service), {})[task.id] = task

    def of_service(self, service: Service) -> list[Task]:
        """All tasks of a service, stopped ones too, oldest first."""
        return list(self._by_service.get((service.cluster, service.name), {}).values())

    def live_of(self, service: Service) -> list[Task]:
        """The tasks of a service that have not stopped, oldest first."""
        return [task for task in self.of_service(service) if task.last_status != STOPPED]

    def of_cluster(self, cluster: str) -> list[Task]:
        """All tasks of a cluster, stopped ones too."""
        return [task for task in self.tasks.values() if task.cluster == cluster]

    def mark_stopped(self, task: Task) -> None:
        """Mark a task as stopped: it can still be described, but is not live any more."""
        self.live.pop(task.id, None)

    def forget_before(self, time: float) -> None:
        """Forget the tasks that stopped before a time."""
        for task in [t for t in self.tasks.values() if t.stopped_at is not None and t.stopped_at < time]:
            del self.tasks[task.id]
            self._by_service.get((task.cluster, task.service), {}).pop(task.id, None)
