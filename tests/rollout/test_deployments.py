from __future__ import annotations

from dataclasses import replace

import pytest

from longshore.errors import RolloutError, SupersededError, UnknownOutcomeError
from longshore.rollout.baseline import Baseline
from longshore.rollout.deployments import completed, find_again, start
from longshore.rollout.tracking import Move, ServiceLook
from tests.fakes.samples import arn, deployment, moved_clock, service
from tests.rollout.fake_ecs import (
    IDS,
    NAME,
    OLD,
    OURS,
    REPLACED_AT,
    FakeEcs,
    LaggingEcs,
    Shown,
    ours,
    replaced_by_another,
    rolled_back_by_ecs,
    service_deployment,
    shown_deployment,
    shown_service_deployment,
)


def test_a_rollback_by_ecs_is_a_failure_and_not_another_deployment() -> None:
    rollback = deployment("rollback", "COMPLETED", revision=1)
    rolled_back = service(replace(rollback, created_at=OURS.created_at.replace(microsecond=9)))
    for status in ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"):
        with pytest.raises(RolloutError, match="breaker") as caught:
            completed(ServiceLook(rolled_back, ours(), service_deployment(status, "the breaker tripped")))
        assert not isinstance(caught.value, SupersededError)


def test_a_service_that_has_the_revision_already_gets_a_new_deployment() -> None:
    ecs = FakeEcs([service(deployment("old", "COMPLETED", revision=2))])
    started = start(ecs, "cluster", ours().move, 9)
    assert (started.deployment, started.previous) == ("ours", "before")
    start(ecs, "cluster", Move(NAME, arn(NAME, 3), 2), 9)
    assert ecs.updates == [("cluster", NAME, arn(NAME, 2), None, True), ("cluster", NAME, arn(NAME, 3), 2, False)]


MOVED = Move(NAME, arn(NAME, 2))
BEFORE = arn(NAME, 1)
THEIRS = replaced_by_another(3)


def test_the_deployment_of_an_interrupted_move_is_found_by_its_revision() -> None:
    deployed = find_again(FakeEcs([service(OURS)]), "cluster", MOVED, BEFORE, 9, moved_clock())
    assert deployed == replace(ours(9), previous=None)


def test_a_service_that_has_not_moved_has_no_deployment_to_find() -> None:
    assert find_again(FakeEcs([service(OLD)]), "cluster", MOVED, BEFORE, 9, moved_clock()) is None


def test_a_rollback_by_ecs_during_an_interruption_is_a_failure() -> None:
    ecs = FakeEcs([service(OLD)], deployments=[service_deployment("ROLLBACK_SUCCESSFUL", "the breaker tripped")])
    with pytest.raises(RolloutError, match="the breaker tripped") as caught:
        find_again(ecs, "cluster", MOVED, BEFORE, 9, moved_clock())
    assert not isinstance(caught.value, SupersededError)


def test_another_deployment_during_an_interruption_supersedes_ours() -> None:
    ecs = LaggingEcs(truth=THEIRS, lags=(0, 30, 30), clock=moved_clock())
    ecs.clock.sleep(61)
    with pytest.raises(SupersededError, match=r"another deployment, ecs-svc/4444 of .*:3, took over") as caught:
        find_again(ecs, "cluster", MOVED, BEFORE, 9, ecs.clock)
    assert caught.value.service == NAME


def test_a_deployment_during_an_interruption_that_aws_does_not_attribute_is_neither() -> None:
    ecs = FakeEcs([service(deployment("other", "IN_PROGRESS", revision=3))])
    with pytest.raises(UnknownOutcomeError, match="whether ECS or another process"):
        find_again(ecs, "cluster", MOVED, BEFORE, 9, moved_clock())


@pytest.mark.parametrize("lags", [(0, 0, 0), (0, 30, 0), (0, 8, 8)])
def test_a_deployment_that_began_after_the_look_is_not_overwritten(lags: tuple[float, float, float]) -> None:
    ecs = LaggingEcs(truth=THEIRS, lags=lags, clock=moved_clock())
    ecs.clock.sleep(62)
    for baseline in (
        Baseline(frozenset({BEFORE, arn(NAME, 2)})),
        Baseline(frozenset({BEFORE}), frozenset({IDS["ours"]})),
    ):
        with pytest.raises(SupersededError, match=r"another deployment, ecs-svc/4444 of .*:3, took over"):
            start(ecs, "cluster", MOVED, 9, baseline=baseline, clock=ecs.clock)
    assert not ecs.updates


