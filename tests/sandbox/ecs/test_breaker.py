from __future__ import annotations

import pytest

from longshore.sandbox.ecs.breaker import STOPPED_BY_USER, TRIPPED, threshold
from longshore.sandbox.ecs.fleet import Service
from longshore.sandbox.ecs.runtime import Launch
from tests.sandbox.ecs_world import World, crashes, never_starts, runs, service


def guarded(desired: int, *, rollback: bool = True) -> Service:
    made = service(desired)
    made.settings["deploymentConfiguration"]["deploymentCircuitBreaker"] = {"enable": True, "rollback": rollback}
    return made


def settled(world: World, desired: int = 2, *, rollback: bool = True) -> Service:
    """A service whose first deployment has completed."""
    made = world.add(guarded(desired, rollback=rollback))
    world.pass_time(4)
    assert made.primary.completed
    return made


def only_new_fails(launch: Launch) -> object:
    return (never_starts if launch.revision == 2 else runs)(launch)


def bad(world: World, made: Service) -> None:
    """Deploy revision 2, of which no task starts, and let the breaker trip."""
    world.runtime.outcome = only_new_fails  # type: ignore[assignment]
    world.deploy(made, "web:2")


def seen(made: Service) -> list[tuple[str, str, str]]:
    return [
        ("PRIMARY" if entry.primary else "ACTIVE", entry.task_definition, entry.state) for entry in made.deployments
    ]


@pytest.mark.parametrize(
    ("desired", "failures"), [(0, 3), (1, 3), (6, 3), (7, 4), (25, 13), (399, 200), (400, 200), (5000, 200)]
)
def test_the_threshold_is_half_of_desired_within_its_bounds(desired: int, failures: int) -> None:
    assert threshold(desired) == failures


def test_the_breaker_trips_at_the_threshold_and_rolls_back_at_once_without_a_window() -> None:
    world = World()
    made = settled(world)
    good = made.primary
    bad(world, made)
    failed = made.primary
    while not failed.failed:
        world.step()
    back = made.primary
    assert (failed.failed_tasks >= 3, failed.failed, failed.status) == (True, TRIPPED, "ROLLBACK_IN_PROGRESS")
    assert (back.task_definition, back.rolls_back, back.id != good.id) == ("web:1", failed.id, True)
    world.pass_time(6)
    assert seen(made) == [("PRIMARY", "web:1", "COMPLETED")]
    assert (failed.status, failed.rollback_to) == ("ROLLBACK_SUCCESSFUL", good)
    assert [entry.id for entry in made.service_deployments] == [failed.id, good.id]
    messages = world.messages(made)
    assert f"(service web) (deployment {failed.id}) deployment failed: tasks failed to start." in messages
    assert f"(service web) rolling back to deployment {back.id}." in messages


def test_during_the_window_primary_shows_failed_and_starts_no_tasks() -> None:
    world = World()
    world.orchestrator.rollback_window = 2.5
    made = settled(world)
    bad(world, made)
    failed = made.primary
    while not failed.failed:
        world.step()
    since, started = world.time, len(world.runtime.started)
    while made.primary is failed:
        assert seen(made)[0] == ("PRIMARY", "web:2", "FAILED")
        assert (failed.status, len(world.runtime.started)) == ("ROLLBACK_REQUESTED", started)
        world.step()
    assert world.time - since == pytest.approx(2.5, abs=0.3)
    world.pass_time(6)
    assert failed.status == "ROLLBACK_SUCCESSFUL"


def test_the_old_tasks_serve_throughout() -> None:
    world = World()
    made = settled(world)
    bad(world, made)
    for _ in range(100):
        world.step()
        assert sum(task.serving for task in world.live(made)) >= 2
    assert seen(made) == [("PRIMARY", "web:1", "COMPLETED")]


