from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from longshore.aws.ecs_settings import EarlySuccess, ServiceSettings
from longshore.aws.ecs_types import Service, ServiceDeployment
from longshore.errors import NotReadyError, RolloutError
from longshore.rollout.completion import is_complete, is_settled
from longshore.rollout.deployments import completed
from longshore.rollout.in_flight import refuse_in_flight
from longshore.rollout.tracking import ServiceLook
from longshore.rollout.watch import bake, wait_for_counts
from tests.fakes.samples import WHEN, deployment, moved_clock, service
from tests.rollout.fake_ecs import ARN, NAME, FakeEcs, ours, service_deployment

EARLY = ServiceSettings(early_success=EarlySuccess(50, "DEFERRED"), minimum_healthy=50)
REVISION = "arn:aws:ecs:eu-central-1:123456789012:service-revision/shop-test/shop-test-web/"


def early(state: str = "IN_PROGRESS", **changes: Any) -> Service:
    return replace(service(deployment("ecs-svc/22", state)), settings=EARLY, **changes)


def details(status: str, number: int = 22) -> ServiceDeployment:
    return ServiceDeployment(ARN, status, "", WHEN, revision=f"{REVISION}{number}")


@pytest.mark.parametrize(
    ("current", "newest", "complete"),
    [
        (early("COMPLETED"), None, True),
        (early("COMPLETED"), details("SUCCESSFUL"), True),
        (early(), details("SUCCESSFUL"), True),
        (early(), details("SUCCESSFUL", 21), False),
        (early(), details("IN_PROGRESS"), False),
        (early(), None, False),
        (early("FAILED"), details("SUCCESSFUL"), False),
        (replace(early(), settings=ServiceSettings()), details("SUCCESSFUL"), False),
        (replace(early(), deployments=()), details("SUCCESSFUL"), False),
    ],
)
def test_an_early_success_completes_a_deployment_whatever_its_rollout_state_shows(
    current: Service,
    newest: ServiceDeployment | None,
    complete: bool,  # noqa: FBT001
) -> None:
    assert is_complete(current, newest) is complete

    def latest(cluster: str, names: Sequence[str]) -> dict[str, ServiceDeployment]:
        return {NAME: newest} if newest else {}

    assert is_settled(SimpleNamespace(latest_deployments=latest), "cluster", current) is complete


def test_the_wait_for_an_early_success_ends_with_its_service_deployment() -> None:
    tracked = replace(ours(), deployment="ecs-svc/22", arn=ARN)
    for status, done in (("SUCCESSFUL", True), ("IN_PROGRESS", False)):
        assert completed(ServiceLook(early(), tracked, details(status))) is done


def test_old_tasks_of_an_early_success_are_no_deployment_in_flight() -> None:
    refuse_in_flight({NAME: early()}, {NAME: details("SUCCESSFUL")})
    with pytest.raises(NotReadyError):
        refuse_in_flight({NAME: early()}, {NAME: details("SUCCESSFUL", 21)})


@pytest.mark.parametrize(("running", "healthy"), [(1, True), (0, False)])
def test_tasks_that_are_only_starting_do_not_break_the_bake_time(running: int, healthy: bool) -> None:  # noqa: FBT001
    """Old tasks run as well, and do not count."""
    primary = replace(deployment("ours", "COMPLETED"), running=running)
    look = replace(service(primary), settings=EARLY, running=running + 2)
    ecs = FakeEcs([look], deployments=[service_deployment("SUCCESSFUL")])
    if healthy:
        bake(ecs, "cluster", [ours(20)], 5, moved_clock(), lambda _: None)
    else:
        with pytest.raises(RolloutError):
            bake(ecs, "cluster", [ours(20)], 5, moved_clock(), lambda _: None)


def test_a_count_is_reached_while_old_tasks_of_an_early_success_still_run() -> None:
    primary = deployment("ours", "COMPLETED")
    ecs = FakeEcs([replace(service(primary), settings=EARLY, running=4)])
    scaled = replace(ours(20), by_ecs=True, move=replace(ours().move, count=2))
    wait_for_counts(ecs, "cluster", [scaled], moved_clock(), lambda _: None)


def test_the_alarms_that_failed_a_deployment_are_named() -> None:
    failed = service(deployment("ours", "FAILED"))
    alarmed = replace(service_deployment("STOPPED", "an alarm"), alarms=("errors", "slow"))
    with pytest.raises(RolloutError, match=r"\(in ALARM: errors, slow\)"):
        completed(ServiceLook(failed, ours(), alarmed))
