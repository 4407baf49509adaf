from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from longshore.aws.ecs_settings import ServiceSettings
from longshore.aws.ecs_types import Container, Service, Task
from longshore.aws.target_health import TargetHealth
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


@dataclass
class Targets:
    """A load balancer with these targets."""

    answer: list[TargetHealth] | AwsError = field(default_factory=list)
    asked: list[Sequence[str]] = field(default_factory=list)

    def health(self, groups: Sequence[str]) -> list[TargetHealth]:
        self.asked.append(groups)
        if isinstance(self.answer, AwsError):
            raise self.answer
        return self.answer


def diagnose(ecs: Ecs, logs: Logs, answer: str = "", targets: Targets | None = None) -> Failure:
    return Diagnosis(ecs, logs, targets or Targets(), "shop-test", Masks()).of_service("shop-test-web", "ours", answer)


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


MISMATCH = ("unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [404]")
GROUP = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/web/0a1b"


class Balanced(Ecs):
    """A service behind a target group: two tasks of ours run, one of another deployment, and events tell of them."""

    network: tuple[dict[str, Any], ...] = (
        {"addresses": ("10.0.0.1",)},
        {"addresses": ("10.0.0.2",)},
        {"addresses": ("10.0.0.3",)},
    )

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        unhealthy = [f"(service web) (task {name}) (port 80) is unhealthy in (target-group …)" for name in ("0", "9")]
        events = (*[f"event {number}" for number in range(5)], *unhealthy)
        settings = ServiceSettings(target_groups=(GROUP,))
        return {"shop-test-web": replace(service(deployment("ours", "FAILED")), settings=settings, events=events)}

    def tasks(self, cluster: str, name: str) -> list[Task]:
        owners = ("ours", "ours", "another")
        return [
            replace(task(), arn=f"arn/{number}", started_by=owner, **network)
            for number, (owner, network) in enumerate(zip(owners, self.network, strict=True))
        ]


class OnInstances(Balanced):
    """The same with bridge networking: one port is used by a task of ours and by one of another deployment."""

    network = ({"host_ports": (32768,)}, {"host_ports": (32769,)}, {"host_ports": (32769,)})


class Unknown(Balanced):
    """The same, but ECS shows no addresses."""

    network = ({}, {}, {})


def target(identity: str, port: int, state: str = "healthy", reason: str = "", description: str = "") -> TargetHealth:
    return TargetHealth(identity, port, state, reason, description)


def test_the_targets_of_our_tasks_are_named_with_their_reasons() -> None:
    targets = Targets([
        target("10.0.0.1", 80, *MISMATCH),
        target("10.0.0.2", 80, *MISMATCH),
        target("10.0.0.3", 80, "unhealthy", "Target.Timeout", "Request timed out"),
    ])  # fmt: skip
    failure = diagnose(Balanced(), Logs(), targets=targets)
    assert failure.targets == [
        "2 targets unhealthy: Target.ResponseCodeMismatch (Health checks failed with these codes: [404])"
    ]
    assert targets.asked == [(GROUP,)]


def test_targets_that_are_healthy_or_leave_are_not_named_and_the_worst_come_first() -> None:
    targets = Targets([
        target("10.0.0.1", 80),
        target("10.0.0.1", 81, "draining", "Target.DeregistrationInProgress"),
        target("10.0.0.2", 80, "initial", "Elb.InitialHealthChecking"),
        target("10.0.0.2", 81, "unused", "Target.NotInUse", "Availability Zone is not enabled"),
    ])  # fmt: skip
    assert diagnose(Balanced(), Logs(), targets=targets).targets == [
        "1 target unused: Target.NotInUse (Availability Zone is not enabled)",
        "1 target initial: Elb.InitialHealthChecking",
    ]


def test_on_instances_a_target_is_ours_by_a_port_that_no_other_task_uses() -> None:
    targets = Targets([target("i-0a1b", 32768, *MISMATCH), target("i-0c2d", 32769, *MISMATCH)])
    assert diagnose(OnInstances(), Logs(), targets=targets).targets == [
        "1 target unhealthy: Target.ResponseCodeMismatch (Health checks failed with these codes: [404])"
    ]


def test_without_addresses_the_targets_are_those_of_the_group() -> None:
    targets = Targets([target("10.0.0.3", 80, *MISMATCH)])
    assert diagnose(Unknown(), Logs(), targets=targets).targets == [
        "1 target of its target groups unhealthy: Target.ResponseCodeMismatch "
        "(Health checks failed with these codes: [404])"
    ]


def test_targets_that_cannot_be_read_hide_no_other_reason() -> None:
    failure = diagnose(Balanced(), Logs(), targets=Targets(AwsError("denied", code="AccessDenied")))
    assert (failure.targets, failure.stop_code) == ([], "EssentialContainerExited")
    assert diagnose(Ecs(), Logs(), targets=Targets([target("10.0.0.1", 80, *MISMATCH)])).targets == []


def test_an_older_event_about_an_unhealthy_task_of_ours_is_shown() -> None:
    events = diagnose(Balanced(), Logs()).events
    assert events[:5] == [f"event {number}" for number in range(5)]
    assert events[5:] == ["(service web) (task 0) (port 80) is unhealthy in (target-group …)"]
