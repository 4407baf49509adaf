"""A fake ECS with one service, whose answers are given in advance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from longshore.aws.ecs_types import Container, Deployment, Service, ServiceDeployment, Task
from longshore.clock import Clock
from longshore.errors import AwsError
from longshore.rollout.tracking import Move, TrackedDeployment
from tests.fakes.samples import arn, deployment, service, task

NAME = "shop-test-web"
ARN = "arn:aws:ecs:eu-central-1:123456789012:service-deployment/shop-test/shop-test-web/abc"
OLD = deployment("old", "COMPLETED", revision=1, age=9)
OURS = deployment("ours", "IN_PROGRESS")
DONE = service(deployment("ours", "COMPLETED"))
THROTTLED = AwsError("slow down", code="ThrottlingException")


def ours(deadline: float = 600) -> TrackedDeployment:
    return TrackedDeployment(Move(NAME, arn(NAME, 2)), "ours", OURS.created_at, deadline)


def service_deployment(status: str, reason: str = "") -> ServiceDeployment:
    return ServiceDeployment(ARN, status, reason, OURS.created_at)


_numbers = count()


def stopped(
    exit_code: int | None = 3,
    *,
    started_by: str = "ours",
    code: str = "EssentialContainerExited",
    reason: str = "Essential container in task exited",
    lived: float = 0.0,
) -> Task:
    """A task that has stopped; each has its own ARN."""
    ended = task(Container("web", "app:v1", None, exit_code, ""), last_status="STOPPED", stop_code=code)
    return replace(
        ended,
        arn=f"{ended.arn}{next(_numbers):06}",
        started_by=started_by,
        stopped_reason=reason,
        created_at=OURS.created_at,
        started_at=OURS.created_at,
        stopped_at=OURS.created_at + timedelta(seconds=lived),
    )


@dataclass
class FakeEcs:
    """Answers with these services in turn, and with the last one from then on; an error is raised."""

    answers: list[Service | AwsError]
    deployments: list[ServiceDeployment] = field(default_factory=list)
    stopped: list[Task] = field(default_factory=list)
    updates: list[tuple[object, ...]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    others: list[ServiceDeployment] = field(default_factory=list)

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        self.calls.append(f"services {' '.join(names)}")
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, AwsError):
            raise answer
        return {answer.name: answer}

    def update(
        self, cluster: str, service: str, task_definition: str, count: int | None, *, force: bool = False
    ) -> Deployment:
        self.updates.append((cluster, service, task_definition, count, force))
        return OURS

    def newest_deployment(self, cluster: str, service: str) -> str | None:
        return "before"

    def find_deployment(
        self, cluster: str, service: str, deployment_id: str, created_at: datetime, previous: str | None
    ) -> str | None:
        self.calls.append(f"find {service}")
        return ARN if self.deployments else None

    def deployment_history(
        self, cluster: str, service: str, since: datetime | None = None
    ) -> tuple[ServiceDeployment, ...]:
        self.calls.append(f"history {service}")
        return (*self.others, *self.deployments[:1])

    def latest_deployments(self, cluster: str, services: Sequence[str]) -> dict[str, ServiceDeployment]:
        return dict.fromkeys(services, self.deployments[0]) if self.deployments else {}

    def service_deployments(self, arns: Sequence[str]) -> dict[str, ServiceDeployment]:
        if not arns:
            return {}
        self.calls.append("service deployments")
        return {ARN: self.deployments.pop(0) if len(self.deployments) > 1 else self.deployments[0]}

    def stopped_tasks(self, cluster: str, service: str) -> list[Task]:
        self.calls.append(f"stopped tasks {service}")
        return self.stopped


IDS = {"old": "ecs-svc/1111", "ours": "ecs-svc/2222", "rollback": "ecs-svc/3333", "theirs": "ecs-svc/4444"}
REPLACED_AT = 60.0
"""Seconds after our update at which the PRIMARY of a `LaggingEcs` is replaced."""

ANNOUNCED = "ECS deployment circuit breaker: rolling back to deploymentId {}."
"""As recorded in the README of wanews' wait-for-ecs-deploy, and in AWS's page of service deployment events."""


def at(seconds: float) -> datetime:
    """The time of ECS's clock so many seconds after our update."""
    return OURS.created_at + timedelta(seconds=seconds)


@dataclass(frozen=True)
class Shown:
    """The truth from a time on: a service, and its service deployments."""

    since: float
    service: Service
    history: tuple[ServiceDeployment, ...]


def shown_deployment(
    key: str, state: str, created: float, *, status: str = "PRIMARY", revision: int = 2, reason: str = ""
) -> Deployment:
    made = deployment(IDS[key], state, status=status, revision=revision)
    return replace(made, created_at=at(created), reason=reason or f"ECS deployment {IDS[key]} in progress.")


