from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from longshore.aws.circuit_breaker import CircuitBreaker
from longshore.aws.ecs_settings import ServiceSettings
from longshore.aws.ecs_types import Service, ServiceDeployment, Task
from longshore.clock import Clock
from longshore.errors import (
    AwsError,
    CrashLoopError,
    DeadlineError,
    RolloutError,
    SupersededError,
    UnknownOutcomeError,
)
from longshore.rollout.tracking import Move, ServiceLook, TrackedDeployment
from longshore.rollout.watch import bake, wait, wait_for_counts
from tests.fakes.samples import WHEN, arn, deployment, moved_clock, service
from tests.rollout.fake_ecs import (
    ARN,
    DONE,
    NAME,
    OLD,
    OURS,
    THROTTLED,
    FakeEcs,
    ours,
    service_deployment,
    stopped,
)


def waited(*answers: Service | AwsError, deadline: float = 600, **ecs: Any) -> list[ServiceLook]:
    seen: list[ServiceLook] = []
    wait(FakeEcs(list(answers), **ecs), "cluster", [ours(deadline)], moved_clock(), seen.append)
    return seen


def test_the_wait_ends_once_our_deployment_has_completed() -> None:
    seen = waited(service(OLD), service(OURS, replace(OLD, status="ACTIVE")), DONE)
    assert len(seen) == 3


def test_a_completed_deployment_waits_for_its_service_deployment() -> None:
    in_progress = service_deployment("IN_PROGRESS")
    seen = waited(DONE, deployments=[in_progress, in_progress, service_deployment("SUCCESSFUL")])
    assert len(seen) == 3


def test_a_stale_read_after_the_update_is_not_success() -> None:
    with pytest.raises(DeadlineError, match="not completed after 60 s"):
        waited(service(OLD), deadline=60)


@pytest.mark.parametrize("deployments", [[], [service_deployment("IN_ASCENSION")]])
def test_an_unknown_state_is_in_progress_until_the_deadline(deployments: list[ServiceDeployment]) -> None:
    answer = DONE if deployments else service(deployment("ours", "TRANSCENDED"))
    with pytest.raises(DeadlineError, match="not completed"):
        waited(answer, deadline=60, deployments=deployments)


def test_a_failed_deployment_fails_even_while_the_old_tasks_run() -> None:
    with pytest.raises(RolloutError, match="deployment ours failed"):
        waited(service(deployment("ours", "FAILED")))


def test_a_newer_deployment_supersedes_ours() -> None:
    newer = replace(deployment("newer", "IN_PROGRESS", revision=3), created_at=WHEN.replace(second=59))
    theirs = replace(service_deployment("IN_PROGRESS"), arn="theirs", created_at=newer.created_at)
    for answer in (service(newer, replace(OURS, status="ACTIVE")), service(newer)):
        for status in ("STOPPED", "IN_PROGRESS"):
            with pytest.raises(SupersededError) as caught:
                waited(answer, deployments=[service_deployment(status, "replaced")], others=[theirs])
            assert caught.value.service == NAME


def test_a_stopped_deployment_has_failed() -> None:
    with pytest.raises(RolloutError, match="stopped by ann"):
        waited(service(OURS), deployments=[service_deployment("STOPPED", "stopped by ann")])


def test_a_crash_loop_ends_the_wait_at_once() -> None:
    with pytest.raises(CrashLoopError, match=r"3 new tasks .* exited · web exit code 3"):
        waited(service(OURS), stopped=[stopped(), stopped(4), stopped(), stopped()])


def test_only_failures_of_our_deployment_for_one_reason_count() -> None:
    scaled = stopped(143, code="ServiceSchedulerInitiated")
    tasks = [stopped(), stopped(), stopped(4), stopped(4), stopped(started_by="old"), *[scaled] * 5]
    with pytest.raises(DeadlineError):
        waited(service(OURS), deadline=60, stopped=tasks)


def test_a_throttled_read_is_repeated() -> None:
    seen = waited(THROTTLED, DONE)
    assert len(seen) == 1


