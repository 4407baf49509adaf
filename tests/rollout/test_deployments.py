from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from longshore.aws.ecs_types import Container, Deployment, Service, ServiceDeployment, Task
from longshore.clock import Clock
from longshore.errors import (
    AwsError,
    CrashLoopError,
    DeadlineError,
    RolloutError,
    SupersededError,
    UnknownOutcomeError,
)
from longshore.rollout.deployments import Move, TrackedDeployment, completed, start
from longshore.rollout.watch import keep_watching, wait
from tests.fakes.samples import WHEN, arn, deployment, moved_clock, service, task

NAME = "shop-test-web"
ARN = "arn:aws:ecs:eu-central-1:123456789012:service-deployment/shop-test/shop-test-web/abc"
OLD = deployment("old", "COMPLETED", revision=1, age=9)
OURS = deployment("ours", "IN_PROGRESS")
DONE = service(deployment("ours", "COMPLETED"))


def ours(deadline: float = 600) -> TrackedDeployment:
    return TrackedDeployment(Move(NAME, arn(NAME, 2)), "ours", OURS.created_at, deadline)


def whole(status: str, reason: str = "") -> ServiceDeployment:
    return ServiceDeployment(ARN, status, reason, OURS.created_at)


def stopped(exit_code: int | None = 3, *, started_by: str = "ours", code: str = "EssentialContainerExited") -> Task:
    one = task(Container("web", "app:v1", None, exit_code, ""), last_status="STOPPED", stop_code=code)
    return replace(one, started_by=started_by, stopped_reason="Essential container in task exited")


@dataclass
class Ecs:
    """Answers with these services in turn, the last one for ever."""

    answers: list[Service | AwsError]
    deployments: list[ServiceDeployment] = field(default_factory=list)
    stopped: list[Task] = field(default_factory=list)
    updates: list[tuple[object, ...]] = field(default_factory=list)

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, AwsError):
            raise answer
        return {answer.name: answer}

    def update(
        self, cluster: str, service: str, task_definition: str, count: int | None, *, force: bool = False
    ) -> Deployment:
        self.updates.append((cluster, service, task_definition, count, force))
        return OURS

    def newest_deployment(self, cluster: str, service: str) -> str | None:
        return "before"

    def find_deployment(self, cluster: str, service: str, created_at: datetime, known: str | None) -> str | None:
        return ARN if self.deployments else None

    def service_deployments(self, arns: Sequence[str]) -> dict[str, ServiceDeployment]:
        if not arns:
            return {}
        return {ARN: self.deployments.pop(0) if len(self.deployments) > 1 else self.deployments[0]}

    def stopped_tasks(self, cluster: str, service: str) -> list[Task]:
        return self.stopped


def waited(*answers: Service | AwsError, deadline: float = 600, **ecs: Any) -> list[Service]:
    seen: list[Service] = []
    wait(Ecs(list(answers), **ecs), "cluster", [ours(deadline)], moved_clock(), seen.append)
    return seen


def test_it_waits_for_its_own_deployment_to_complete() -> None:
    seen = waited(service(OLD), service(OURS, replace(OLD, status="ACTIVE")), DONE)
    assert len(seen) == 3


def test_completed_is_not_enough_while_the_service_deployment_goes_on() -> None:
    seen = waited(DONE, deployments=[whole("IN_PROGRESS"), whole("IN_PROGRESS"), whole("SUCCESSFUL")])
    assert len(seen) == 3


def test_an_old_state_read_just_after_the_update_is_not_success() -> None:
    with pytest.raises(DeadlineError, match="not completed after 60 s"):
        waited(service(OLD), deadline=60)


@pytest.mark.parametrize("deployments", [[], [whole("IN_ASCENSION")]])
def test_an_unknown_state_is_in_progress_until_the_deadline(deployments: list[ServiceDeployment]) -> None:
    answer = DONE if deployments else service(deployment("ours", "TRANSCENDED"))
    with pytest.raises(DeadlineError, match="not completed"):
        waited(answer, deadline=60, deployments=deployments)


def test_a_failed_deployment_fails_though_the_old_tasks_run() -> None:
    with pytest.raises(RolloutError, match="deployment ours failed"):
        waited(service(deployment("ours", "FAILED")))


def test_a_roll_back_by_ecs_is_a_failure_and_no_deployment_of_somebody_else() -> None:
    theirs = deployment("rollback", "COMPLETED", revision=1)
    rolled_back = service(replace(theirs, created_at=OURS.created_at.replace(microsecond=9)))
    for status in ("ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"):
        with pytest.raises(RolloutError, match="breaker") as caught:
            completed(rolled_back, ours(), whole(status, "the breaker tripped"))
        assert not isinstance(caught.value, SupersededError)


