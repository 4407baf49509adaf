from __future__ import annotations

import pytest

from longshore.sandbox.ecs.breaker import NO_CANDIDATE, STOPPED_BY_USER, TRIPPED
from longshore.sandbox.ecs.breaker_settings import threshold
from longshore.sandbox.ecs.fleet import Service
from longshore.sandbox.ecs.runtime import Launch
from tests.sandbox.ecs_world import World, crashes, never_starts, runs, service


def guarded(desired: int, *, rollback: bool = True) -> Service:
    web = service(desired)
    web.settings["deploymentConfiguration"]["deploymentCircuitBreaker"] = {"enable": True, "rollback": rollback}
    return web


def settled(world: World, desired: int = 2, *, rollback: bool = True) -> Service:
    """A service whose first deployment has completed."""
    web = world.add(guarded(desired, rollback=rollback))
    world.pass_time(4)
    assert web.primary.completed
    return web


def only_new_fails(launch: Launch) -> object:
    return (never_starts if launch.revision == 2 else runs)(launch)


def bad(world: World, web: Service) -> None:
    """Deploy revision 2, whose tasks never start, until the breaker trips."""
    world.runtime.outcome = only_new_fails  # type: ignore[assignment]
    world.deploy(web, "web:2")


def seen(web: Service) -> list[tuple[str, str, str]]:
    return [("PRIMARY" if entry.primary else "ACTIVE", entry.task_definition, entry.state) for entry in web.deployments]


@pytest.mark.parametrize(
    ("desired", "failures"), [(0, 3), (1, 3), (6, 3), (7, 4), (25, 13), (399, 200), (400, 200), (5000, 200)]
)
def test_the_threshold_is_half_of_desired_within_its_bounds(desired: int, failures: int) -> None:
    assert threshold(guarded(desired)) == failures


@pytest.mark.parametrize(
    ("kind", "value", "desired", "failures"),
    [
        ("COUNT", 1, 400, 1),
        ("COUNT", 500, 1, 500),
        ("BOUNDED_PERCENT", 10, 25, 3),
        ("BOUNDED_PERCENT", 80, 400, 200),
        ("UNBOUNDED_PERCENT", 50, 1, 1),
        ("UNBOUNDED_PERCENT", 50, 800, 400),
        ("UNBOUNDED_PERCENT", 10, 25, 3),
    ],
)
def test_a_threshold_of_its_own_has_bounds_only_as_a_bounded_percentage(
    kind: str, value: int, desired: int, failures: int
) -> None:
    web = guarded(desired)
    breaker = web.settings["deploymentConfiguration"]["deploymentCircuitBreaker"]
    breaker["thresholdConfiguration"] = {"type": kind, "value": value}
    assert threshold(web) == failures


@pytest.mark.parametrize(("resets", "exits", "trips"), [(True, 1, False), (False, 0, False), (False, 1, True)])
def test_a_breaker_that_keeps_counting_trips_on_tasks_that_exit(*, resets: bool, exits: int, trips: bool) -> None:
    """Whether AWS counts a task that was RUNNING is a setting: its pages do not name it."""
    world = World()
    world.orchestrator.timing.exits_counted = exits
    web = settled(world)
    web.settings["deploymentConfiguration"]["deploymentCircuitBreaker"]["resetOnHealthyTask"] = resets
    world.runtime.outcome = lambda launch: crashes(launch, lasting=0.5)
    failing = world.deploy(web, "web:2")
    world.pass_time(60)
    assert bool(failing.failed) is trips


def test_the_breaker_trips_at_the_threshold_and_rolls_back_at_once_without_a_window() -> None:
    world = World()
    web = settled(world)
    good = web.primary
    bad(world, web)
    failed = web.primary
    while not failed.failed:
        world.step()
    back = web.primary
    assert (failed.failed_tasks >= 3, failed.failed, failed.status) == (True, TRIPPED, "ROLLBACK_IN_PROGRESS")
    assert (back.task_definition, back.rolls_back, back.id != good.id) == ("web:1", failed.id, True)
    world.pass_time(6)
    assert seen(web) == [("PRIMARY", "web:1", "COMPLETED"), ("ACTIVE", "web:2", "IN_PROGRESS")]
    world.pass_time(6)
    assert seen(web) == [("PRIMARY", "web:1", "COMPLETED")]
    assert (failed.status, failed.rollback_to) == ("ROLLBACK_SUCCESSFUL", good)
    assert [entry.id for entry in web.service_deployments] == [failed.id, good.id]
    messages = world.messages(web)
    assert f"(service web) (deployment {failed.id}) deployment failed: tasks failed to start." in messages
    assert f"(service web) rolling back to deployment {back.id}." in messages


def test_during_the_window_primary_shows_failed_and_starts_no_tasks() -> None:
    world = World()
    world.orchestrator.timing.rollback_window = 2.5
    web = settled(world)
    bad(world, web)
    failed = web.primary
    while not failed.failed:
        world.step()
    since, started = world.time, len(world.runtime.started)
    while web.primary is failed:
        assert seen(web)[0] == ("PRIMARY", "web:2", "FAILED")
        assert (failed.status, len(world.runtime.started)) == ("IN_PROGRESS", started)
        world.step()
    assert world.time - since == pytest.approx(2.5, abs=0.3)
    world.pass_time(6)
    assert failed.status == "ROLLBACK_SUCCESSFUL"


