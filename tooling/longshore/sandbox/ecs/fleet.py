"""What the sandbox's ECS knows: services, their deployments, tasks, and indexes to find them by.

Times are seconds since the epoch, from the clock that the sandbox was given. Field names are those of the ECS API.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

STOPPED = "STOPPED"
RUNNING = "RUNNING"
# The states in which a task counts towards maximumPercent: "RUNNING or PENDING" (ECS API, DeploymentConfiguration).
STARTING = frozenset({"PROVISIONING", "PENDING", "ACTIVATING"})

# The statuses of a service deployment that has not ended (ECS API, ServiceDeployment.status).
UNDER_WAY = frozenset({"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})

Health = Literal["HEALTHY", "UNHEALTHY", "UNKNOWN"]


@dataclass
class Container:
    """One container of a task."""

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
    """A task: one run of a task definition.

    Attributes:
        task_definition: full ARN.
        definition: the task definition itself, as RegisterTaskDefinition got it.
        deployment: id of the deployment that started it; empty for a one-off task.
        port: container port that must accept connections before the task serves; None if there is none.
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
    overrides: dict[str, Any] = field(default_factory=dict)
    tags: list[dict[str, str]] = field(default_factory=list)
    port: int | None = None
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
    halted: bool = False  # the runtime was told to stop it

    @property
    def leaving(self) -> bool:
        """Whether it has been told to stop, or has stopped."""
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

        It runs and is not leaving; its health check, if it has one, passes; its port, if its service has one, accepts
        connections. The last stands for the target group's health check, which ECS waits for as well. Where a task has
        neither, ECS waits for a settling time (ECS API, minimumHealthyPercent).
        """
        healthy = self.health == "HEALTHY" if self.checked else self.settled or self.port is not None
        return self.last_status == RUNNING and not self.leaving and healthy and (self.port is None or self.reachable)


@dataclass
class Deployment:
    """A deployment of a service: shown by DescribeServices and, longer, as a service deployment.

    Attributes:
        id: ``ecs-svc/`` and 19 digits. The same digits name its service revision (a choice: AWS does not say).
        task_definition: full ARN.
        definition: the task definition itself.
        source: id of the deployment that it replaces.
        rolls_back: id of the failed deployment that it is the roll-back of: a part of that one's service deployment.
        name: the end of its ARN as a service deployment; nothing leads from `id` to it.
        status: its status as a service deployment (ECS API, ServiceDeployment.status).
        status_reason: why it has that status.
        completed: whether it has completed once: its rolloutState.
        failed: why its rolloutState is FAILED; empty when it is not.
        tripped: whether the circuit breaker failed it.
        rollback_at: when its roll-back shall begin.
        rollback_started_at: when its roll-back began.
        rollback_to: the deployment whose revision it went back to.
        failed_tasks: consecutive tasks that did not reach RUNNING, or failed their health check.
        stopped_in_row: consecutive tasks that failed before they were steady: what throttles restarts.
        retry_at: no task of it is started before.
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
    status: str = "PENDING"
    status_reason: str = ""
    completed: bool = False
    failed: str = ""
    tripped: bool = False
    rollback_at: float | None = None
    rollback_started_at: float | None = None
    rollback_to: Deployment | None = None
    started_at: float | None = None
    finished_at: float | None = None
    failed_tasks: int = 0
    stopped_in_row: int = 0
    retry_at: float = 0.0

    @property
    def number(self) -> str:
        """The digits of its id."""
        return self.id.rpartition("/")[2]

    @property
    def state(self) -> str:
        """Its rolloutState."""
        return "FAILED" if self.failed else "COMPLETED" if self.completed else "IN_PROGRESS"

    def end(self, status: str, now: float, reason: str = "") -> None:
        """Let it end as a service deployment, if it is under way."""
        self.updated_at = now
        if self.status in UNDER_WAY:
            self.status, self.status_reason, self.finished_at = status, reason, now


