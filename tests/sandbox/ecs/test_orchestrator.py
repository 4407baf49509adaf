from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.sandbox.ecs.fleet import RUNNING
from longshore.sandbox.ecs.orchestrator import EVENTS_KEPT
from longshore.sandbox.ecs.runtime import ContainerReport, Launch, Report
from longshore.sandbox.ecs.scheduler import BLOCKED, STEADY_AFTER
from tests.sandbox.ecs_world import World, crashes, never_starts, runs, service


def by_revision(outcomes: dict[str, object]) -> object:
    """A script that follows `outcomes` by the image of a task."""
    return lambda launch: outcomes[launch.definition["containerDefinitions"][0]["image"]](launch)  # type: ignore[operator]


def test_a_service_starts_and_becomes_steady() -> None:
    world = World()
    web = world.add(service(2))
    first = web.primary
    world.step()
    assert [(task.last_status, task.started_by) for task in world.live(web)] == [("PROVISIONING", first.id)] * 2
    world.pass_time(2)
    assert [task.last_status for task in world.live(web)] == [RUNNING, RUNNING]
    assert (first.status, first.completed, first.failed_tasks) == ("SUCCESSFUL", True, 0)
    names = " ".join(f"(task {task.id})" for task in world.live(web))
    assert world.messages(web) == [
        "(service web) has reached a steady state.",
        f"(service web) (deployment {first.id}) deployment completed.",
        f"(service web) has started 2 tasks: {names}.",
    ]


def test_a_rollout_replaces_every_task_and_keeps_the_history() -> None:
    world = World()
    web = world.add(service(2))
    world.pass_time(3)
    old, first = world.live(web), web.primary
    second = world.deploy(web, "web:2")
    assert [(entry.id, entry.primary) for entry in web.deployments] == [(second.id, True), (first.id, False)]
    world.pass_time(6)
    assert [entry.id for entry in web.deployments] == [second.id]
    assert [(entry.id, entry.status) for entry in web.history] == [(second.id, "SUCCESSFUL"), (first.id, "SUCCESSFUL")]
    assert {task.task_definition for task in world.live(web)} == {"web:2"}
    assert [(task.last_status, task.stop_code, task.stopped_reason) for task in old] == [
        ("STOPPED", "ServiceSchedulerInitiated", f"Scaling activity initiated by (deployment {second.id})")
    ] * 2
    assert second.source == first.id


def test_a_superseded_deployment_is_stopped() -> None:
    world = World(lambda launch: runs(launch, after=60.0))
    web = world.add(service(2))
    world.pass_time(2)
    first = web.primary
    world.deploy(web, "web:2")
    assert (first.status, first.finished_at, first.completed) == ("STOPPED", world.time, False)
    world.pass_time(3)
    assert first.id not in [entry.id for entry in web.deployments]
    assert {task.task_definition for task in world.live(web)} == {"web:2"}


def test_a_crash_loop_is_throttled_and_never_completes() -> None:
    world = World(crashes)
    web = world.add(service(1))
    world.pass_time(120)
    assert web.primary.status == "IN_PROGRESS"
    # Half a second, one, two, four … between starts: far fewer than the eighty that the time allows
    assert 6 <= len(world.runtime.started) <= 10
    assert web.primary.failed_tasks == 0  # each of them was RUNNING
    assert any("unable to consistently start tasks" in message for message in world.messages(web))


def test_tasks_that_fail_to_start_are_counted_until_one_runs() -> None:
    world = World(never_starts)
    web = world.add(service(1))
    world.pass_time(5)
    assert web.primary.failed_tasks == len(world.runtime.started) >= 3
    world.runtime.outcome = runs
    world.pass_time(20)
    assert (web.primary.failed_tasks, web.primary.status) == (0, "SUCCESSFUL")


def test_a_task_that_fails_after_serving_is_replaced_at_once() -> None:
    world = World(lambda launch: crashes(launch, lasting=STEADY_AFTER + 1))
    web = world.add(service(1))
    world.pass_time(STEADY_AFTER + 3)
    assert len(world.runtime.started) == 2
    assert web.primary.stopped_in_row == 0
    assert web.primary.completed


def test_an_unhealthy_task_is_stopped_with_the_messages_of_ecs() -> None:
    def sickens(launch: Launch) -> list[tuple[float, Report]]:
        return [*runs(launch), (2.0, Report(launch.task, containers=[ContainerReport("web", health="UNHEALTHY")]))]

    world = World(sickens)
    web = service(1)
    world.orchestrator.fleet.services["shop", "web"] = web
    world.deploy(web, "web:1", healthCheck={"command": ["CMD", "true"]})
    world.step()
    (task,) = world.live(web)
    world.pass_time(4)
    assert (task.stop_code, task.stopped_reason) == (
        "ServiceSchedulerInitiated",
        "Task failed container health checks",
    )
    assert web.primary.failed_tasks >= 1
    assert f"(service web) (task {task.id}) failed container health checks." in world.messages(web)