def test_the_old_tasks_serve_throughout() -> None:
    world = World()
    web = settled(world)
    bad(world, web)
    for _ in range(100):
        world.step()
        assert sum(task.serving for task in world.live(web)) >= 2
    assert seen(web) == [("PRIMARY", "web:1", "COMPLETED")]


@pytest.mark.parametrize("completed_before", [True, False])
def test_without_rollback_a_failed_deployment_stalls(*, completed_before: bool) -> None:
    """Either rollback is disabled, or no deployment has ever completed."""
    world = World()
    if completed_before:
        web = settled(world, rollback=False)
        bad(world, web)
    else:
        world.runtime.outcome = never_starts
        web = world.add(guarded(2))
    failed = web.primary
    world.pass_time(20)
    started = len(world.runtime.started)
    world.pass_time(120)
    expected = ("STOPPED", TRIPPED) if completed_before else ("ROLLBACK_FAILED", NO_CANDIDATE)
    assert (failed.primary, failed.state, failed.status, failed.status_reason) == (True, "FAILED", *expected)
    assert len(world.runtime.started) == started
    assert sum(task.serving for task in world.live(web)) == (2 if completed_before else 0)


def test_a_running_task_resets_the_count_of_failed_tasks() -> None:
    world = World()
    web = settled(world)
    world.runtime.outcome = crashes
    world.deploy(web, "web:2")
    world.pass_time(120)
    assert (web.primary.failed, web.primary.failed_tasks) == ("", 0)


def test_without_the_breaker_a_deployment_keeps_failing() -> None:
    world = World(never_starts)
    web = world.add(service(1))
    world.pass_time(60)
    assert (web.primary.failed_tasks > 3, web.primary.state) == (True, "IN_PROGRESS")


def test_a_completed_deployment_does_not_trip_the_breaker() -> None:
    world = World()
    web = settled(world)
    world.runtime.outcome = never_starts
    for task in world.live(web):
        world.orchestrator.halt(task, "UserInitiated", "away with it")
    world.pass_time(60)
    assert (web.primary.state, web.primary.status) == ("COMPLETED", "SUCCESSFUL")


def test_a_failed_rollback_is_not_rolled_back() -> None:
    world = World()
    web = settled(world)
    world.runtime.outcome = never_starts
    world.deploy(web, "web:2")
    failed = web.primary
    world.pass_time(60)
    assert (failed.status, web.primary.rolls_back, web.primary.state) == ("ROLLBACK_FAILED", failed.id, "FAILED")
    started = len(world.runtime.started)
    world.pass_time(60)
    assert len(world.runtime.started) == started
    assert sum(task.serving for task in world.live(web)) == 2


def test_a_newer_deployment_supersedes_a_rollback() -> None:
    world = World()
    web = settled(world)
    bad(world, web)
    failed = web.primary
    while not failed.failed:
        world.step()
    newest = world.deploy(web, "web:3")
    world.pass_time(10)
    assert (failed.status, newest.status, seen(web)) == (
        "STOPPED",
        "SUCCESSFUL",
        [("PRIMARY", "web:3", "COMPLETED")],
    )


def test_a_newer_deployment_during_the_window_is_not_rolled_back() -> None:
    world = World()
    world.orchestrator.timing.rollback_window = 5.0
    web = settled(world)
    bad(world, web)
    failed = web.primary
    while not failed.failed:
        world.step()
    world.deploy(web, "web:3")
    world.pass_time(20)
    assert (failed.status, seen(web)) == ("STOPPED", [("PRIMARY", "web:3", "COMPLETED")])


@pytest.mark.parametrize("enabled", [True, False])
def test_a_stopped_deployment_is_rolled_back(*, enabled: bool) -> None:
    world = World()
    web = settled(world)
    web.settings["deploymentConfiguration"]["deploymentCircuitBreaker"]["enable"] = enabled
    world.runtime.outcome = crashes
    world.deploy(web, "web:2")
    stopped = web.primary
    world.pass_time(2)
    stopped.stop_requested = True
    world.step()
    assert (stopped.state, stopped.status, web.primary.task_definition) == (
        "IN_PROGRESS",
        "ROLLBACK_IN_PROGRESS",
        "web:1",
    )
    world.runtime.outcome = runs
    world.pass_time(20)
    assert (stopped.status, stopped.status_reason) == ("ROLLBACK_SUCCESSFUL", STOPPED_BY_USER)


def test_a_first_deployment_is_stopped_without_a_rollback() -> None:
    world = World(crashes)
    web = world.add(guarded(1))
    world.pass_time(2)
    web.primary.stop_requested = True
    world.pass_time(20)
    started = len(world.runtime.started)
    world.pass_time(60)
    assert (web.primary.status, web.primary.state, len(world.runtime.started)) == ("ROLLBACK_FAILED", "FAILED", started)
