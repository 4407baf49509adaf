"""Pause hooks of the sandbox: where a deployment waits, and how it continues."""

from __future__ import annotations

from typing import Any

import pytest

from longshore.sandbox.ecs.fleet import RUNNING, Service
from longshore.sandbox.ecs.hooks import answer
from longshore.sandbox.ecs.stages import Hook
from tests.sandbox.ecs_world import World, crashes, service

MINUTE = 60.0


def paused(world: World, *stages: str, desired: int = 2, **limit: Any) -> Service:
    """A service that has a deployment which completed, and pause hooks at these stages since."""
    web = world.add(service(desired))
    world.pass_time(4)
    assert web.primary.completed
    hook = {"targetType": "PAUSE", "lifecycleStages": list(stages), "timeoutConfiguration": limit}
    web.settings["deploymentConfiguration"]["lifecycleHooks"] = [hook]
    world.deploy(web, "web:2")
    world.pass_time(8)
    return web


def waiting(web: Service) -> Hook:
    (hook,) = [hook for hook in web.primary.stages.hooks if hook.status == "AWAITING_ACTION"]
    return hook


def running(world: World, web: Service) -> dict[str, int]:
    tasks = [task.task_definition for task in world.live(web) if task.last_status == RUNNING]
    return {revision: tasks.count(revision) for revision in sorted(set(tasks))}


def test_at_pre_scale_up_no_new_task_has_started() -> None:
    world = World()
    web = paused(world, "PRE_SCALE_UP")
    assert (waiting(web).stage, running(world, web)) == ("PRE_SCALE_UP", {"web:1": 2})
    assert (web.primary.state, web.primary.status) == ("IN_PROGRESS", "IN_PROGRESS")


def test_at_post_scale_up_all_new_tasks_run_and_the_deployment_is_not_complete() -> None:
    world = World()
    web = paused(world, "POST_SCALE_UP")
    assert waiting(web).stage == "POST_SCALE_UP"
    assert running(world, web)["web:2"] == 2
    assert (web.primary.state, web.primary.status) == ("IN_PROGRESS", "IN_PROGRESS")


def test_the_stage_reconcile_exists_only_with_several_active_revisions() -> None:
    world = World()
    web = paused(world, "RECONCILE_SERVICE", "PRE_SCALE_UP")
    assert waiting(web).stage == "PRE_SCALE_UP"
    world.deploy(web, "web:3")
    world.step()
    assert waiting(web).stage == "RECONCILE_SERVICE"


def test_a_hook_lasts_a_day_and_rolls_back_by_default() -> None:
    world = World()
    web = paused(world, "PRE_SCALE_UP")
    hook = waiting(web)
    assert (round((hook.expires_at - world.time) / MINUTE), hook.action) == (1440, "ROLLBACK")


def test_continuing_leads_to_the_next_stage_which_may_have_a_hook_with_another_id() -> None:
    world = World()
    web = paused(world, "PRE_SCALE_UP", "POST_SCALE_UP")
    first = waiting(web)
    answer(web.primary, first.id, "CONTINUE")
    world.pass_time(4)
    second = waiting(web)
    assert (first.status, second.stage, second.id != first.id) == ("SUCCEEDED", "POST_SCALE_UP", True)
    answer(web.primary, second.id, "CONTINUE")
    world.pass_time(4)
    assert (web.primary.state, web.primary.status) == ("COMPLETED", "SUCCESSFUL")
    assert running(world, web) == {"web:2": 2}


@pytest.mark.parametrize("stage", ["PRE_SCALE_UP", "POST_SCALE_UP"])
def test_rolling_back_at_a_hook_ends_with_the_reason_of_the_stage(stage: str) -> None:
    world = World()
    web = paused(world, stage)
    failed, hook = web.primary, waiting(web)
    answer(failed, hook.id, "ROLLBACK")
    assert failed.shown_status == "ROLLBACK_REQUESTED"
    world.pass_time(20)
    assert (hook.status, failed.shown_status) == ("FAILED", "ROLLBACK_SUCCESSFUL")
    assert failed.status_reason == f"Service deployment rolled back because {stage} lifecycle hook(s) failed."
    assert running(world, web) == {"web:1": 2}


@pytest.mark.parametrize(("action", "ends"), [("ROLLBACK", "ROLLBACK_SUCCESSFUL"), ("CONTINUE", "SUCCESSFUL")])
def test_when_its_time_is_over_ecs_takes_the_action_of_the_hook(action: str, ends: str) -> None:
    world = World()
    web = paused(world, "PRE_SCALE_UP", timeoutInMinutes=1, action=action)
    deployed, hook = web.primary, waiting(web)
    world.pass_time(MINUTE + 20)
    assert (hook.status, deployed.shown_status) == ("TIMED_OUT", ends)


@pytest.mark.parametrize("waits", [False, True])
def test_a_rollback_waits_at_pause_hooks_by_a_setting_only(*, waits: bool) -> None:
    world = World()
    world.orchestrator.timing.set("hooks_on_rollback", float(waits))
    web = paused(world, "PRE_SCALE_UP")
    answer(web.primary, waiting(web).id, "ROLLBACK")
    world.pass_time(10)
    assert web.primary.rolls_back
    assert web.primary.stages.waiting is waits
    assert web.primary.completed is not waits


def test_the_circuit_breaker_still_judges_a_deployment_that_waits() -> None:
    world = World()
    web = paused(world, "POST_SCALE_UP")
    web.settings["deploymentConfiguration"]["deploymentCircuitBreaker"] = {"enable": True, "rollback": True}
    failed = web.primary
    failed.failed_tasks = 3
    world.pass_time(20)
    assert failed.shown_status == "ROLLBACK_SUCCESSFUL"


def test_a_hook_is_not_reached_while_the_new_tasks_crash() -> None:
    world = World()
    web = paused(world, "PRE_SCALE_UP", "POST_SCALE_UP")
    world.runtime.outcome = crashes
    answer(web.primary, waiting(web).id, "CONTINUE")
    world.pass_time(6)
    assert (web.primary.stages.stage, web.primary.stages.waiting) == ("SCALE_UP", False)
