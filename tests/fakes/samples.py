"""Values that several tests share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from longshore.aws.ecs_types import Container, Deployment, Service, Task
from longshore.clock import Clock
from longshore.result import Actor, ReleaseResult

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ACTOR = Actor(arn="arn:aws:iam::123456789012:user/ann", user="ann", host="laptop")


def arn(family: str, revision: int) -> str:
    return f"arn:aws:ecs:eu-central-1:123456789012:task-definition/{family}:{revision}"


def release_output() -> dict[str, Any]:
    """The output `release` of a root with two services and a migration."""
    service = {
        "log_group": "/shop/test/web",
        "strategy": "ROLLING",
        "minimum_healthy_percent": 100,
        "maximum_percent": 200,
        "autoscaled": False,
    }
    return {
        "schema": 1,
        "application": "shop",
        "environment": "test",
        "region": "eu-central-1",
        "account_id": "123456789012",
        "cluster": "shop-test",
        "image_tag": "v1.0.0",
        "image_tag_parameter": "/shop/test/image_tag",
        "services": {
            "web": service
            | {
                "name": "shop-test-web",
                "task_definition": arn("shop-test-web", 2),
                "containers": {"web": "app"},
                "desired_count": 2,
                "wave": 2,
                "port": 8080,
            },
            "worker": service
            | {
                "name": "shop-test-worker",
                "task_definition": arn("shop-test-worker", 2),
                "containers": {"worker": "app"},
                "desired_count": 1,
                "wave": 1,
                "port": None,
            },
        },
        "schedules": {},
        "migration": {
            "task_definition": arn("shop-test-migrate", 2),
            "container": "migrate",
            "log_group": "/shop/test/migrate",
            "before_wave": 1,
            "launch": {"type": "EC2", "subnets": [], "security_groups": [], "assign_public_ip": False},
        },
        "verify": [{"service": "web", "path": "/health", "expect_status": 200, "expect_text": None}],
        "images": {"app": {"repository": "shop/app"}},
    }


def deployment(
    deployment_id: str, state: str, *, status: str = "PRIMARY", revision: int = 2, age: int = 0
) -> Deployment:
    return Deployment(
        id=deployment_id,
        status=status,
        task_definition=arn("shop-test-web", revision),
        rollout_state=state,
        reason="",
        desired=2,
        running=2,
        failed=0,
        created_at=WHEN.replace(second=30 - age),
    )


def service(*deployments: Deployment, desired: int = 2) -> Service:
    return Service(
        name="shop-test-web",
        status="ACTIVE",
        task_definition=deployments[0].task_definition if deployments else arn("shop-test-web", 1),
        desired=desired,
        running=desired,
        pending=0,
        deployments=deployments,
    )


def task(*containers: Container, last_status: str = "RUNNING", stop_code: str = "", revision: int = 2) -> Task:
    return Task(
        arn="arn:aws:ecs:eu-central-1:123456789012:task/shop-test/0123abcd",
        task_definition=arn("shop-test-web", revision),
        last_status=last_status,
        stop_code=stop_code,
        stopped_reason="",
        started_by="",
        containers=containers,
    )


def result(**changes: Any) -> ReleaseResult:
    values: dict[str, Any] = {
        "release": "test-000001",
        "sequence": 1,
        "kind": "release",
        "application": "shop",
        "environment": "test",
        "version": "v1.0.0",
        "previous_version": "unreleased",
        "variables_digest": "sha256:0",
        "actor": ACTOR,
        "started": WHEN,
    }
    return ReleaseResult.model_validate(values | changes)


class BackwardClock:
    """Replaces a module's ``datetime``: each reading is an hour earlier than the last."""

    def __init__(self) -> None:
        self._now = WHEN

    def now(self, _zone: tzinfo) -> datetime:
        self._now -= timedelta(hours=1)
        return self._now


def moved_clock(on_sleep: Callable[[float], None] = lambda _: None) -> Clock:
    """A clock whose time passes only while it sleeps."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        on_sleep(now[0])

    return Clock(now=lambda: now[0], sleep=sleep)
