from __future__ import annotations

import pytest

from longshore.sandbox.ecs.fleet import Service
from longshore.sandbox.ecs.orchestrator import Orchestrator
from longshore.sandbox.ecs.shapes import service_deployment_shape, service_shape
from tests.sandbox.ecs_world import World, service

BAKE = 10.0


class Watched(World):
    """A world with the alarms `errors` and `slow`."""

    def __init__(self, *, rollback: bool = True) -> None:
        super().__init__()
        self.states = {"errors": "OK", "slow": "INSUFFICIENT_DATA"}
        self.orchestrator = Orchestrator(self.runtime, lambda: self.time, alarms=lambda: self.states)
        self.orchestrator.timing.alarm_bake = BAKE
        self.web = service(2)
        self.web.settings["deploymentConfiguration"]["alarms"] = {
            "alarmNames": ["errors", "slow"],
            "enable": True,
            "rollback": rollback,
        }
        self.add(self.web)
        self.pass_time(5 + BAKE)
        assert self.web.steady

    @property
    def alarms(self) -> dict[str, object]:
        """The alarms of the newest service deployment."""
        newest = self.web.service_deployments[0]
        shown: dict[str, object] = service_deployment_shape(self.web, newest, self.live(self.web))["alarms"]
        return shown


def ended(web: Service) -> tuple[str, str]:
    return web.service_deployments[0].status, web.primary.task_definition


@pytest.mark.parametrize("after", [2.0, 4.0 + BAKE / 2])
def test_an_alarm_rolls_a_deployment_back_while_it_runs_and_in_its_bake_time(after: float) -> None:
    world = Watched()
    world.deploy(world.web, "web:2")
    world.pass_time(after)
    assert (world.web.primary.state, world.alarms["status"]) == ("IN_PROGRESS", "MONITORING")
    world.states["errors"] = "ALARM"
    world.pass_time(15)
    assert ended(world.web) == ("ROLLBACK_SUCCESSFUL", "web:1")
    assert world.alarms == {"status": "TRIGGERED", "alarmNames": ["errors", "slow"], "triggeredAlarmNames": ["errors"]}
    failed = world.web.service_deployments[0]
    messages = world.messages(world.web)
    assert f"(service web) (deployment {failed.id}) deployment failed: alarm detected." in messages
    assert f"(service web) rolling back to deployment {world.web.primary.id}." in messages


def test_without_rollback_the_deployment_only_stops() -> None:
    world = Watched(rollback=False)
    world.deploy(world.web, "web:2")
    world.pass_time(1)
    world.states["slow"] = "ALARM"
    world.pass_time(5)
    assert ended(world.web) == ("STOPPED", "web:2")
    assert world.web.primary.state == "FAILED"


def test_after_its_bake_time_a_deployment_is_not_rolled_back() -> None:
    world = Watched()
    world.deploy(world.web, "web:2")
    world.pass_time(5 + BAKE)
    assert (world.web.primary.state, world.alarms["status"]) == ("COMPLETED", "MONITORING_COMPLETE")
    world.states["errors"] = "ALARM"
    world.pass_time(5)
    assert ended(world.web) == ("SUCCESSFUL", "web:2")


def test_an_alarm_in_alarm_at_the_beginning_switches_all_off_for_that_deployment() -> None:
    world = Watched()
    world.states["slow"] = "ALARM"
    world.deploy(world.web, "web:2")
    world.pass_time(1)
    world.states["errors"] = "ALARM"
    world.pass_time(5)
    assert ended(world.web) == ("SUCCESSFUL", "web:2")
    assert world.alarms == {"status": "DISABLED"}


@pytest.mark.parametrize("announced", [0, 1])
def test_the_rollback_may_be_announced_as_that_of_the_circuit_breaker(announced: int) -> None:
    world = Watched()
    world.orchestrator.timing.alarm_rollback_announced = announced
    world.deploy(world.web, "web:2")
    world.pass_time(1)
    world.states["errors"] = "ALARM"
    world.step()
    world.step()
    [primary, *_] = service_shape(world.web, world.live(world.web))["deployments"]
    assert primary["taskDefinition"] == "web:1"
    assert ("rolling back to deploymentId" in primary["rolloutStateReason"]) is bool(announced)
