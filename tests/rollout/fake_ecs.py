"""A fake ECS with one service, whose answers are given in advance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from longshore.aws.ecs_types import Container, Deployment, Service, ServiceDeployment, Task
from longshore.errors import AwsError
from longshore.rollout.deployments import Move, TrackedDeployment
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

    def find_deployment(self, cluster: str, service: str, created_at: datetime, previous: str | None) -> str | None:
        self.calls.append(f"find {service}")
        return ARN if self.deployments else None

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
