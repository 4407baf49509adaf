from __future__ import annotations

import copy

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from longshore.sandbox.ecs.fleet import Service, Task
from longshore.sandbox.ecs.scheduler import (
    BLOCKED,
    Announce,
    Complete,
    Deactivate,
    Retire,
    Settle,
    StartTasks,
    StopTask,
    backoff,
    tick,
)
from tests.sandbox.ecs_world import deployment, service, task

NOW = 100.0
NEW, OLD = "ecs-svc/2", "ecs-svc/1"


def rolling(desired: int, minimum: int = 100, maximum: int = 200, retry_at: float = 0.0) -> Service:
    """A service whose deployment 2 replaces deployment 1, which had completed."""
    new, old = deployment(2, retry_at=retry_at), deployment(1, primary=False, completed=True)
    return service(desired, minimum, maximum, [new, old])


def settled(desired: int) -> Service:
    web = service(desired, deployments=[deployment(1, completed=True)])
    web.steady = True
    return web


def test_a_new_service_starts_its_tasks() -> None:
    assert tick(service(3, deployments=[deployment(1)]), [], NOW) == [StartTasks(OLD, 3)]


def test_a_new_service_without_tasks_completes_at_once() -> None:
    assert tick(service(0, deployments=[deployment(1)]), [], NOW) == [Complete(), Settle()]


def test_a_steady_service_needs_no_actions() -> None:
    assert tick(settled(2), [task("a", 1), task("b", 1)], NOW) == []


def test_a_deployment_completes_when_all_tasks_serve() -> None:
    web = service(2, deployments=[deployment(1)])
    assert tick(web, [task("a", 1), task("b", 1, "PENDING")], NOW) == []
    assert tick(web, [task("a", 1), task("b", 1)], NOW) == [Complete(), Settle()]


def test_a_rollout_starts_new_tasks_before_it_stops_old_ones() -> None:
    assert tick(rolling(2), [task("a", 1), task("b", 1)], NOW) == [StartTasks(NEW, 2)]


def test_an_old_task_stops_for_each_new_one_that_serves() -> None:
    tasks = [task("a", 1), task("b", 1), task("c", 2), task("d", 2, "PENDING")]
    assert tick(rolling(2), tasks, NOW) == [StopTask("a")]


def test_an_old_task_that_is_leaving_is_not_counted_as_serving() -> None:
    tasks = [task("a", 1, leaving=True), task("b", 1), task("c", 2), task("d", 2, "PENDING")]
    assert tick(rolling(2), tasks, NOW) == []


def test_old_tasks_stop_first_if_the_maximum_leaves_no_room() -> None:
    tasks = [task(name, 1) for name in "abcd"]
    assert tick(rolling(4, 50, 100), tasks, NOW) == [StopTask("a"), StopTask("b")]


def test_old_tasks_are_not_stopped_twice_for_the_same_room() -> None:
    tasks = [task("a", 1, leaving=True), task("b", 1, leaving=True), task("c", 1), task("d", 1)]
    assert tick(rolling(4, 25, 100), tasks, NOW) == [StopTask("c")]
    assert tick(rolling(4, 50, 100), tasks, NOW) == []


def test_a_stopping_task_makes_room_for_a_new_one() -> None:
    tasks = [task("a", 1, "STOPPING", leaving=True), task("b", 1)]
    assert tick(rolling(2, 50, 100), tasks, NOW) == [StartTasks(NEW, 1)]


@pytest.mark.parametrize(
    ("desired", "minimum", "maximum", "fewest", "most"),
    [
        (1, 50, 150, 1, 1),
        (3, 50, 150, 2, 4),
        (3, 100, 200, 3, 6),
        (4, 50, 200, 2, 8),
        (5, 0, 110, 0, 5),
        (0, 100, 200, 0, 0),
    ],
)
def test_the_minimum_is_rounded_up_and_the_maximum_down(
    desired: int, minimum: int, maximum: int, fewest: int, most: int
) -> None:
    web = service(desired, minimum, maximum)
    assert (web.minimum, web.maximum) == (fewest, most)


def test_percentages_that_block_a_deployment_are_announced() -> None:
    assert tick(rolling(2, 100, 100), [task("a", 1), task("b", 1)], NOW) == [Announce(BLOCKED)]


def test_a_throttled_deployment_neither_starts_nor_stops_tasks() -> None:
    tasks = [task("a", 1), task("b", 1)]
    assert tick(rolling(2, 50, 100, retry_at=NOW + 1), tasks, NOW) == []
    assert tick(rolling(2, 50, 100, retry_at=NOW), tasks, NOW) == [StopTask("a")]


def test_an_old_task_that_fails_is_replaced_below_the_minimum() -> None:
    web = rolling(2, retry_at=NOW + 1)
    assert tick(web, [task("a", 1)], NOW) == [StartTasks(OLD, 1)]
    assert tick(web, [task("a", 1), task("b", 1, "PENDING")], NOW) == []


def test_a_deployment_that_never_completed_is_not_restored() -> None:
    web = service(2, deployments=[deployment(2), deployment(1, primary=False)])
    assert tick(web, [], NOW) == [StartTasks(NEW, 2), Retire(OLD)]


def test_superseded_tasks_that_do_not_serve_stop_first() -> None:
    web = service(2, deployments=[deployment(2), deployment(1, primary=False)])
    assert tick(web, [task("a", 1), task("b", 1, "PENDING")], NOW) == [StopTask("b"), StartTasks(NEW, 2)]


