"""ECS in memory: revisions, services whose deployments go as a version's fate has it, and one-off tasks.

Nothing happens between two calls: what has become of a deployment is worked out at each look, by the moved clock.
Statuses and their order are those of the sandbox (longshore.sandbox.ecs), which knows far more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from longshore.aws.ecs_types import Container, Deployment, Service, ServiceDeployment, Task
from longshore.config.contract import UNRELEASED
from longshore.errors import AwsError
from tests.machine.lags import AT_ONCE, Lags

ACCOUNT, REGION = "123456789012", "eu-central-1"
SETTLES = 3.0
"""Seconds until a deployment has completed."""
TRIPS = 5.0
"""Seconds until the circuit breaker fails one whose tasks crash; a task of it stops every STOPS seconds."""
STOPS = 2.0
LONG_AGO = 9000.0
"""Seconds since Terraform made the services."""
MIGRATES = 4.0
HANGS = 400.0
"""Seconds that a migration takes, and one that hangs."""

_DENIED = "ResourceInitializationError: assumed-role/execution/{task} is not authorized, request id: {task}-0000-1111"
"""The reason of a failed task has ids of its own, as recorded."""

_BEGINNING = datetime(2026, 1, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Fate:
    """What the tasks of a version do in one environment.

    A service ``runs``; ``crashes``, so that a circuit breaker sees it; ``loops``: crashes after its start, which none
    sees; ``stays`` where it is for ever; or ``errs`` in what it answers. A migration ``exits 0``, ``exits 1`` or
    ``hangs``.
    """

    web: str = "runs"
    worker: str = "runs"
    migrate: str = "exits 0"


@dataclass(frozen=True)
class Revision:
    """A task definition that is registered; ``tag`` is the version in it."""

    arn: str
    key: str
    environment: str
    tag: str
    content: dict[str, Any] = field(compare=False)


@dataclass
class Whole:
    """A service deployment: a deployment and its roll-back in one."""

    arn: str
    created: float
    statuses: list[tuple[float, str]] = field(default_factory=lambda: [(-math.inf, "IN_PROGRESS")])

    @property
    def status(self) -> str:
        """As it is now."""
        return self.statuses[-1][1]

    def turn(self, status: str, when: float) -> None:
        """Gives it another status."""
        self.statuses.append((when, status))

    def shown(self, until: float) -> str:
        """The status that it had then."""
        return [status for when, status in self.statuses if when <= until][-1]


@dataclass
class Rollout:
    """A deployment; ``theirs`` if another process than Longshore's has made it."""

    id: str
    revision: Revision
    created: float
    whole: Whole
    by_ecs: bool = False
    state: str = "IN_PROGRESS"
    failed_at: float | None = None
    theirs: bool = False
    candidate: bool = True
    ended: float = 0.0


@dataclass
class Running:
    """A service, its deployments newest first."""

    name: str
    key: str
    environment: str
    breaker: bool
    rollouts: list[Rollout]
    desired: int = 0

    @property
    def primary(self) -> Rollout:
        """What it works towards."""
        return self.rollouts[0]

    @property
    def good(self) -> Rollout:
        """What completed last: its tasks serve until another one has."""
        return next(one for one in self.rollouts if one.state == "COMPLETED")


@dataclass
class OneOff:
    """A task of no service."""

    arn: str
    revision: Revision
    started_by: str
    token: str
    created: float