@dataclass
class Service:
    """A service.

    Attributes:
        settings: what CreateService and UpdateService were given and DescribeServices repeats.
        asked: the parameters of its CreateService; whoever asks for the same again gets it.
        deployments: the live ones, newest first; one of them is PRIMARY.
        history: every deployment, newest first; roll-backs too, which are no service deployments of their own.
        steady: whether "has reached a steady state" has been said since the last change.
    """

    name: str
    arn: str
    cluster: str
    cluster_arn: str
    desired: int
    created_at: float
    settings: dict[str, Any]
    tags: list[dict[str, str]] = field(default_factory=list)
    asked: Mapping[str, Any] = field(default_factory=dict)
    status: Literal["ACTIVE", "DRAINING", "INACTIVE"] = "ACTIVE"
    deployments: list[Deployment] = field(default_factory=list)
    history: list[Deployment] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    steady: bool = False

    @property
    def primary(self) -> Deployment:
        """The deployment that the service moves to."""
        return next(deployment for deployment in self.deployments if deployment.primary)

    def deployment(self, identity: str) -> Deployment | None:
        """Find a live deployment by its id."""
        return next((deployment for deployment in self.deployments if deployment.id == identity), None)

    @property
    def service_deployments(self) -> list[Deployment]:
        """Its service deployments, newest first."""
        return [deployment for deployment in self.history if not deployment.rolls_back]

    def rolled_back_by(self, deployment: Deployment) -> Deployment | None:
        """The failed deployment that this one is the roll-back of; None if it is a deployment like any other."""
        return next((failed for failed in self.history if failed.id == deployment.rolls_back), None)

    def deploy(
        self, task_definition: str, definition: dict[str, Any], port: int | None, now: float, rolls_back: str = ""
    ) -> Deployment:
        """Put a new deployment in the place of PRIMARY; the ones before are ACTIVE from now on.

        Args:
            task_definition: full ARN.
            definition: the task definition itself.
            port: container port behind the front door; None for none.
            now: the time.
            rolls_back: id of the failed deployment that this is the roll-back of.
        """
        identity = f"ecs-svc/{secrets.randbelow(10**19):019d}"
        source = self.deployments[0].id if self.deployments else ""
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

    @property
    def wanted(self) -> int:
        """How many tasks it shall have: none once it is being deleted."""
        return self.desired if self.status == "ACTIVE" else 0

    @property
    def minimum(self) -> int:
        """The fewest tasks that must serve during a deployment: rounded up (ECS API, DeploymentConfiguration)."""
        return -(-self.wanted * int(self.settings["deploymentConfiguration"]["minimumHealthyPercent"]) // 100)

    @property
    def maximum(self) -> int:
        """The most tasks that may start or run during a deployment: rounded down."""
        return self.wanted * int(self.settings["deploymentConfiguration"]["maximumPercent"]) // 100


class Fleet:
    """All services and tasks, with the indexes that keep a look-up from being a scan. Not locked: its owner locks."""

    def __init__(self) -> None:
        self.services: dict[tuple[str, str], Service] = {}
        self.tasks: dict[str, Task] = {}
        self.live: dict[str, Task] = {}
        self.tokens: dict[str, tuple[str, list[Task]]] = {}
        self._by_service: dict[tuple[str, str], dict[str, Task]] = {}

    def service(self, cluster: str, name: str) -> Service | None:
        """Find a service by its name or ARN."""
        return self.services.get((cluster, name.rpartition("/")[2]))

    def add(self, task: Task) -> None:
        """Take in a new task."""
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

    def settle(self, task: Task) -> None:
        """Note that a task has stopped: it stays readable, but is no longer live."""
        self.live.pop(task.id, None)

    def forget_before(self, time: float) -> None:
        """Forget the tasks that stopped before a time."""
        for task in [t for t in self.tasks.values() if t.stopped_at is not None and t.stopped_at < time]:
            del self.tasks[task.id]
            self._by_service.get((task.cluster, task.service), {}).pop(task.id, None)
