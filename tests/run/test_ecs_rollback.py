from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import cast

import pytest

from longshore.aws.ecs import Ecs
from longshore.config.settings import Deadlines
from longshore.errors import LongshoreError, RolloutError, SupersededError, UnknownOutcomeError
from longshore.result import Failure, Running, ServiceResult
from longshore.rollout.tracking import Move, TrackedDeployment
from longshore.rollout.watch import wait
from longshore.run import ecs_rollback
from longshore.run.deployer import Deployer
from longshore.run.limits import Limits
from tests.fakes.runs import started
from tests.fakes.samples import arn, moved_clock
from tests.rollout.fake_ecs import IDS, NAME, REPLACED_AT, LaggingEcs, Shown, at, replaced_by_another, stopped
from tests.rollout.test_origin import BY_ANOTHER, BY_ECS, tracked, watched

LAGS = list(product((0, 8, 30), (0, 8, 30), (0, 8, 30)))
BACK = Move(NAME, arn(NAME, 1))
BEFORE = [
    replace(stopped(started_by=IDS["old"]), arn=f"task-{created}", created_at=at(created))
    for created in (-7200, -7100, -7000, 10, 20, 30)
]
"""Tasks of the old deployment that failed before ECS rolled back to it, three of them beside ours."""


def find_rollback(ecs: LaggingEcs, error: LongshoreError | None = None) -> TrackedDeployment | None:
    service = ServiceResult(
        name=NAME,
        wave=2,
        before=Running(task_definition=arn(NAME, 1), count=2),
        after=Running(task_definition=arn(NAME, 2), count=2),
    )
    fixed = Deadlines(rollout=900)

    def limits(warn: Callable[[str], None]) -> Limits:
        return Limits(cast("Ecs", ecs), lambda _: {}, fixed, warn)

    deployer = Deployer(cast("Ecs", ecs), ecs.clock, fixed, lambda *_: Failure(subject=NAME), limits)
    with started(services={"web": service}) as run:
        return ecs_rollback.find(run, deployer, "web", tracked(), BACK, error or RolloutError("failed"))


@pytest.mark.parametrize("truth", BY_ECS.values(), ids=BY_ECS)
def test_a_rollback_by_ecs_is_awaited_whatever_is_shown_first(truth: list[Shown]) -> None:
    for lags in LAGS:
        ecs = LaggingEcs(truth=truth, lags=lags, clock=moved_clock(), stopped=BEFORE)
        rollback = find_rollback(ecs, watched(ecs))
        assert rollback, lags
        assert rollback.by_ecs
        wait(ecs, "cluster", [rollback], ecs.clock, lambda _: None)
        assert ecs.clock.now() >= REPLACED_AT + 180, lags
        assert not ecs.updates


@pytest.mark.parametrize("truth", BY_ANOTHER.values(), ids=BY_ANOTHER)
def test_the_deployment_of_another_process_is_left_alone_whatever_is_shown_first(truth: list[Shown]) -> None:
    for lags in LAGS:
        ecs = LaggingEcs(truth=truth, lags=lags, clock=moved_clock())
        error = watched(ecs)
        assert isinstance(error, SupersededError), lags
        if truth is BY_ANOTHER["revision 1"]:
            continue  # it returns to the revision that ours replaced, and may be awaited
        with pytest.raises(SupersededError):
            find_rollback(ecs, error)
        assert not ecs.updates


def test_failures_of_a_rollback_count_only_once_it_has_begun() -> None:
    truth = BY_ECS["old, not renewed, announced"]
    ecs = LaggingEcs(truth=truth, clock=moved_clock(), stopped=list(BEFORE))
    rollback = find_rollback(ecs, watched(ecs))
    assert rollback
    assert rollback.created_at == at(0), "a read that still shows ours as PRIMARY must not be newer"
    ecs.stopped += [replace(stopped(started_by=IDS["old"]), arn=f"new-{n}", created_at=at(90 + n)) for n in range(3)]
    with pytest.raises(RolloutError, match="3 new tasks stopped"):
        wait(ecs, "cluster", [rollback], ecs.clock, lambda _: None)


def test_a_deployment_that_aws_does_not_attribute_is_left_untouched() -> None:
    before, begun, replaced, _ = replaced_by_another(3)
    ecs = LaggingEcs(truth=[before, begun, replace(replaced, history=replaced.history[:1])], clock=moved_clock())
    with pytest.raises(UnknownOutcomeError, match=r"could not determine within 120 s whether ECS or another process"):
        find_rollback(ecs, watched(ecs))
    assert not ecs.updates