@dataclass
class Fleet:
    """Everything that ECS knows, of all environments.

    Attributes:
        now: the time.
        digest: what the registry has under a tag.
        lags: how late each read shows what has happened.
        fates: of versions, by environment and tag.
    """

    now: Callable[[], float]
    digest: Callable[[str], str | None]
    lags: Lags = AT_ONCE
    fates: dict[tuple[str, str], Fate] = field(default_factory=dict)
    revisions: dict[str, Revision] = field(default_factory=dict)
    services: dict[str, Running] = field(default_factory=dict)
    one_off: list[OneOff] = field(default_factory=list)
    _made: int = 0

    def register(self, environment: str, key: str, tag: str, content: dict[str, Any]) -> Revision:
        """Registers a revision."""
        family = content["family"]
        number = 1 + sum(one.content["family"] == family for one in self.revisions.values())
        arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{family}:{number}"
        self.revisions[arn] = Revision(arn, key, environment, tag, content)
        return self.revisions[arn]

    def make(self, name: str, revision: Revision, *, breaker: bool) -> None:
        """Makes a service, as Terraform does: it has completed with no task."""
        first = self._rollout(revision, self.now() - LONG_AGO)
        first.state, first.candidate = "COMPLETED", False
        first.whole.turn("SUCCESSFUL", first.created)
        self.services[name] = Running(name, revision.key, revision.environment, breaker, [first])

    def deploy(self, name: str, revision: Revision, *, theirs: bool = False) -> Rollout:
        """Puts a new deployment in the place of PRIMARY."""
        service = self.service(name)
        for old in service.rollouts:
            if old.whole.status in ("IN_PROGRESS", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"):
                old.whole.turn("STOPPED", self.now())
                old.failed_at = None
        service.rollouts.insert(0, self._rollout(revision, self.now()))
        service.primary.theirs = theirs
        return service.primary

    def stop(self, arn: str) -> None:
        """Stops a service deployment: ECS goes back to what completed last."""
        for service in self.services.values():
            self.service(service.name)
            if service.primary.whole.arn == arn and service.primary.whole.status == "IN_PROGRESS":
                self._fail(service, self.now(), back=True, after=self.lags.requested)
                return
        raise AwsError("ECS StopServiceDeployment: it can't be stopped", code="ConflictException")

    def service(self, name: str) -> Running:
        """A service as it is now."""
        service = self.services[name]
        while self._goes_on(service):
            pass
        return service

    def fate(self, revision: Revision) -> str:
        """What the tasks of a revision do."""
        if revision.tag == UNRELEASED:
            return "stays"  # there is no such image
        return str(getattr(self.fates.get((revision.environment, revision.tag), Fate()), revision.key))

    def _goes_on(self, service: Running) -> bool:
        """Lets the next thing happen to a service, if its time has come."""
        one, now, lags = service.primary, self.now(), self.lags
        if one.failed_at is not None and one.failed_at <= now:
            identity = service.good.id if lags.old_id else ""
            back = self._rollout(service.good.revision, one.failed_at, one.whole, identity)
            one.whole.turn("ROLLBACK_IN_PROGRESS", one.failed_at)
            one.state, one.ended, one.failed_at = "FAILED", one.failed_at, None
            service.rollouts.insert(0, back)
            return True
        if one.state != "IN_PROGRESS" or one.whole.status == "ROLLBACK_REQUESTED":
            return False
        fate, settles = self.fate(one.revision), SETTLES if service.desired else lags.empty
        if (fate in ("runs", "errs") or not service.desired) and one.created + settles <= now:
            self._complete(service, one, one.created + settles)
            return True
        if fate == "crashes" and service.desired and service.breaker and one.created + TRIPS <= now:
            one.state = "FAILED"
            self._fail(service, one.created + TRIPS, back=not one.by_ecs, after=lags.window)
            return True
        return False

    def _complete(self, service: Running, one: Rollout, when: float) -> None:
        service.good.ended = when
        one.state, one.candidate = "COMPLETED", True
        one.whole.turn("ROLLBACK_SUCCESSFUL" if one.by_ecs else "SUCCESSFUL", when)

    def _fail(self, service: Running, when: float, *, back: bool, after: float) -> None:
        """Fails PRIMARY, and goes back after a while, if it may and there is something to go back to."""
        one = service.primary
        if back and (service.good.candidate or self.lags.candidate):
            one.whole.turn("ROLLBACK_REQUESTED", when)
            one.failed_at = when + after
        else:
            one.whole.turn("ROLLBACK_FAILED", when)
            one.state = "FAILED"

    def _rollout(self, revision: Revision, created: float, whole: Whole | None = None, identity: str = "") -> Rollout:
        self._made += 1
        arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service-deployment/{self._made}"
        identity = identity or f"ecs-svc/{self._made}"
        return Rollout(identity, revision, created, whole or Whole(arn, created), whole is not None)

    # What a caller sees

    def shown(self, name: str) -> Service:
        """A service as DescribeServices shows it."""
        service = self.service(name)
        live = {one.id: one for one in reversed(service.rollouts[: service.rollouts.index(service.good) + 1])}
        return Service(
            name=name,
            status="ACTIVE",
            task_definition=service.primary.revision.arn,
            desired=service.desired,
            running=len(self.tasks(name)),
            pending=0,
            deployments=tuple(self._deployment(one, service) for one in reversed(live.values())),
            events=(f"({name}) {service.primary.id} is {service.primary.state}",),
            rolls_back=service.breaker,
            current_deployment=self._current(service) if self.lags.names_current else None,
        )

    def _deployment(self, one: Rollout, service: Running) -> Deployment:
        hidden = one.state == "FAILED" and not self.lags.window and self.now() - one.ended < self.lags.hidden
        state = "IN_PROGRESS" if hidden else one.state
        beside = "DRAINING" if state == "FAILED" else "ACTIVE"
        announced = one.by_ecs and one.state == "IN_PROGRESS"
        return Deployment(
            id=one.id,
            status="PRIMARY" if one is service.primary else beside,
            task_definition=one.revision.arn,
            rollout_state=state if one is not service.primary else one.state,
            reason=f"ECS deployment circuit breaker: rolling back to deploymentId {one.id}." if announced else "",
            desired=service.desired,
            running=service.desired if one.id == service.good.id else 0,
            failed=0,
            created_at=_when(one.created),
        )

    def _current(self, service: Running) -> str:
        made = [one.whole for one in service.rollouts if not one.by_ecs]
        return next((one for one in made if one.created <= self.now() - self.lags.current), made[-1]).arn

    def shown_tasks(self, name: str) -> list[Task]:
        """The tasks of a service as they are shown: those that were replaced a moment ago are stopping."""
        service = self.service(name)
        now, drains = self.now(), self.lags.drains
        left = [one for one in service.rollouts if one.state == "COMPLETED" and one.id != service.good.id]
        stopping = [
            replace(task, last_status="DEACTIVATING", desired_status="STOPPED")
            for one in left
            if now - drains < one.ended
            for task in self._tasks_of(service, one)
        ]
        return [*self.tasks(name), *stopping]

    def tasks(self, name: str) -> list[Task]:
        """The tasks of a service that run: those of what completed last."""
        service = self.service(name)
        return self._tasks_of(service, service.good)

    def _tasks_of(self, service: Running, one: Rollout) -> list[Task]:
        if one.revision.tag == UNRELEASED:
            return []
        container = Container(service.key, f"app:{one.revision.tag}", self.digest(one.revision.tag), None, "")
        return [
            Task(_task_arn(f"{one.id[8:]}-{n}"), one.revision.arn, "RUNNING", "", "", one.id, (container,))
            for n in range(service.desired)
        ]

    def stopped(self, name: str) -> list[Task]:
        """The tasks of a service that have stopped: of the deployments that it still shows."""
        service = self.service(name)
        return [
            Task(
                _task_arn(f"{one.id[8:]}-crashed-{n}"), one.revision.arn, "STOPPED", "TaskFailedToStart",
                _DENIED.format(task=f"{one.id[8:]}-{n}"), one.id, (Container(service.key, "app", None, 1, ""),),
                _when(one.created),
            )
            for one in service.rollouts[: service.rollouts.index(service.good)]
            for n in range(self._crashes(one))
        ]  # fmt: skip

    def _crashes(self, one: Rollout) -> int:
        if self.fate(one.revision) not in ("crashes", "loops"):
            return 0
        seconds = self.now() - one.created
        return int((min(seconds, TRIPS) if one.state == "FAILED" else seconds) // STOPS)

    def wholes(self, name: str) -> Iterator[ServiceDeployment]:
        """The service deployments of a service, newest first, as far as they are described."""
        for one in self.service(name).rollouts:
            if not one.by_ecs:
                status = one.whole.shown(self.now() - self.lags.reported)
                revision = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service-revision/{one.id.rpartition('/')[2]}"
                yield ServiceDeployment(one.whole.arn, status, "", _when(one.whole.created), revision=revision)

    def listed(self, name: str) -> list[ServiceDeployment]:
        """Those that are listed."""
        until = _when(self.now() - self.lags.listed)
        return [one for one in self.wholes(name) if one.created_at <= until]

    def task(self, task: OneOff) -> Task:
        """A one-off task as it is now."""
        fate = self.fate(task.revision)
        ended = self.now() - task.created >= (HANGS if fate == "hangs" else MIGRATES)
        code = (1 if fate == "exits 1" else 0) if ended else None
        return Task(
            task.arn, task.revision.arn, "STOPPED" if ended else "RUNNING",
            "EssentialContainerExited" if ended else "", "Essential container in task exited" if ended else "",
            task.started_by, (Container("migrate", "app", None, code, ""),), _when(task.created),
        )  # fmt: skip

    def run(self, revision: Revision, started_by: str, token: str) -> OneOff:
        """Starts a one-off task, once for a client token."""
        for one in self.one_off:
            if (one.token, one.revision.environment) == (token, revision.environment):
                return one
        self.one_off.append(OneOff(_task_arn(f"one-off-{len(self.one_off)}"), revision, started_by, token, self.now()))
        return self.one_off[-1]


def _task_arn(name: str) -> str:
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/shop/{name}"


def _when(seconds: float) -> datetime:
    return _BEGINNING + timedelta(seconds=seconds)
