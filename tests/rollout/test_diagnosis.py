from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from longshore.aws.ecs_types import Container, Service, Task
from longshore.errors import AwsError
from longshore.masking import MASK, Masks
from longshore.result import Failure
from longshore.rollout.diagnosis import LINE_LENGTH, Diagnosis
from tests.fakes.samples import deployment, service, task

CANARY = "canary-7f3a9c"
DEFINITION = {
    "containerDefinitions": [
        {
            "name": "web",
            "environment": [{"name": "DB_PASSWORD", "value": CANARY}],
            "logConfiguration": {"options": {"awslogs-group": "/shop/test/web", "awslogs-stream-prefix": "ecs"}},
        }
    ]
}


def stopped() -> Task:
    ended = task(Container("web", "app:v1", None, 3, ""), last_status="STOPPED", stop_code="EssentialContainerExited")
    return replace(ended, started_by="ours", stopped_reason="Essential container in task exited")


@dataclass
class Ecs:
    """ECS with one failed task."""

    broken: bool = False

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        if self.broken:
            raise AwsError("ECS DescribeServices: denied")
        return {"shop-test-web": service(deployment("ours", "FAILED"))}

    def tasks(self, cluster: str, name: str) -> list[Task]:
        return []

    def stopped_tasks(self, cluster: str, name: str) -> list[Task]:
        return [stopped(), stopped(), replace(stopped(), started_by="another")]

    def task_definition(self, arn: str) -> dict[str, Any]:
        return DEFINITION


@dataclass
class Logs:
    lines: list[str] = field(default_factory=lambda: ["starting", "boom"])

    def tail(self, group: str, stream: str, lines: int) -> list[str]:
        assert (group, stream) == ("/shop/test/web", "ecs/web/0123abcd")
        return self.lines


def diagnose(ecs: Ecs, logs: Logs, answer: str = "") -> Failure:
    return Diagnosis(ecs, logs, "shop-test", Masks()).of_service("shop-test-web", "ours", answer)


def test_the_first_failing_container_is_named_with_its_log() -> None:
    failure = diagnose(Ecs(), Logs())
    assert (failure.container, failure.exit_codes, failure.tasks) == ("web", {"web": 3}, 2)
    assert (failure.stop_code, failure.log) == ("EssentialContainerExited", ["starting", "boom"])


@pytest.mark.parametrize("before", [0, LINE_LENGTH - 5])
def test_secrets_are_masked_before_texts_are_truncated(before: int) -> None:
    text = f"{'x' * before}{CANARY}"
    failure = diagnose(Ecs(), Logs([text]), answer=text)
    assert "canar" not in f"{failure.log} {failure.answer}"
    assert before or (failure.log, failure.answer) == ([MASK], MASK)


def test_an_unreadable_reason_is_reported_as_such() -> None:
    failure = diagnose(Ecs(broken=True), Logs(), answer="answered 500")
    assert failure.reason == "the reason could not be read: ECS DescribeServices: denied"
    assert failure.answer == "answered 500"


def test_the_most_common_cause_is_shown_and_its_tasks_are_counted() -> None:
    class Mixed(Ecs):
        def stopped_tasks(self, cluster: str, name: str) -> list[Task]:
            denied = [
                replace(stopped(), stopped_reason=f"AccessDenied: request id: {number:08x}", stop_code="")
                for number in range(5)
            ]
            return [stopped(), *denied]

    failure = diagnose(Mixed(), Logs())
    assert (failure.reason, failure.tasks) == ("AccessDenied: request id: 00000000", 5)