def test_the_outcome_is_unknown_if_reads_fail_until_the_deadline() -> None:
    with pytest.raises(UnknownOutcomeError, match=r"could not determine within 60 s whether .* completed: slow down"):
        waited(THROTTLED, deadline=60)


def test_a_denied_read_ends_the_wait_at_once() -> None:
    with pytest.raises(AwsError, match="not allowed"):
        waited(AwsError("not allowed", code="AccessDeniedException"), DONE)


def test_a_process_that_was_paused_around_the_deadline_does_not_report_success() -> None:
    """Any time may pass between two readings of the clock."""
    for deadline in range(5, 60):
        time = [0.0]

        def now(time: list[float] = time) -> float:
            time[0] += 0.3
            return time[0]

        def sleep(seconds: float, time: list[float] = time) -> None:
            time[0] += seconds

        with pytest.raises(DeadlineError):
            wait(FakeEcs([service(OLD)]), "cluster", [ours(deadline / 10)], Clock(now, sleep), lambda _: None)


def test_each_look_has_everything_learned_about_the_deployment() -> None:
    ecs = FakeEcs(
        [service(OURS), service(OURS), DONE],
        deployments=[
            service_deployment("IN_PROGRESS"),
            service_deployment("IN_PROGRESS"),
            service_deployment("SUCCESSFUL"),
        ],
        stopped=[stopped(), stopped(4)],
    )
    tracked, seen = ours(), list[ServiceLook]()
    wait(ecs, "cluster", [tracked], moved_clock(), seen.append)
    assert [(look.tracked.arn, len(look.tracked.failed)) for look in seen] == [(ARN, 0), (ARN, 2), (ARN, 2)]
    assert tracked == ours(), "a tracked deployment is not changed by a look at it"


def test_a_look_reads_failed_tasks_only_until_the_deployment_has_completed() -> None:
    ecs = FakeEcs(
        [service(OURS), DONE], deployments=[service_deployment("IN_PROGRESS"), service_deployment("SUCCESSFUL")]
    )
    wait(ecs, "cluster", [ours()], moved_clock(), lambda _: None)
    first = [f"services {NAME}", f"find {NAME}", "service deployments", f"stopped tasks {NAME}"]
    assert ecs.calls == [*first, f"services {NAME}", "service deployments"]


def test_a_service_that_has_completed_is_not_read_again() -> None:
    class Two(FakeEcs):
        def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
            self.calls.append(f"services {' '.join(names)}")
            late = len(self.calls) > 3
            return {name: replace(DONE if late or name == NAME else service(OURS), name=name) for name in names}

    ecs = Two([])
    wait(ecs, "cluster", [ours(), replace(ours(), move=Move("other", "arn"))], moved_clock(), lambda _: None)
    reads = [call for call in ecs.calls if call.startswith("services")]
    assert reads[0] == f"services {NAME} other"
    assert set(reads[1:]) == {"services other"}


def scaled(*answers: Service | AwsError, count: int = 2, deadline: float = 60, **ecs: Any) -> FakeEcs:
    fake = FakeEcs(list(answers), **ecs)
    tracked = TrackedDeployment(Move(NAME, arn(NAME, 2), count), "ours", OURS.created_at, deadline, by_ecs=True)
    wait_for_counts(fake, "cluster", [tracked], moved_clock(), lambda _: None)
    return fake


def test_a_new_count_is_reached_when_exactly_that_many_tasks_run() -> None:
    ecs = scaled(replace(DONE, running=1), replace(DONE, running=3), replace(DONE, pending=1), DONE)
    assert ecs.calls.count(f"services {NAME}") == 4
    assert {call.split()[0] for call in ecs.calls} == {"services", "stopped"}


def test_a_count_that_is_not_reached_runs_into_its_deadline() -> None:
    with pytest.raises(DeadlineError, match="not completed after 60 s"):
        scaled(replace(DONE, running=1))


def test_a_count_that_another_process_has_set_supersedes_ours() -> None:
    with pytest.raises(SupersededError, match="another process set the count to 5"):
        scaled(replace(DONE, desired=5))


