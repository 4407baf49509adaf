from __future__ import annotations

from typing import Any

import pytest

from longshore.aws.target_health import addresses_of
from longshore.sandbox.ecs.fleet import Service
from longshore.sandbox.ecs.runtime import ContainerReport, Launch, Report
from longshore.sandbox.ecs.shapes import task_shape
from longshore.sandbox.ecs.target_health import PASSED, REFUSED, Check, answered
from tests.sandbox.ecs_world import World, definition, runs, service

GROUP = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/0a1b2c3d4e5f6071"
OTHER = f"{GROUP}2"
CHECK = Check(GROUP, interval=5, healthy=2, unhealthy=2)
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


def balanced(world: World, desired: int = 1, *, groups: tuple[str, ...] = (GROUP,), **settings: Any) -> Service:
    """A service behind target groups."""
    web = service(desired)
    web.settings["loadBalancers"] = [
        {"targetGroupArn": group, "containerName": "web", "containerPort": 8080} for group in groups
    ]
    web.settings["deploymentConfiguration"] |= BREAKER
    web.settings |= settings
    world.checks |= {GROUP: CHECK, OTHER: Check(OTHER, interval=5)}
    world.orchestrator.fleet.services["shop", "web"] = web
    deploy(world, web, "web:1")
    return web


def deploy(world: World, web: Service, revision: str, **container: Any) -> None:
    world.orchestrator.deploy(web, revision, definition(**container), 8080)


def described(world: World, group: str = GROUP) -> list[dict[str, Any]]:
    return world.orchestrator.targets.described(world.orchestrator.fleet.live.values(), group)


def states(world: World) -> list[str]:
    return [target["TargetHealth"]["State"] for target in described(world)]


def test_a_task_is_registered_checked_and_deregistered() -> None:
    world = World()
    web = balanced(world)
    world.runtime.answer = lambda _: REFUSED
    world.pass_time(1.25)
    (task,) = world.live(web)
    assert states(world) == ["initial"]
    assert not web.primary.completed
    world.runtime.answer = lambda _: PASSED
    world.pass_time(1)
    assert (states(world), task.serving, web.primary.completed) == (["healthy"], True, True)
    assert world.runtime.routed == [(task.id, True)]
    web.desired = 0
    world.step()
    assert described(world)[0]["TargetHealth"] == {
        "State": "draining",
        "Reason": "Target.DeregistrationInProgress",
        "Description": "Target deregistration is in progress",
    }
    world.pass_time(0.75)
    assert states(world) == []
    assert [message for message in world.messages(web) if " targets in " in message or "draining" in message] == [
        f"(service web) deregistered 1 targets in (target-group {GROUP})",
        "(service web) has begun draining connections on 1 tasks.",
        f"(service web) registered 1 targets in (target-group {GROUP})",
    ]


def test_the_targets_of_several_tasks_are_one_event() -> None:
    world = World()
    web = balanced(world, 3, groups=(GROUP, OTHER))
    world.pass_time(3)
    web.desired = 0
    world.step()
    assert [message for message in world.messages(web) if " targets in " in message or "draining" in message] == [
        f"(service web) deregistered 3 targets in (target-group {OTHER})",
        f"(service web) deregistered 3 targets in (target-group {GROUP})",
        "(service web) has begun draining connections on 3 tasks.",
        f"(service web) registered 3 targets in (target-group {OTHER})",
        f"(service web) registered 3 targets in (target-group {GROUP})",
    ]


def test_a_task_counts_once_all_of_its_target_groups_call_it_healthy() -> None:
    world = World()
    web = balanced(world, groups=(GROUP, OTHER))
    del world.checks[OTHER]
    world.pass_time(5)
    assert (states(world), web.primary.completed) == (["healthy"], False)
    world.checks[OTHER] = Check(OTHER)
    world.pass_time(1)
    assert web.primary.completed


def test_an_unhealthy_target_is_stopped_with_the_words_of_ecs_and_trips_the_breaker() -> None:
    world = World()
    web = balanced(world)
    world.pass_time(3)
    healthy = {task.id for task in world.live(web)}
    world.runtime.answer = lambda task: PASSED if task in healthy else answered(CHECK, 404)
    deploy(world, web, "web:2")
    failed = web.primary
    world.pass_time(40)
    stopped = [task for task in world.orchestrator.fleet.of_service(web) if task.deployment == failed.id]
    assert {(task.stop_code, task.stopped_reason) for task in stopped} == {
        ("ServiceSchedulerInitiated", f"Task failed ELB health checks in (target-group {GROUP})")
    }
    assert (
        f"(service web) (task {stopped[0].id}) (port 8080) is unhealthy in (target-group {GROUP}) "
        "due to (reason Health checks failed with these codes: [404])."
    ) in world.messages(web)
    assert (failed.failed_tasks, failed.status.startswith("ROLLBACK_")) == (3, True)
    assert healthy == {task.id for task in world.live(web) if task.serving}