@pytest.mark.parametrize("completed_before", [True, False])
def test_without_rollback_a_failed_deployment_stalls(*, completed_before: bool) -> None:
    """Either the roll-back is off, or nothing has ever completed."""
    world = World()
    if completed_before:
        made = settled(world, rollback=False)
        bad(world, made)
    else:
        world.runtime.outcome = never_starts
        made = world.add(guarded(2))
    failed = made.primary
    world.pass_time(20)
    started = len(world.runtime.started)
    world.pass_time(120)
    assert (failed.primary, failed.state, failed.status, failed.status_reason) == (True, "FAILED", "STOPPED", TRIPPED)
    assert len(world.runtime.started) == started
    assert sum(task.serving for task in world.live(made)) == (2 if completed_before else 0)


def test_a_running_task_resets_the_count_of_failed_tasks() -> None:
    world = World()
    made = settled(world)
    world.runtime.outcome = crashes
    world.deploy(made, "web:2")
    world.pass_time(120)
    assert (made.primary.failed, made.primary.failed_tasks) == ("", 0)


def test_without_the_breaker_a_deployment_keeps_failing() -> None:
    world = World(never_starts)
    made = world.add(service(1))
    world.pass_time(60)
    assert (made.primary.failed_tasks > 3, made.primary.state) == (True, "IN_PROGRESS")


def test_a_completed_deployment_does_not_trip_the_breaker() -> None:
    world = World()
    made = settled(world)
    world.runtime.outcome = never_starts
    for task in world.live(made):
        world.orchestrator.halt(task, "UserInitiated", "away with it")
    world.pass_time(60)
    assert (made.primary.state, made.primary.status) == ("COMPLETED", "SUCCESSFUL")


def test_a_failed_rollback_is_not_rolled_back() -> None:
    world = World()
    made = settled(world)
    world.runtime.outcome = never_starts
    world.deploy(made, "web:2")
    failed = made.primary
    world.pass_time(60)
    assert (failed.status, made.primary.rolls_back, made.primary.state) == ("ROLLBACK_FAILED", failed.id, "FAILED")
    started = len(world.runtime.started)
    world.pass_time(60)
    assert len(world.runtime.started) == started
    assert sum(task.serving for task in world.live(made)) == 2


def test_a_newer_deployment_supersedes_a_rollback() -> None:
    world = World()
    made = settled(world)
    bad(world, made)
    failed = made.primary
    while not failed.failed:
        world.step()
    newest = world.deploy(made, "web:3")
    world.pass_time(10)
    assert (failed.status, newest.status, seen(made)) == (
        "STOPPED",
        "SUCCESSFUL",
        [("PRIMARY", "web:3", "COMPLETED")],
    )


def test_a_newer_deployment_during_the_window_is_not_rolled_back() -> None:
    world = World()
    world.orchestrator.rollback_window = 5.0
    made = settled(world)
    bad(world, made)
    failed = made.primary
    while not failed.failed:
        world.step()
    world.deploy(made, "web:3")
    world.pass_time(20)
    assert (failed.status, seen(made)) == ("STOPPED", [("PRIMARY", "web:3", "COMPLETED")])


@pytest.mark.parametrize("enabled", [True, False])
def test_a_stopped_deployment_is_rolled_back(*, enabled: bool) -> None:
    world = World()
    made = settled(world)
    made.settings["deploymentConfiguration"]["deploymentCircuitBreaker"]["enable"] = enabled
    world.runtime.outcome = crashes
    world.deploy(made, "web:2")
    stopped = made.primary
    world.pass_time(2)
    stopped.status = "STOP_REQUESTED"
    world.step()
    assert (stopped.state, stopped.status, made.primary.task_definition) == (
        "FAILED",
        "ROLLBACK_IN_PROGRESS",
        "web:1",
    )
    world.runtime.outcome = runs
    world.pass_time(20)
    assert (stopped.status, stopped.status_reason) == ("ROLLBACK_SUCCESSFUL", STOPPED_BY_USER)


def test_a_first_deployment_is_stopped_without_a_rollback() -> None:
    world = World(crashes)
    made = world.add(guarded(1))
    world.pass_time(2)
    made.primary.status = "STOP_REQUESTED"
    world.pass_time(20)
    started = len(world.runtime.started)
    world.pass_time(60)
    assert (made.primary.status, made.primary.state, len(world.runtime.started)) == ("STOPPED", "FAILED", started)
