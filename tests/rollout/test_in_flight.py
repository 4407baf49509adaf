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


def latest(status: str) -> ServiceDeployment:
    return ServiceDeployment(ARN, status, "", WHEN)


def test_a_release_is_refused_while_a_deployment_is_in_flight() -> None:
    busy = {"web": service(deployment("other", "IN_PROGRESS"))}
    with pytest.raises(NotReadyError, match="other is IN_PROGRESS"):
        refuse_in_flight(busy, {})
    with pytest.raises(NotReadyError, match="abc is ROLLBACK_IN_PROGRESS"):
        refuse_in_flight({NAME: service(OLD)}, {NAME: latest("ROLLBACK_IN_PROGRESS")})
    refuse_in_flight(
        {"web": service(deployment("done", "COMPLETED")), "idle": service(deployment("x", "IN_PROGRESS"), desired=0)},
        {},
    )


def test_the_hint_says_how_to_end_the_deployment() -> None:
    busy = {NAME: service(deployment("other", "IN_PROGRESS"))}
    for newest, command in (
        ({NAME: latest("IN_PROGRESS")}, f"aws ecs stop-service-deployment --service-deployment-arn {ARN}"),
        ({}, f"move {NAME} to a revision that works: aws ecs update-service"),
    ):
        for repairing in (False, True):
            with pytest.raises(NotReadyError) as caught:
                refuse_in_flight(busy, newest, repairing=repairing)
            assert caught.value.hint.endswith(command)
            assert ("invoke rollback" in caught.value.hint) is not repairing


def test_a_rollback_may_replace_a_deployment_that_a_release_left_behind() -> None:
    services = {NAME: service(OURS)}
    refuse_in_flight(services, {NAME: latest("IN_PROGRESS")}, repairing=True, ours={"ours"})
    with pytest.raises(NotReadyError):
        refuse_in_flight(services, {NAME: latest("IN_PROGRESS")}, repairing=True, ours={"another"})


def test_only_a_rollback_may_replace_a_failed_deployment() -> None:
    failed = {"web": service(deployment("other", "FAILED"))}
    with pytest.raises(NotReadyError) as caught:
        refuse_in_flight(failed, {})
    assert "invoke rollback" in caught.value.hint
    refuse_in_flight(failed, {}, repairing=True)