@pytest.mark.parametrize(("grace", "survives"), [(0, False), (12, False), (30, True)])
def test_within_the_grace_period_an_unhealthy_target_is_not_stopped(grace: int, survives: bool) -> None:  # noqa: FBT001
    world = World()
    web = balanced(world, healthCheckGracePeriodSeconds=grace)
    world.runtime.answer = lambda _: REFUSED
    world.pass_time(8)
    (task, *_) = world.orchestrator.fleet.of_service(web)
    assert not task.serving
    world.pass_time(6)
    # Unhealthy after 5 s, it passes from now on, and is healthy after two checks.
    world.runtime.answer = lambda _: PASSED
    world.pass_time(11)
    assert (task.serving, not task.leaving) == (survives, survives)


@pytest.mark.parametrize(("grace", "stopped"), [(0, True), (60, False)])
def test_within_the_grace_period_a_container_health_check_is_ignored_too(grace: int, stopped: bool) -> None:  # noqa: FBT001
    def sickens(launch: Launch) -> list[tuple[float, Report]]:
        return [*runs(launch), (2.0, Report(launch.task, containers=[ContainerReport("web", health="UNHEALTHY")]))]

    world = World(sickens)
    web = balanced(world, healthCheckGracePeriodSeconds=grace)
    deploy(world, web, "web:2", healthCheck={"command": ["CMD", "true"]})
    world.pass_time(6)
    ours = [task for task in world.orchestrator.fleet.of_service(web) if task.task_definition == "web:2"]
    assert ("Task failed container health checks" in {task.stopped_reason for task in ours}) == stopped


def test_a_task_that_becomes_unhealthy_later_loses_its_requests_and_is_replaced() -> None:
    world = World()
    web = balanced(world)
    world.pass_time(3)
    (task,) = world.live(web)
    world.runtime.answer = lambda identity: answered(CHECK, 500) if identity == task.id else PASSED
    world.pass_time(20)
    assert (task.id, False) in world.runtime.routed
    assert task.stopped_reason.startswith("Task failed ELB health checks")
    assert states(world) == ["healthy"]


@pytest.mark.parametrize(("setting", "at_first"), [(0.0, True), (1.0, False)])
def test_a_new_target_of_a_network_load_balancer_passes_one_check_or_all(setting: float, at_first: bool) -> None:  # noqa: FBT001
    world = World()
    world.orchestrator.timing.set("network_first_checks", setting)
    web = balanced(world)
    world.checks[GROUP] = Check(GROUP, protocol="TCP", network=True, interval=5, healthy=2)
    world.pass_time(4)
    assert web.primary.completed == at_first
    world.pass_time(5)
    assert web.primary.completed


@pytest.mark.parametrize(
    ("kind", "port", "published", "expected"),
    [
        ("ip", None, (), (8080, "8080")),
        ("ip", 9000, ((8080, 32768),), (8080, "9000")),
        ("instance", None, ((8080, 32768),), (32768, "32768")),
    ],
)
def test_a_target_is_an_address_with_the_containers_port_or_an_instance_with_the_hosts(
    kind: str, port: int | None, published: tuple[tuple[int, int], ...], expected: tuple[int, str]
) -> None:
    world = World()
    web = balanced(world)
    world.checks[GROUP] = Check(GROUP, port=port, target_type=kind)
    world.pass_time(2)
    (task,) = world.live(web)
    task.containers[0].ports = published
    (target,) = described(world)
    assert target["Target"]["Id"].startswith("10." if kind == "ip" else "i-")
    assert (target["Target"]["Port"], target["HealthCheckPort"]) == expected


def test_a_task_shows_the_address_of_its_target() -> None:
    """So a diagnosis finds the targets of a deployment's tasks, which the load balancer knows by address."""
    world = World()
    web = balanced(world, 2)
    world.pass_time(2)
    tasks = world.live(web)
    for task in tasks:
        task.definition = {**task.definition, "networkMode": "awsvpc"}
    shown = [set(addresses_of(task_shape(task))) for task in tasks]
    assert shown == [{target["Target"]["Id"]} for target in described(world)]
    assert shown[0] != shown[1]
