from __future__ import annotations

import pytest

from longshore.aws.ecs_types import ServiceDeployment
from longshore.errors import NotReadyError
from longshore.rollout.in_flight import refuse_in_flight
from tests.fakes.samples import WHEN, deployment, service

NAME = "shop-test-web"
ARN = "arn:aws:ecs:eu-central-1:123456789012:service-deployment/shop-test/shop-test-web/abc"
OLD = deployment("old", "COMPLETED", revision=1, age=9)
OURS = deployment("ours", "IN_PROGRESS")


def whole(status: str) -> ServiceDeployment:
    return ServiceDeployment(ARN, status, "", WHEN)


def test_a_deployment_in_flight_refuses_a_release() -> None:
    busy = {"web": service(deployment("theirs", "IN_PROGRESS"))}
    with pytest.raises(NotReadyError, match="theirs is IN_PROGRESS"):
        refuse_in_flight(busy, {})
    with pytest.raises(NotReadyError, match="abc is ROLLBACK_IN_PROGRESS"):
        refuse_in_flight({NAME: service(OLD)}, {NAME: whole("ROLLBACK_IN_PROGRESS")})
    refuse_in_flight(
        {"web": service(deployment("done", "COMPLETED")), "idle": service(deployment("x", "IN_PROGRESS"), desired=0)},
        {},
    )


def test_what_ends_a_deployment_in_flight_is_said() -> None:
    busy = {NAME: service(deployment("theirs", "IN_PROGRESS"))}
    for latest, way in (
        ({NAME: whole("IN_PROGRESS")}, f"aws ecs stop-service-deployment --service-deployment-arn {ARN}"),
        ({}, f"move {NAME} to a revision that works: aws ecs update-service"),
    ):
        for repairing in (False, True):
            with pytest.raises(NotReadyError) as caught:
                refuse_in_flight(busy, latest, repairing=repairing)
            assert caught.value.hint.endswith(way)
            assert ("invoke rollback" in caught.value.hint) is not repairing


def test_a_deployment_that_a_release_of_ours_left_is_repaired() -> None:
    left = {NAME: service(OURS)}
    refuse_in_flight(left, {NAME: whole("IN_PROGRESS")}, repairing=True, ours={"ours"})
    with pytest.raises(NotReadyError):
        refuse_in_flight(left, {NAME: whole("IN_PROGRESS")}, repairing=True, ours={"another"})


def test_a_deployment_that_failed_for_good_is_repaired_by_a_roll_back_only() -> None:
    failed = {"web": service(deployment("theirs", "FAILED"))}
    with pytest.raises(NotReadyError) as caught:
        refuse_in_flight(failed, {})
    assert "invoke rollback" in caught.value.hint
    refuse_in_flight(failed, {}, repairing=True)
