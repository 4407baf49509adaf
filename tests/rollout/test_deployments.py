from __future__ import annotations

from dataclasses import replace

import pytest

from longshore.errors import RolloutError, SupersededError
from longshore.rollout.deployments import Move, ServiceLook, completed, find_again, start
from tests.fakes.samples import arn, deployment, service
from tests.rollout.fake_ecs import NAME, OLD, OURS, FakeEcs, ours, service_deployment


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


def test_the_deployment_of_an_interrupted_move_is_found_by_its_revision() -> None:
    deployed = find_again(FakeEcs([service(OURS)]), "cluster", MOVED, BEFORE, 9)
    assert deployed == replace(ours(9), previous=None)


def test_a_service_that_has_not_moved_has_no_deployment_to_find() -> None:
    assert find_again(FakeEcs([service(OLD)]), "cluster", MOVED, BEFORE, 9) is None


def test_a_rollback_by_ecs_during_an_interruption_is_a_failure() -> None:
    ecs = FakeEcs([service(OLD)], deployments=[service_deployment("ROLLBACK_SUCCESSFUL", "the breaker tripped")])
    with pytest.raises(RolloutError, match="the breaker tripped") as caught:
        find_again(ecs, "cluster", MOVED, BEFORE, 9)
    assert not isinstance(caught.value, SupersededError)


def test_another_deployment_during_an_interruption_supersedes_ours() -> None:
    with pytest.raises(SupersededError, match=r"another deployment, other of .*:3, took over") as caught:
        find_again(FakeEcs([service(deployment("other", "IN_PROGRESS", revision=3))]), "cluster", MOVED, BEFORE, 9)
    assert caught.value.service == NAME