def test_a_deployment_that_begins_after_the_count_was_set_supersedes_ours() -> None:
    newer = replace(deployment("newer", "IN_PROGRESS"), created_at=WHEN.replace(second=59))
    with pytest.raises(SupersededError, match="deployment newer took over"):
        scaled(service(newer))


def test_only_tasks_that_stop_after_the_count_was_set_are_a_crash_loop() -> None:
    earlier = [stopped(), stopped(), stopped()]
    with pytest.raises(DeadlineError):
        scaled(replace(DONE, running=1), stopped=earlier)

    class Crashing(FakeEcs):
        def stopped_tasks(self, cluster: str, service: str) -> list[Task]:
            tasks, self.stopped = self.stopped, [*self.stopped, replace(stopped(), arn=f"new-{len(self.stopped)}")]
            return tasks

    ecs = Crashing([replace(DONE, running=1)], stopped=earlier)
    tracked = TrackedDeployment(Move(NAME, arn(NAME, 2), 2), "ours", OURS.created_at, 60, by_ecs=True)
    with pytest.raises(CrashLoopError, match="3 new tasks stopped"):
        wait_for_counts(ecs, "cluster", [tracked], moved_clock(), lambda _: None)


def test_the_outcome_of_scaling_is_unknown_if_reads_fail_until_the_deadline() -> None:
    with pytest.raises(UnknownOutcomeError, match="slow down"):
        scaled(THROTTLED)


def test_many_services_are_watched_within_the_rate_of_reads() -> None:
    names = [f"shop-test-{number}" for number in range(50)]
    times: list[float] = []

    class Many(FakeEcs):
        def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
            times.append(clock.now())
            return {name: replace(DONE, name=name) for name in names}

    clock = moved_clock()
    started = [replace(ours(), move=Move(name, arn(NAME, 2))) for name in names]
    bake(Many([]), "cluster", started, 60, clock, lambda _: None)
    assert 60 <= clock.now() < 80
    assert all(later - earlier > 7.5 for earlier, later in pairwise(times))


def running_only(tasks: int) -> Service:
    """The service with so many running tasks of ours."""
    return replace(DONE, running=tasks, deployments=(replace(DONE.deployments[0], running=tasks),))


def test_a_service_must_stay_healthy_for_the_whole_bake_time() -> None:
    answers = [DONE, running_only(1), *[DONE] * 30]
    clock = moved_clock()
    bake(FakeEcs(list(answers)), "cluster", [ours()], 10, clock, lambda _: None)
    assert 10 < clock.now() < 20


def test_a_service_that_never_stays_healthy_runs_into_its_deadline() -> None:
    with pytest.raises(DeadlineError):
        bake(FakeEcs([running_only(1)]), "cluster", [ours(60)], 10, moved_clock(), lambda _: None)


