from __future__ import annotations

import pytest

from longshore.sandbox.ecs.early_success import criteria_of
from longshore.sandbox.ecs.fleet import Service
from longshore.sandbox.ecs.runtime import Launch
from longshore.sandbox.ecs.shapes import service_deployment_shape
from tests.sandbox.ecs_world import World, deployment, never_starts, runs, service


def early(cleanup: str, healthy: int = 50, minimum: int = 50) -> Service:
    web = service(4, minimum)
    web.settings["deploymentConfiguration"]["earlySuccessCriteria"] = {
        "enable": True,
        "healthyPercent": healthy,
        "sourceServiceRevisionCleanup": cleanup,
    }
    return web


def deployed(world: World, web: Service) -> Service:
    """A service whose second deployment has been started, with the first one complete."""
    world.add(web)
    world.pass_time(5)
    assert web.steady
    world.deploy(web, "web:2")
    return web


class Half:
    """Two tasks of revision 2 run; the others never start, until they may."""

    def __init__(self) -> None:
        self.running = 2

    def __call__(self, launch: Launch) -> object:
        if launch.revision == 1:
            return runs(launch)
        self.running -= 1
        return runs(launch) if self.running >= 0 else [(0.5, runs(launch)[0][1])]


def counts(world: World, web: Service) -> dict[str, int]:
    live = [task for task in world.live(web) if task.last_status == "RUNNING" and not task.leaving]
    return {name: sum(task.task_definition == name for task in live) for name in ("web:1", "web:2")}


def test_blocking_removes_the_old_tasks_before_the_success() -> None:
    world = World(Half())  # type: ignore[arg-type]
    web = deployed(world, early("BLOCKING"))
    while web.primary.status != "SUCCESSFUL":
        world.step()
        assert web.primary.state == "IN_PROGRESS" or not any(t.task_definition == "web:1" for t in world.live(web))
    assert (web.primary.state, web.steady) == ("COMPLETED", False)
    assert counts(world, web) == {"web:1": 0, "web:2": 2}


@pytest.mark.parametrize("hidden", [0, 1])
def test_deferred_removes_them_afterwards(hidden: int) -> None:
    world = World(Half())  # type: ignore[arg-type]
    timing = world.orchestrator.timing
    timing.early_success_hidden, timing.deferred_cleanup = hidden, 10.0
    web = deployed(world, early("DEFERRED"))
    old = counts(world, web)["web:1"]
    while web.primary.status != "SUCCESSFUL":
        world.step()
    assert web.primary.state == ("IN_PROGRESS" if hidden else "COMPLETED")
    assert 0 < counts(world, web)["web:1"] <= old
    kept = counts(world, web)["web:1"]
    world.pass_time(9)
    assert counts(world, web)["web:1"] == kept
    world.pass_time(3)
    assert counts(world, web) == {"web:1": 0, "web:2": 2}
    assert not web.steady


def test_the_remaining_tasks_start_after_the_success_and_the_counts_stay_those_of_its_end() -> None:
    slow = Half()
    world = World(slow)  # type: ignore[arg-type]
    web = deployed(world, early("BLOCKING"))
    world.pass_time(20)
    assert web.primary.status == "SUCCESSFUL"
    slow.running = 99
    for task in [task for task in world.live(web) if task.last_status == "PENDING"]:
        world.orchestrator.halt(task, "UserInitiated", "try again")
    world.pass_time(10)
    assert counts(world, web) == {"web:1": 0, "web:2": 4}
    assert (web.steady, web.primary.state) == (True, "COMPLETED")
    shape = service_deployment_shape(web, web.primary, world.live(web))
    assert shape["targetServiceRevision"]["runningTaskCount"] == 2


def test_after_an_early_success_nothing_is_rolled_back() -> None:
    fails = Half()

    def outcome(launch: Launch) -> object:
        first = fails(launch)
        return first if launch.revision == 1 or fails.running >= 0 else never_starts(launch, 2.0)

    world = World(outcome)  # type: ignore[arg-type]
    web = early("BLOCKING")
    web.settings["deploymentConfiguration"]["deploymentCircuitBreaker"] = {"enable": True, "rollback": True}
    deployed(world, web)
    world.pass_time(60)
    assert web.primary.failed_tasks > 3
    assert (web.primary.task_definition, web.primary.status) == ("web:2", "SUCCESSFUL")


@pytest.mark.parametrize(
    ("desired", "healthy", "needed"), [(2, 50, 1), (3, 50, 2), (10, 80, 8), (10, 100, 10), (1, 0, 1)]
)
def test_the_share_of_healthy_tasks_is_rounded_up(desired: int, healthy: int, needed: int) -> None:
    """The examples of AWS's page, and its rule that at least one task must be healthy."""
    web = early("BLOCKING", healthy, 0)
    web.desired, web.deployments = desired, [deployment(1)]
    criteria = criteria_of(web)
    assert criteria is not None
    assert criteria.needed == needed
