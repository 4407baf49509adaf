from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from longshore.errors import DeadlineError, RolloutError, SupersededError
from longshore.rollout import origin
from longshore.rollout.deployments import completed
from longshore.rollout.origin import Origin
from longshore.rollout.tracking import Move, ServiceLook, TrackedDeployment
from longshore.rollout.watch import wait
from tests.fakes.samples import arn, moved_clock, service
from tests.rollout.fake_ecs import (
    ANNOUNCED,
    IDS,
    NAME,
    LaggingEcs,
    Shown,
    at,
    replaced_by_another,
    rolled_back_by_ecs,
    shown_deployment,
    shown_service_deployment,
)

LAGS = list(product((0, 1, 8, 30), (0, 1, 8, 30), (0, 1, 8, 30)))
BY_ECS = {
    f"{key}{'' if renewed else ', not renewed'}{', announced' if announced else ''}": rolled_back_by_ecs(
        key, renewed=renewed, announced=announced
    )
    for key, renewed, announced in product(("rollback", "old"), (True, False), (True, False))
    if renewed or key == "old"
}
BY_ANOTHER = {f"revision {revision}": replaced_by_another(revision) for revision in (1, 2, 3)}


def tracked() -> TrackedDeployment:
    return TrackedDeployment(Move(NAME, arn(NAME, 2)), IDS["ours"], at(0), 600, replaces=IDS["old"])


def watched(ecs: LaggingEcs) -> RolloutError:
    with pytest.raises(RolloutError) as caught:
        wait(ecs, "cluster", [tracked()], ecs.clock, lambda _: None)
    return caught.value


@pytest.mark.parametrize("truth", BY_ECS.values(), ids=BY_ECS)
def test_a_rollback_by_ecs_is_a_failure_whatever_is_shown_first(truth: list[Shown]) -> None:
    for lags in LAGS:
        error = watched(LaggingEcs(truth=truth, lags=lags, clock=moved_clock(), names_current=True))
        assert not isinstance(error, SupersededError | DeadlineError), (lags, error.message)


@pytest.mark.parametrize("truth", BY_ANOTHER.values(), ids=BY_ANOTHER)
def test_another_process_supersedes_ours_whatever_is_shown_first(truth: list[Shown]) -> None:
    for lags in LAGS:
        error = watched(LaggingEcs(truth=truth, lags=lags, clock=moved_clock(), names_current=True))
        assert isinstance(error, SupersededError), (lags, error.message)
        assert error.hint == origin.UNTOUCHED


def test_a_deployment_that_aws_does_not_attribute_is_neither() -> None:
    *_, replaced, _ = replaced_by_another(3)
    unseen = replace(replaced, history=replaced.history[:1])
    ecs = LaggingEcs(truth=[*replaced_by_another(3)[:2], unseen], clock=moved_clock())
    assert isinstance(watched(ecs), DeadlineError)


def test_the_recorded_rollback_is_a_failure_with_its_reason() -> None:
    """DescribeServices as in the README of wanews' wait-for-ecs-deploy, with other numbers; it is of 2021."""
    primary = shown_deployment("old", "IN_PROGRESS", 217, revision=1, reason=ANNOUNCED.format(IDS["old"]))
    beside = shown_deployment("ours", "IN_PROGRESS", 0, status="ACTIVE")
    shown = service(primary, replace(beside, running=0, failed=3))
    for status in (None, "PENDING", "IN_PROGRESS"):
        details = shown_service_deployment("ours", status, 0) if status else None
        with pytest.raises(RolloutError, match="circuit breaker: rolling back") as caught:
            completed(ServiceLook(shown, tracked(), details))
        assert not isinstance(caught.value, SupersededError)


def test_a_rollback_that_is_announced_after_another_deployment_is_not_ours() -> None:
    """Another process deployed over ours, and ECS rolls that deployment back."""
    primary = shown_deployment("rollback", "IN_PROGRESS", 300, revision=1, reason=ANNOUNCED.format(IDS["rollback"]))
    theirs = shown_deployment("theirs", "IN_PROGRESS", 60, status="ACTIVE", revision=3)
    look = ServiceLook(service(primary, theirs), tracked())
    assert origin.of_primary(look) is Origin.UNKNOWN
    history = [shown_service_deployment("theirs", "ROLLBACK_IN_PROGRESS", 60)]
    look = replace(look, others=tuple(origin.others(history, tracked())))
    assert origin.of_primary(look) is Origin.ANOTHER


def test_a_service_deployment_without_digits_is_another_one_only_if_it_is_newer_than_ours() -> None:
    ours = replace(shown_service_deployment("ours", "STOPPED", 0), revision="")
    newer = replace(shown_service_deployment("theirs", "IN_PROGRESS", 60), revision="")
    assert not list(origin.others([newer, ours], tracked())), "which one is ours is not known"
    assert list(origin.others([newer, ours], replace(tracked(), arn=ours.arn))) == [newer]


def test_a_stopped_deployment_that_nothing_replaces_has_failed_after_a_while() -> None:
    begun = replaced_by_another(3)[:2]
    stopped = replace(begun[1], since=60, history=(shown_service_deployment("ours", "STOPPED", 0),))
    ecs = LaggingEcs(truth=[*begun, stopped], clock=moved_clock())
    assert "was stopped (STOPPED)" in watched(ecs).message
    assert ecs.clock.now() > 60 + origin.KNOWN_WITHIN