def test_a_deployment_completes_only_when_the_old_tasks_are_gone() -> None:
    new = [task("c", 2), task("d", 2)]
    assert tick(rolling(2), [task("a", 1, "STOPPING", leaving=True), *new], NOW) == []
    assert tick(rolling(2), new, NOW) == [Complete(), Retire(OLD), Settle()]


def test_a_lower_count_stops_idle_tasks_first_then_the_youngest() -> None:
    old, young, idle = task("a", 1), task("b", 1), task("c", 1, "PENDING")
    young.created_at = 5.0
    assert tick(settled(2), [old, young, idle], NOW) == [StopTask("c")]
    assert tick(settled(1), [old, young, idle], NOW) == [StopTask("c"), StopTask("b")]


def test_a_higher_count_starts_the_missing_tasks_without_a_deployment() -> None:
    assert tick(settled(3), [task("a", 1)], NOW) == [StartTasks(OLD, 2)]


def test_a_count_of_zero_stops_all_tasks() -> None:
    assert tick(rolling(0), [task("a", 1), task("b", 2)], NOW) == [StopTask("b"), StopTask("a")]


def test_an_unhealthy_task_is_replaced() -> None:
    tasks = [task("a", 1, health="UNHEALTHY"), task("b", 1, health="HEALTHY")]
    assert tick(settled(2), tasks, NOW) == [StopTask("a", unhealthy=True), StartTasks(OLD, 1)]


def test_a_task_with_a_health_check_serves_only_when_it_passes() -> None:
    web = service(1, deployments=[deployment(1)])
    assert tick(web, [task("a", 1, health="UNKNOWN")], NOW) == []
    assert tick(web, [task("a", 1, health="HEALTHY")], NOW) == [Complete(), Settle()]


def test_a_task_with_a_port_serves_only_when_it_is_reachable() -> None:
    web, waiting = service(1, deployments=[deployment(1)]), task("a", 1)
    waiting.port = 8080
    assert tick(web, [waiting], NOW) == []
    waiting.reachable = True
    assert tick(web, [waiting], NOW) == [Complete(), Settle()]


def test_a_deleted_service_stops_its_tasks_and_becomes_inactive() -> None:
    web = settled(2)
    web.status = "DRAINING"
    assert tick(web, [task("a", 1)], NOW) == [StopTask("a")]
    assert tick(web, [task("a", 1, leaving=True)], NOW) == []
    assert tick(web, [], NOW) == [Deactivate()]
    web.status = "INACTIVE"
    assert tick(web, [], NOW) == []


def test_the_wait_doubles_up_to_half_a_minute() -> None:
    assert [backoff(count) for count in (0, 1, 2, 3, 7, 50)] == [0.0, 0.5, 1.0, 2.0, 30.0, 30.0]


def a_task(index: int, draw: st.DrawFn) -> Task:
    status = draw(st.sampled_from(["PROVISIONING", "PENDING", "RUNNING", "RUNNING", "RUNNING", "STOPPING"]))
    web = task(f"t{index}", draw(st.sampled_from([1, 2])), status, leaving=status == "STOPPING" or draw(st.booleans()))
    web.created_at = float(index)
    return web


@st.composite
def situations(draw: st.DrawFn) -> tuple[Service, list[Task]]:
    web = rolling(draw(st.integers(0, 6)), draw(st.integers(0, 100)), draw(st.integers(100, 250)))
    web.primary.retry_at = draw(st.sampled_from([0.0, NOW + 1]))
    return web, [a_task(index, draw) for index in range(draw(st.integers(0, 9)))]


@given(situations())
@settings(max_examples=100, deadline=None)
def test_no_stop_goes_below_the_minimum_and_no_start_above_the_maximum(situation: tuple[Service, list[Task]]) -> None:
    web, tasks = situation
    actions = tick(web, tasks, NOW)
    stopped = [action.task for action in actions if isinstance(action, StopTask)]
    started = sum(action.count for action in actions if isinstance(action, StartTasks))
    serving = sum(entry.serving for entry in tasks)
    left = sum(entry.serving for entry in tasks if entry.id not in stopped)
    counted = sum(entry.counted for entry in tasks)
    assert left >= min(serving, web.minimum)
    assert counted + started <= max(counted, web.maximum)
    assert len(stopped) == len(set(stopped))


@given(situations())
@settings(max_examples=100, deadline=None)
def test_a_tick_has_no_side_effects(situation: tuple[Service, list[Task]]) -> None:
    before = copy.deepcopy(situation)
    tick(*situation, NOW)
    assert situation == before


@given(st.integers(0, 6), st.integers(0, 100), st.integers(100, 250))
@settings(max_examples=100, deadline=None)
def test_every_rollout_with_sufficient_percentages_ends(desired: int, minimum: int, maximum: int) -> None:
    web = rolling(desired, minimum, maximum)
    assume(web.maximum > web.desired or web.minimum < web.desired or not desired)
    tasks = [task(f"old{index}", 1) for index in range(desired)]
    for turn in range(4 * desired + 4):
        actions = tick(web, tasks, NOW)
        if Complete() in actions:
            assert [entry.deployment for entry in tasks] == [NEW] * desired
            return
        stopped = {action.task for action in actions if isinstance(action, StopTask)}
        tasks = [entry for entry in tasks if entry.id not in stopped]
        for action in actions:
            if isinstance(action, StartTasks):
                assert action.deployment == NEW
                tasks += [task(f"new{turn}-{index}", 2) for index in range(action.count)]
        assert web.minimum <= len(tasks) <= web.maximum
    pytest.fail(f"still rolling: {actions}")
