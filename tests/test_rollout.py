from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from longshore.aws.ecs import Service
from longshore.errors import AwsError, RolloutError, SupersededError
from longshore.rollout import Move, Started, refuse_in_flight, start, wait
from tests.samples import arn, deployment, moved_clock, service

OURS = Started(Move("shop-test-web", arn("shop-test-web", 2)), "ours")


@dataclass
class Ecs:
    """Answers with these services in turn, the last one for ever."""

    answers: list[Service | AwsError]
    updates: list[tuple[object, ...]] = field(default_factory=list)

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, AwsError):
            raise answer
        return {answer.name: answer}

    def update(self, cluster: str, service: str, task_definition: str, count: int | None, *, force: bool) -> str:
        self.updates.append((cluster, service, task_definition, count, force))
        return "ours"


def waited(*answers: Service | AwsError, deadline: float = 600) -> list[Service]:
    seen: list[Service] = []
    wait(Ecs(list(answers)), "cluster", [OURS], deadline, moved_clock(), seen.append)
    return seen


def test_it_waits_for_its_own_deployment_to_complete() -> None:
    seen = waited(
        service(deployment("old", "COMPLETED", revision=1, age=9)),
        service(deployment("ours", "IN_PROGRESS"), deployment("old", "COMPLETED", status="ACTIVE", age=9)),
        service(deployment("ours", "COMPLETED")),
    )
    assert len(seen) == 3


def test_an_old_state_read_just_after_the_update_is_not_success() -> None:
    with pytest.raises(RolloutError, match="not completed after 60 s"):
        waited(service(deployment("old", "COMPLETED", revision=1, age=9)), deadline=60)


def test_an_unknown_state_is_in_progress_until_the_deadline() -> None:
    with pytest.raises(RolloutError, match="not completed"):
        waited(service(deployment("ours", "TRANSCENDED")), deadline=60)


def test_a_failed_deployment_fails_though_the_old_tasks_run() -> None:
    with pytest.raises(RolloutError, match="deployment ours failed"):
        waited(service(deployment("ours", "FAILED")))


def test_a_newer_deployment_of_somebody_else_supersedes_ours() -> None:
    answer = service(
        deployment("theirs", "IN_PROGRESS", revision=3), deployment("ours", "IN_PROGRESS", status="ACTIVE", age=5)
    )
    with pytest.raises(SupersededError) as caught:
        waited(answer)
    assert caught.value.service == "shop-test-web"


def test_a_read_that_fails_for_a_moment_is_tried_again() -> None:
    seen = waited(AwsError("slow down", code="ThrottlingException"), service(deployment("ours", "COMPLETED")))
    assert len(seen) == 1


def test_a_refused_read_ends_the_wait_at_once() -> None:
    with pytest.raises(AwsError, match="not allowed"):
        waited(AwsError("not allowed", code="AccessDeniedException"), service(deployment("ours", "COMPLETED")))


def test_a_service_that_has_the_revision_already_gets_a_new_deployment() -> None:
    ecs = Ecs([service(deployment("old", "COMPLETED", revision=2))])
    start(ecs, "cluster", OURS.move)
    start(ecs, "cluster", Move("shop-test-web", arn("shop-test-web", 3), 2))
    assert ecs.updates == [
        ("cluster", "shop-test-web", arn("shop-test-web", 2), None, True),
        ("cluster", "shop-test-web", arn("shop-test-web", 3), 2, False),
    ]


def test_a_deployment_in_flight_refuses_a_release() -> None:
    with pytest.raises(AwsError, match="theirs is IN_PROGRESS"):
        refuse_in_flight({"web": service(deployment("theirs", "IN_PROGRESS"))})
    refuse_in_flight(
        {"web": service(deployment("done", "COMPLETED")), "idle": service(deployment("x", "IN_PROGRESS"), desired=0)}
    )