def test_a_task_that_is_stopped_before_its_launch_never_starts() -> None:
    world = World()
    web = world.add(service(1))
    world.step()
    (task,) = world.live(web)
    task.launched = False
    world.runtime.started.clear()
    world.orchestrator.halt(task, "UserInitiated", "no")
    world.step()
    assert (task.last_status, task.id in world.runtime.started) == ("STOPPED", False)


def test_the_first_stop_of_a_task_gives_the_reason() -> None:
    world = World(crashes)
    web = world.add(service(1))
    world.step()
    (task,) = world.live(web)
    world.runtime.outcome = runs
    world.orchestrator.halt(task, "UserInitiated", "enough")
    world.pass_time(3)
    assert (task.last_status, task.stop_code, task.stopped_reason) == ("STOPPED", "UserInitiated", "enough")
    assert web.primary.stopped_in_row == 0


def test_stopped_tasks_are_kept_for_an_hour() -> None:
    world = World()
    web = world.add(service(1))
    world.pass_time(3)
    (task,) = world.live(web)
    web.desired = 0
    world.pass_time(3)
    world.time += 3500
    world.step()
    assert task.id in world.orchestrator.fleet.tasks
    world.time += 200
    world.step()
    assert world.orchestrator.fleet.of_service(web) == []
    assert task.id not in world.orchestrator.fleet.tasks


def test_a_deleted_service_drains_and_loses_its_load_balancer() -> None:
    world = World()
    web = world.add(service(2))
    world.pass_time(3)
    world.orchestrator.retire(web)
    world.step()
    assert (web.status, len(world.runtime.stopped)) == ("DRAINING", 2)
    world.pass_time(3)
    assert (web.status, world.runtime.withdrawn) == ("INACTIVE", [("shop", "web")])


def test_events_are_limited_and_not_repeated() -> None:
    world = World()
    web = world.add(service(1, 100, 100))
    world.pass_time(3)
    world.deploy(web, "web:2")
    world.pass_time(10)
    assert [message for message in world.messages(web) if BLOCKED in message] == [f"(service web) {BLOCKED}"]
    world.runtime.outcome = crashes
    web.settings["deploymentConfiguration"]["maximumPercent"] = 200
    for _ in range(2 * EVENTS_KEPT):
        world.step(40.0)
    assert len(web.events) == EVENTS_KEPT


def test_the_completed_revision_keeps_serving_during_a_crash_loop() -> None:
    world = World()
    web = world.add(service(2))
    world.pass_time(3)
    world.runtime.outcome = crashes
    world.deploy(web, "web:2")
    for _ in range(200):
        world.step()
        assert sum(task.serving for task in world.live(web) if task.task_definition == "web:1") == 2
    assert web.primary.status == "IN_PROGRESS"


@pytest.mark.scenario  # takes longer than the fast tests may
@given(
    st.integers(0, 5),
    st.sampled_from([(0, 100), (50, 100), (50, 150), (100, 150), (100, 200), (34, 134)]),
    st.lists(st.tuples(st.sampled_from(["count", "deploy", "wait"]), st.integers(0, 5)), max_size=6),
    st.randoms(use_true_random=False),
)
@settings(max_examples=15, deadline=None)
def test_every_sequence_of_events_ends_with_the_wanted_tasks(
    desired: int, percents: tuple[int, int], changes: list[tuple[str, int]], chance: object
) -> None:
    def sometimes(launch: Launch) -> list[tuple[float, Report]]:
        choices = [runs, runs, runs, crashes, never_starts]
        return chance.choice(choices)(launch)  # type: ignore[attr-defined,no-any-return]

    world = World(sometimes)
    web = world.add(service(desired, *percents))
    for revision, (kind, number) in enumerate(changes, start=2):
        if kind == "count":
            web.desired = number
        elif kind == "deploy":
            world.deploy(web, f"web:{revision}")
        for _ in range(number * 4):
            before = sum(task.counted for task in world.live(web))
            world.step()
            assert sum(task.counted for task in world.live(web)) <= max(before, web.maximum)
    world.runtime.outcome = runs
    world.pass_time(200)
    stuck = web.minimum >= web.maximum and web.desired > 0 and len(web.deployments) > 1
    serving = [task.task_definition for task in world.live(web) if task.serving]
    assert stuck or (serving == [web.primary.task_definition] * web.desired and len(web.deployments) == 1)


@pytest.mark.parametrize("status", ["DEACTIVATING", "STOPPING", "STOPPED"])
def test_reports_about_an_unknown_task_are_ignored(status: str) -> None:
    world = World(lambda launch: [])
    web = world.add(service(1))
    world.step()
    (task,) = world.live(web)
    world.runtime.outcome = lambda launch: []
    for state in ("STOPPED", status):
        world.runtime._due.append((world.time, Report(task.id, state, "TaskFailedToStart", "x")))
        world.step()
    assert task.last_status == "STOPPED"
    assert web.primary.failed_tasks == 1
