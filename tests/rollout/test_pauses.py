"""Waits at lifecycle hooks: which deadlines they stop, and what you read meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from longshore.aws.ecs_hooks import Hook
from longshore.aws.ecs_types import ServiceDeployment
from longshore.errors import AwsError, DeadlineError, RolloutError, UnknownOutcomeError
from longshore.rollout.pauses import HeldTime, brief, describe
from longshore.rollout.tracking import ServiceLook
from longshore.rollout.watch import wait
from tests.fakes.samples import moved_clock, service
from tests.rollout.fake_ecs import DONE, OURS, THROTTLED, FakeEcs, ours, service_deployment

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)
ASKING = Hook("hook-1", "PAUSE", "AWAITING_ACTION", NOON, "ROLLBACK")
FUNCTION = Hook("hook-2", "AWS_LAMBDA", "IN_PROGRESS", NOON - timedelta(minutes=30), "CONTINUE")


def paused(*hooks: Hook, status: str = "IN_PROGRESS") -> ServiceDeployment:
    return replace(service_deployment(status), stage="PRE_SCALE_UP", hooks=hooks)


def waited(*answers: Any, deadline: float, deployments: list[ServiceDeployment]) -> list[ServiceLook]:
    seen: list[ServiceLook] = []
    ecs = FakeEcs(list(answers), deployments=deployments)
    wait(ecs, "cluster", [ours(deadline)], moved_clock(), seen.append)
    return seen


@pytest.mark.parametrize("hook", [ASKING, FUNCTION])
def test_a_wait_at_a_hook_does_not_count_towards_the_deadline(hook: Hook) -> None:
    looks = [paused(hook)] * 100
    seen = waited(*[service(OURS)] * 101, DONE, deadline=30, deployments=[*looks, service_deployment("SUCCESSFUL")])
    assert len(seen) > 100
    held = sum(until - since for since, until in (look.held for look in seen if look.held))
    assert held > 300


def test_the_deadline_continues_after_the_wait() -> None:
    going = service_deployment("IN_PROGRESS")
    with pytest.raises(DeadlineError, match="not completed after 30 s"):
        waited(service(OURS), deadline=30, deployments=[*[paused(ASKING)] * 20, going])


@pytest.mark.parametrize("hook", [replace(ASKING, status="SUCCEEDED"), replace(FUNCTION, status="SUCCEEDED")])
def test_a_hook_that_has_ended_stops_no_deadline(hook: Hook) -> None:
    with pytest.raises(DeadlineError):
        waited(service(OURS), deadline=30, deployments=[paused(hook)])


def test_a_wait_that_cannot_be_observed_ends_at_the_deadline() -> None:
    answers: list[Any] = [*[service(OURS)] * 20, THROTTLED]
    with pytest.raises(UnknownOutcomeError, match="within 30 s"):
        waited(*answers, deadline=30, deployments=[paused(ASKING)])


def test_a_gap_between_two_looks_at_a_wait_belongs_to_it() -> None:
    unread: list[AwsError] = [THROTTLED] * 3
    answers: list[Any] = [service(OURS), *unread, *[service(OURS)] * 30, DONE]
    deployments = [*[paused(ASKING)] * 30, service_deployment("SUCCESSFUL")]
    assert waited(*answers, deadline=20, deployments=deployments)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("TIMED_OUT", "(no answer to its pause hook in time)"),
        ("FAILED", "(its pause hook was answered with a rollback)"),
    ],
)
def test_a_rollback_at_a_hook_says_how_the_hook_ended(status: str, text: str) -> None:
    ended = replace(paused(replace(ASKING, status=status), status="ROLLBACK_REQUESTED"), reason="hook(s) failed.")
    with pytest.raises(RolloutError) as caught:
        waited(service(OURS), deadline=30, deployments=[ended])
    assert caught.value.message.endswith(f"hook(s) failed. {text}")


def test_the_time_between_two_looks_counts_if_the_first_one_showed_a_wait() -> None:
    held = HeldTime()
    spans = [held.learn("web", now, waits=waits) for now, waits in ((1, False), (2, True), (5, True), (9, False))]
    assert (spans, held.seconds) == ([None, None, (2, 5), (5, 9)], {"web": 7})


def test_a_wait_is_described_with_its_end_its_outcome_and_your_commands() -> None:
    text = describe("shop-web", paused(ASKING), "invoke continue", NOON - timedelta(minutes=90))
    assert text == (
        "shop-web waits at PRE_SCALE_UP until 2026-05-06 12:00 UTC (90 minutes from now); then ECS rolls back."
        " The deadlines of the release do not run for it during the wait."
        " To continue: invoke continue. To roll back: invoke continue --rollback"
    )


def test_a_function_needs_no_answer() -> None:
    assert "there is nothing to do" in describe("web", paused(FUNCTION), "invoke continue", NOON)
    assert "until 2026-05-06 11:30 UTC" in brief(paused(FUNCTION, ASKING)), "the first one to expire decides"
    assert brief(paused(replace(ASKING, expires_at=None))) == "waits at PRE_SCALE_UP"