def test_a_service_in_the_state_of_the_baseline_is_moved() -> None:
    ecs = LaggingEcs(truth=THEIRS, clock=moved_clock())
    ecs.clock.sleep(20)
    for baseline in (Baseline(frozenset({arn(NAME, 2)})), Baseline(frozenset(), frozenset({IDS["ours"]}))):
        assert start(ecs, "cluster", MOVED, 9, baseline=baseline, clock=ecs.clock).replaces == IDS["ours"]
    assert len(ecs.updates) == 2


@pytest.mark.parametrize("key", ["old", "rollback"])
@pytest.mark.parametrize("announced", [True, False])
def test_a_rollback_by_ecs_that_began_after_the_look_may_be_replaced(key: str, announced: bool) -> None:  # noqa: FBT001
    """So `invoke rollback` ends a deployment that an earlier run left behind, though ECS rolls it back meanwhile."""
    ecs = LaggingEcs(truth=rolled_back_by_ecs(key, announced=announced), lags=(0, 30, 30), clock=moved_clock())
    ecs.clock.sleep(61)
    start(ecs, "cluster", Move(NAME, arn(NAME, 7)), 9, baseline=Baseline(frozenset({arn(NAME, 2)})), clock=ecs.clock)
    assert len(ecs.updates) == 1


def _restarted_by_another() -> list[Shown]:
    """Another process restarts a service that has completed: its deployment has the same revision and a new id."""
    begun = replaced_by_another(1)[0]
    theirs = shown_deployment("theirs", "IN_PROGRESS", REPLACED_AT, revision=1)
    old = replace(begun.service.deployments[0], status="ACTIVE")
    new = shown_service_deployment("theirs", "IN_PROGRESS", REPLACED_AT)
    return [begun, Shown(REPLACED_AT, service(theirs, old), (*begun.history, new))]


LOOKED = Baseline(frozenset({MOVED.task_definition}), frozenset({IDS["old"]}))
"""The service as it was looked at: on the deployment ``old``."""


@pytest.mark.parametrize("lags", [(0, 0, 0), (0, 30, 0), (8, 0, 0), (0, 8, 30)])
def test_a_restart_by_another_process_after_the_look_is_not_overwritten(lags: tuple[float, float, float]) -> None:
    ecs = LaggingEcs(truth=_restarted_by_another(), lags=lags, clock=moved_clock())
    ecs.clock.sleep(REPLACED_AT + lags[0])
    with pytest.raises(SupersededError, match=r"another deployment, ecs-svc/4444 of .*:1, took over"):
        start(ecs, "cluster", MOVED, 9, baseline=LOOKED, clock=ecs.clock)
    assert not ecs.updates


def test_a_new_count_after_the_look_is_no_deployment() -> None:
    """Recorded: a new desired count keeps PRIMARY, its id and its date; autoscaling sets no more than that."""
    begun = replaced_by_another(1)[0]
    scaled = replace(begun, service=replace(begun.service, desired=7))
    ecs = LaggingEcs(truth=[scaled], clock=moved_clock())
    assert start(ecs, "cluster", MOVED, 9, baseline=LOOKED, clock=ecs.clock).replaces == IDS["old"]


@pytest.mark.parametrize("key", ["old", "rollback"])
@pytest.mark.parametrize("lags", [(0, 0, 0), (0, 30, 0), (0, 8, 30)])
def test_a_rollback_by_ecs_to_the_looked_revision_may_be_moved(key: str, lags: tuple[float, float, float]) -> None:
    """Another process deployed after the look, and ECS rolled that deployment back: no work is overwritten."""
    ecs = LaggingEcs(truth=rolled_back_by_ecs(key), lags=lags, clock=moved_clock())
    ecs.clock.sleep(REPLACED_AT + 190)
    start(ecs, "cluster", Move(NAME, arn(NAME, 7)), 9, baseline=LOOKED, clock=ecs.clock)
    assert len(ecs.updates) == 1