def shown_service_deployment(key: str, status: str, created: float) -> ServiceDeployment:
    digits = IDS[key].rpartition("/")[2]
    revision = f"arn:aws:ecs:eu-central-1:123456789012:service-revision/shop-test/{NAME}/{digits}"
    return ServiceDeployment(ARN.replace("abc", f"of-{key}"), status, "", at(created + 1.6), revision=revision)


def _begun() -> list[Shown]:
    """Our deployment begins at 0, as AWS shows it: the service deployments of the old one and of ours."""
    old = shown_deployment("old", "COMPLETED", -9000, revision=1)
    ours = shown_deployment("ours", "IN_PROGRESS", 0)
    before, begun = shown_service_deployment("old", "SUCCESSFUL", -9000), shown_service_deployment("ours", "PENDING", 0)
    return [
        Shown(-9000, service(old), (before,)),
        Shown(0, service(ours, replace(old, status="ACTIVE")), (before, replace(begun, status="IN_PROGRESS"))),
    ]


def rolled_back_by_ecs(key: str, *, renewed: bool = True, announced: bool = True) -> list[Shown]:
    """ECS rolls ours back: as recorded, ours stays ACTIVE and IN_PROGRESS for 106 s, then it is DRAINING and FAILED.

    Args:
        key: the id of the rollback's deployment: its old one, or a new one.
        renewed: whether the deployment is dated to the rollback, if it has its old id.
        announced: whether the reason of the rollback's deployment tells of it.
    """
    created = REPLACED_AT if renewed or key != "old" else -9000
    reason = ANNOUNCED.format(IDS[key]) if announced else ""
    primary = shown_deployment(key, "IN_PROGRESS", created, revision=1, reason=reason)
    ours = shown_deployment("ours", "IN_PROGRESS", 0, status="ACTIVE")
    begun = _begun()
    before, began = begun[-1].history
    going, gone = (replace(began, status=f"ROLLBACK_{status}") for status in ("IN_PROGRESS", "SUCCESSFUL"))
    failed = replace(ours, status="DRAINING", rollout_state="FAILED")
    done = replace(primary, rollout_state="COMPLETED", reason=f"ECS deployment {IDS[key]} completed.")
    return [
        *begun,
        Shown(REPLACED_AT, service(primary, ours), (before, going)),
        Shown(REPLACED_AT + 106, service(primary, failed), (before, going)),
        Shown(REPLACED_AT + 180, service(done), (before, gone)),
    ]


def replaced_by_another(revision: int) -> list[Shown]:
    """Another process deploys over ours: its deployment has a service deployment of its own, and ours is stopped."""
    theirs = shown_deployment("theirs", "IN_PROGRESS", REPLACED_AT, revision=revision)
    ours = shown_deployment("ours", "IN_PROGRESS", 0, status="ACTIVE")
    begun = _begun()
    before, began = begun[-1].history
    new = shown_service_deployment("theirs", "IN_PROGRESS", REPLACED_AT)
    return [
        *begun,
        Shown(REPLACED_AT, service(theirs, ours), (before, replace(began, status="STOP_REQUESTED"), new)),
        Shown(REPLACED_AT + 10, service(theirs, ours), (before, replace(began, status="STOPPED"), new)),
    ]


@dataclass
class LaggingEcs(FakeEcs):
    """Shows the truth with lags: of DescribeServices, ListServiceDeployments and DescribeServiceDeployments."""

    answers: list[Service | AwsError] = field(default_factory=list)
    truth: Sequence[Shown] = ()
    lags: tuple[float, float, float] = (0, 0, 0)
    clock: Clock = field(default_factory=Clock)
    names_current: bool = False

    def _shown(self, lag: float) -> Shown:
        return [shown for shown in self.truth if shown.since <= self.clock.now() - lag][-1]

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        shown = self._shown(self.lags[0])
        current = shown.history[-1].arn if self.names_current else None
        return {NAME: replace(shown.service, current_deployment=current)}

    def find_deployment(
        self, cluster: str, service: str, deployment_id: str, created_at: datetime, previous: str | None
    ) -> str | None:
        return next((d.arn for d in self.deployment_history(cluster, service) if d.deploys(deployment_id)), None)

    def deployment_history(
        self, cluster: str, service: str, since: datetime | None = None
    ) -> tuple[ServiceDeployment, ...]:
        history = [d for d in self._shown(self.lags[1]).history if since is None or d.created_at >= since]
        return tuple(sorted(history, key=lambda d: d.created_at, reverse=True))

    def service_deployments(self, arns: Sequence[str]) -> dict[str, ServiceDeployment]:
        return {d.arn: d for d in self._shown(self.lags[2]).history if d.arn in arns}