def test_a_newer_deployment_of_somebody_else_supersedes_ours() -> None:
    theirs = replace(deployment("theirs", "IN_PROGRESS", revision=3), created_at=WHEN.replace(second=59))
    for answer in (service(theirs, replace(OURS, status="ACTIVE")), service(theirs)):
        for deployments in ([], [whole("STOPPED", "replaced")]):
            with pytest.raises(SupersededError) as caught:
                waited(answer, deployments=deployments)
            assert caught.value.service == NAME


def test_a_deployment_that_was_stopped_has_failed() -> None:
    with pytest.raises(RolloutError, match="stopped by ann"):
        waited(service(OURS), deployments=[whole("STOPPED", "stopped by ann")])


def test_tasks_that_stop_again_and_again_end_the_wait_at_once() -> None:
    with pytest.raises(CrashLoopError, match=r"3 new tasks .* exited · web exit code 3"):
        waited(service(OURS), stopped=[stopped(), stopped(4), stopped(), stopped()])


def test_only_failures_of_our_own_deployment_for_one_reason_count() -> None:
    scaled = stopped(143, code="ServiceSchedulerInitiated")
    others = [stopped(), stopped(), stopped(4), stopped(4), stopped(started_by="old"), *[scaled] * 5]
    with pytest.raises(DeadlineError):
        waited(service(OURS), deadline=60, stopped=others)


def test_a_read_that_fails_for_a_moment_is_tried_again() -> None:
    seen = waited(AwsError("slow down", code="ThrottlingException"), DONE)
    assert len(seen) == 1


def test_reads_that_fail_until_the_deadline_claim_nothing() -> None:
    with pytest.raises(UnknownOutcomeError, match="is not known: slow down"):
        waited(AwsError("slow down", code="ThrottlingException"), deadline=60)


def test_a_refused_read_ends_the_wait_at_once() -> None:
    with pytest.raises(AwsError, match="not allowed"):
        waited(AwsError("not allowed", code="AccessDeniedException"), DONE)


def test_a_service_that_has_the_revision_already_gets_a_new_deployment() -> None:
    ecs = Ecs([service(deployment("old", "COMPLETED", revision=2))])
    started = start(ecs, "cluster", ours().move, 9)
    assert (started.deployment, started.known) == ("ours", "before")
    start(ecs, "cluster", Move(NAME, arn(NAME, 3), 2), 9)
    assert ecs.updates == [("cluster", NAME, arn(NAME, 2), None, True), ("cluster", NAME, arn(NAME, 3), 2, False)]


def test_a_process_that_was_paused_around_the_deadline_takes_nothing_for_completed() -> None:
    """Between two questions about the time any time may pass."""
    for deadline in range(5, 60):
        time = [0.0]

        def now(time: list[float] = time) -> float:
            time[0] += 0.3
            return time[0]

        def sleep(seconds: float, time: list[float] = time) -> None:
            time[0] += seconds

        with pytest.raises(DeadlineError):
            wait(Ecs([service(OLD)]), "cluster", [ours(deadline / 10)], Clock(now, sleep), lambda _: None)


def test_many_services_are_watched_within_the_rate_of_reads() -> None:
    names = [f"shop-test-{number}" for number in range(50)]
    looks: list[float] = []

    class Many(Ecs):
        def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
            looks.append(clock.now())
            return {name: replace(DONE, name=name) for name in names}

    clock = moved_clock()
    started = [replace(ours(), move=Move(name, arn(NAME, 2))) for name in names]
    keep_watching(Many([]), "cluster", started, 60, clock, lambda _: None)
    assert 60 <= clock.now() < 80
    assert all(later - earlier > 7.5 for earlier, later in pairwise(looks))


def test_a_service_must_stay_well_for_the_bake_time_without_a_break() -> None:
    answers = [DONE, replace(DONE, running=1), *[DONE] * 30]
    ecs = Ecs(list(answers))
    clock = moved_clock()
    keep_watching(ecs, "cluster", [ours()], 10, clock, lambda _: None)
    assert 10 < clock.now() < 20


def test_a_service_that_never_stays_well_runs_into_its_deadline() -> None:
    with pytest.raises(DeadlineError):
        keep_watching(Ecs([replace(DONE, running=1)]), "cluster", [ours(60)], 10, moved_clock(), lambda _: None)


def test_a_task_that_fails_between_two_looks_begins_the_bake_time_anew() -> None:
    @dataclass
    class Flapping(Ecs):
        looks: int = 0

        def stopped_tasks(self, cluster: str, service: str) -> list[Task]:
            self.looks += 1
            return [stopped(code_) for code_ in range(1, 1 + min(self.looks // 3, 4))]

    ecs, clock = Flapping([DONE]), moved_clock()
    keep_watching(ecs, "cluster", [ours()], 5, clock, lambda _: None)
    assert clock.now() > 10


def test_where_nothing_was_moved_nothing_is_watched() -> None:
    clock = moved_clock()
    keep_watching(Ecs([DONE]), "cluster", [], 5, clock, lambda _: None)
    assert clock.now() == 0