def test_a_task_that_fails_between_two_looks_restarts_the_bake_time() -> None:
    tasks = [stopped(code) for code in range(1, 5)]

    @dataclass
    class Flapping(FakeEcs):
        looks: int = 0

        def stopped_tasks(self, cluster: str, service: str) -> list[Task]:
            self.looks += 1
            return tasks[: self.looks // 3]

    ecs, clock = Flapping([DONE]), moved_clock()
    bake(ecs, "cluster", [ours()], 5, clock, lambda _: None)
    assert clock.now() > 10


def test_a_task_that_failed_since_the_wait_restarts_the_bake_time() -> None:
    failed = stopped()
    ecs, clock = FakeEcs([DONE], stopped=[failed]), moved_clock()
    bake(ecs, "cluster", [ours()], 0, clock, lambda _: None)
    assert clock.now() > 0
    clock = moved_clock()
    bake(ecs, "cluster", [replace(ours(), failed=(failed,))], 0, clock, lambda _: None)
    assert clock.now() == 0


def test_a_throttled_read_restarts_the_bake_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longshore.clock.random.uniform", lambda *_: 1.0)  # without jitter, both look at the same times
    undisturbed, throttled = moved_clock(), moved_clock()
    bake(FakeEcs([DONE, DONE, DONE]), "cluster", [ours()], 4.6, undisturbed, lambda _: None)
    bake(FakeEcs([DONE, THROTTLED, DONE]), "cluster", [ours()], 4.6, throttled, lambda _: None)
    assert throttled.now() > undisturbed.now() + 0.9


def test_without_deployments_there_is_no_bake_time() -> None:
    clock = moved_clock()
    bake(FakeEcs([DONE]), "cluster", [], 5, clock, lambda _: None)
    assert clock.now() == 0


def test_looks_come_faster_only_at_the_end_of_a_roll_out() -> None:
    """Throughout a rolling update, the old and the new tasks together are as many as desired."""
    old = replace(deployment("old", "COMPLETED", revision=1, age=9), status="ACTIVE")
    rolling = replace(service(replace(OURS, running=1), old), running=3)
    ended = replace(service(OURS, replace(old, running=0)), running=2)
    clock, at = moved_clock(), list[float]()
    wait(FakeEcs([*[rolling] * 30, *[ended] * 30, DONE]), "cluster", [ours()], clock, lambda _: at.append(clock.now()))
    pauses = [after - before for before, after in pairwise(at)]
    assert min(pauses[10:29]) > 1.9, "nothing hurries a roll-out that is under way"
    assert pauses[30] < 0.5, "its end is near"
    assert min(pauses[45:]) > 1.9, "alarms may keep it there for minutes"


def test_a_large_wave_is_read_less_often() -> None:
    many = [replace(ours(), move=Move(f"shop-test-{number}", arn(NAME, 2))) for number in range(50)]
    clock, at = moved_clock(), list[float]()
    with pytest.raises(DeadlineError):
        wait(FakeEcs([service(OLD)]), "cluster", [*many, ours()], clock, lambda _: at.append(clock.now()))
    assert min(after - before for before, after in pairwise(at[-6:-1])) > 8


def denied(number: int) -> str:
    session = f"assumed-role/shop-execution/{number:032x}"
    user = f"arn:aws:sts::111122223333:{session}"
    return f"ResourceInitializationError: AccessDeniedException: User: {user} is not authorized, request id: {number}"


def test_twenty_tasks_that_cannot_read_their_secret_end_the_wait() -> None:
    tasks = [stopped(None, code="TaskFailedToStart", reason=denied(number)) for number in range(20)]
    with pytest.raises(CrashLoopError) as caught:
        waited(service(OURS, desired=20), stopped=tasks)
    assert caught.value.message == f"{NAME}: 20 new tasks stopped: {denied(0)}"


@pytest.mark.parametrize(("desired", "ends"), [(2, True), (6, True), (7, False), (1000, False)])
def test_a_large_service_may_lose_three_tasks(desired: int, ends: bool) -> None:  # noqa: FBT001
    reason = "Timeout waiting for network interface provisioning to complete."
    tasks = [stopped(None, code="TaskFailedToStart", reason=reason) for _ in range(3)]
    with pytest.raises(CrashLoopError if ends else DeadlineError):
        waited(service(OURS, desired=desired), deadline=60, stopped=tasks)


def test_the_threshold_of_the_service_itself_counts() -> None:
    own = replace(
        service(OURS), settings=ServiceSettings(breaker=CircuitBreaker(threshold_type="COUNT", threshold_value=1))
    )
    with pytest.raises(CrashLoopError, match="1 new tasks stopped"):
        waited(own, stopped=[stopped()])
    lax = replace(
        service(OURS), settings=ServiceSettings(breaker=CircuitBreaker(threshold_type="COUNT", threshold_value=9))
    )
    with pytest.raises(DeadlineError):
        waited(lax, deadline=60, stopped=[stopped() for _ in range(8)])


def test_every_failure_counts_if_the_service_never_resets_its_breaker() -> None:
    different = [stopped(1), stopped(2), stopped(4)]
    with pytest.raises(DeadlineError):
        waited(service(OURS), deadline=60, stopped=different)
    own = replace(service(OURS), settings=ServiceSettings(breaker=CircuitBreaker(resets=False)))
    with pytest.raises(CrashLoopError, match="3 new tasks stopped"):
        waited(own, stopped=different)


def test_tasks_that_the_deployment_lost_before_a_rollback_to_it_do_not_count() -> None:
    """Recorded: PRIMARY had the id in "rolling back to deploymentId", and a new date."""
    before = OURS.created_at - timedelta(seconds=1)
    tasks = [replace(stopped(), created_at=before) for _ in range(5)]
    assert waited(service(OURS), DONE, stopped=tasks)[-1].tracked.failed == ()
    with pytest.raises(CrashLoopError):
        waited(service(OURS), stopped=[replace(task, created_at=OURS.created_at) for task in tasks])


class CrashingEcs(FakeEcs):
    """One service whose task stops every so many seconds, and is replaced at once."""

    clock: Clock
    period: float
    crashes: int

    def stopped_tasks(self, cluster: str, service: str) -> list[Task]:
        happened = min(self.crashes, int(self.clock.now() // self.period))
        while len(self.stopped) < happened:
            self.stopped.append(stopped(lived=self.period))
        return list(self.stopped)


def crashing(period: float, crashes: int = 9999, **breaker: Any) -> CrashingEcs:
    ecs = CrashingEcs([replace(DONE, settings=ServiceSettings(breaker=CircuitBreaker(**breaker)))])
    ecs.clock, ecs.period, ecs.crashes = moved_clock(), period, crashes
    return ecs


def baked(ecs: CrashingEcs, since: float, deadline: float = 60) -> list[ServiceLook]:
    """Bakes for 5 s from a time on."""
    seen: list[ServiceLook] = []
    ecs.clock.sleep(since)
    bake(ecs, "cluster", [ours(deadline)], 5, ecs.clock, seen.append)
    return seen


@pytest.mark.parametrize("period", [7, 11, 40])
def test_a_service_that_crashes_again_and_again_is_no_success(period: float) -> None:
    """One crash was seen under watch, for example while the next wave was rolled out."""
    ecs = crashing(period)
    with pytest.raises(CrashLoopError, match=r"3 new tasks stopped: Essential container .* exit code 3"):
        baked(ecs, since=period + 1)
    assert ecs.clock.now() < 3 * period + 3


@pytest.mark.parametrize("period", [7, 11, 40])
def test_the_bake_time_grows_only_once(period: float) -> None:
    ecs = crashing(period, threshold_type="COUNT", threshold_value=1000)
    with pytest.raises(CrashLoopError, match=r"new tasks failed while it was watched, after \d+ s: .* not healthy for"):
        baked(ecs, since=period + 1)
    assert ecs.clock.now() < period + 1 + (60 + 5) + 3 * 1.5 * period + 8


@pytest.mark.parametrize("period", [7, 40])
def test_a_task_that_crashes_once_needs_a_longer_quiet_time(period: float) -> None:
    ecs = crashing(period, crashes=1)
    seen = baked(ecs, since=period + 1)
    assert [task.lifetime for task in seen[-1].tracked.failed] == [period]
    assert ecs.clock.now() - (period + 1) > max(5, period)


def test_a_failed_task_that_ecs_shows_no_longer_is_remembered() -> None:
    class Forgetful(FakeEcs):
        def stopped_tasks(self, cluster: str, service: str) -> list[Task]:
            tasks, self.stopped = self.stopped, []
            return tasks

    seen: list[ServiceLook] = []
    bake(Forgetful([DONE], stopped=[stopped()]), "cluster", [ours()], 5, moved_clock(), seen.append)
    assert len(seen[-1].tracked.failed) == 1


def test_a_service_without_failures_that_is_late_runs_into_its_deadline() -> None:
    """The failed task of another service is not to blame."""

    class Two(FakeEcs):
        def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
            return {name: replace(running_only(2 if name == NAME else 1), name=name) for name in names}

        def stopped_tasks(self, cluster: str, service: str) -> list[Task]:
            return self.stopped if service == NAME else []

    ecs = Two([], stopped=[stopped()])
    with pytest.raises(DeadlineError, match="other"):
        bake(ecs, "cluster", [ours(60), replace(ours(60), move=Move("other", "arn"))], 5, moved_clock(), lambda _: None)
