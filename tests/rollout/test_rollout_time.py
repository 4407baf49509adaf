"""How long a roll-out may take at most, as a table: the reader can add the numbers up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from longshore.aws.circuit_breaker import CircuitBreaker
from longshore.aws.ecs_settings import EarlySuccess, ServiceSettings
from longshore.aws.elbv2 import TargetGroup
from longshore.rollout.container_times import healthy_within, stopped_within
from longshore.rollout.rollout_time import LEAST, RolloutTime, batch_of, of_service

ALB = ServiceSettings(target_groups=("alb",))
NLB = ServiceSettings(target_groups=("nlb",))
WORKER = ServiceSettings()
BREAKER = CircuitBreaker(enabled=True, rolls_back=True)
GROUPS = {"alb": TargetGroup(), "nlb": TargetGroup(interval=10, checks=3, drain=600, protocol="TCP")}
ONE_CONTAINER = [{"name": "app"}]


def time_of(settings: ServiceSettings, count: int = 1, *definitions: list[Any]) -> RolloutTime:
    described = [{"containerDefinitions": containers} for containers in definitions or [ONE_CONTAINER]]
    return of_service(settings, count, described, GROUPS)


def percent(minimum: int, maximum: int, settings: ServiceSettings = WORKER) -> ServiceSettings:
    return replace(settings, minimum_healthy=minimum, maximum=maximum)


def checked(**check: int) -> list[Any]:
    return [{"name": "app", "healthCheck": {"command": ["CMD", "true"], **check}}]


@pytest.mark.parametrize(
    ("count", "minimum", "maximum", "batch", "batches"),
    [
        (1, 100, 200, 1, 1),
        (2, 100, 200, 2, 1),
        (2, 100, 150, 1, 2),
        (3, 100, 150, 1, 3),  # 4.5 tasks are rounded down to 4
        (3, 50, 100, 1, 3),  # 1.5 tasks are rounded up to 2
        (10, 50, 100, 5, 2),
        (10, 0, 100, 10, 1),
        (10, 50, 150, 5, 2),
        (10, 100, 110, 1, 10),
        (10, 75, 125, 2, 5),
        (1000, 100, 200, 1000, 1),
        (1000, 90, 110, 100, 10),
        (0, 100, 200, 0, 0),
    ],
)
def test_ecs_replaces_the_tasks_in_batches(count: int, minimum: int, maximum: int, batch: int, batches: int) -> None:
    settings = percent(minimum, maximum)
    assert batch_of(count, settings) == batch
    assert time_of(settings, count).batches == batches


@pytest.mark.parametrize(("count", "minimum", "maximum"), [(1, 100, 150), (1, 50, 100), (2, 100, 100)])
def test_percentages_that_let_ecs_replace_nothing_are_named(count: int, minimum: int, maximum: int) -> None:
    time = time_of(percent(minimum, maximum), count)
    assert time.batches == count
    assert "its minimum and maximum percent let ECS replace no task" in str(time)


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        pytest.param(time_of(ALB), 300 + 150 + 300 + 30 + 300, id="AWS's defaults"),
        pytest.param(time_of(percent(100, 150, ALB), 2), 2 * 780 + 300, id="two batches"),
        pytest.param(time_of(percent(50, 100, ALB), 10), 2 * 780 + 300, id="stop first"),
        pytest.param(time_of(percent(100, 150, ALB), 10), 2 * 780 + 300, id="150 percent"),
        pytest.param(time_of(ALB, 1000), 1080 + 120, id="1000 tasks, 500 a minute"),
        pytest.param(time_of(NLB), 300 + 30 + 600 + 30 + 300, id="network load balancer"),
        pytest.param(time_of(replace(ALB, target_groups=("alb", "nlb"))), 300 + 150 + 600 + 30 + 300, id="both"),
        pytest.param(time_of(replace(ALB, target_groups=("unread",))), 1080, id="a group that could not be read"),
        pytest.param(time_of(replace(ALB, grace=120)), 1080 + 120, id="grace period"),
        pytest.param(time_of(ALB, 1, checked(startPeriod=300)), 300 + 405 + 300 + 30 + 300, id="start period"),
        pytest.param(time_of(ALB, 1, [{"name": "app", "stopTimeout": 120}]), 1080 + 90, id="stop timeout"),
        pytest.param(time_of(ALB, 1, ONE_CONTAINER, [{"name": "app", "stopTimeout": 120}]), 1080 + 90, id="of the old"),
        pytest.param(time_of(replace(ALB, alarms=("errors",))), 1080 + 600, id="alarms"),
        pytest.param(time_of(replace(ALB, capacity_providers=("instances",))), 1080 + 300, id="instances"),
        pytest.param(time_of(replace(ALB, capacity_providers=("FARGATE_SPOT",))), 1080, id="Fargate"),
        pytest.param(time_of(replace(ALB, early_success=EarlySuccess(100, "BLOCKING"))), 1080, id="early, blocking"),
        pytest.param(
            time_of(percent(100, 150, replace(ALB, early_success=EarlySuccess(100, "DEFERRED"))), 2),
            2 * 780 + 300 - 330,
            id="early, deferred",
        ),
        pytest.param(time_of(WORKER), LEAST, id="no load balancer"),
        pytest.param(time_of(WORKER, 0), LEAST, id="no tasks"),
        pytest.param(time_of(ALB, 0), LEAST, id="no tasks behind a load balancer"),
        pytest.param(time_of(percent(100, 110), 10), 10 * 370 + 300 + 20, id="ten batches"),
    ],
)
def test_the_time_is_the_sum_of_its_parts_in_whole_minutes(time: RolloutTime, seconds: float) -> None:
    assert time.seconds == -(-seconds // 60) * 60
    assert time.seconds - seconds < 60


@pytest.mark.parametrize(
    ("count", "settings", "recorded"),
    [
        (1, ALB, 934),  # never listens behind an ALB: 15 min 34 s
        (1, WORKER, 720),  # an image that cannot be pulled: 8 to 12 min
        (2, WORKER, 180),  # crashes at start: 3 min
    ],
)
def test_the_circuit_breaker_comes_first_as_recorded(count: int, settings: ServiceSettings, recorded: float) -> None:
    assert time_of(replace(settings, breaker=BREAKER), count).seconds > recorded * 1.2


def test_a_breaker_that_sees_one_task_after_another_gets_the_time_for_it() -> None:
    slow = replace(ALB, grace=600.0, breaker=BREAKER)
    assert time_of(slow).seconds == 3 * (60 + 600 + 150 + 300 + 30)
    assert "longer for 3 failed tasks, at which its circuit breaker trips" in str(time_of(slow))
    assert time_of(replace(slow, breaker=CircuitBreaker())).seconds == 1080 + 600
    assert time_of(slow, 200).seconds == 1080 + 600, "all of a hundred failed tasks run in one batch"


@pytest.mark.parametrize(
    ("containers", "seconds"),
    [
        (ONE_CONTAINER, 0),
        (checked(), 3 * 35),
        (checked(startPeriod=60, interval=10, timeout=2, retries=5), 60 + 5 * 12),
        ([*checked(), {"name": "proxy", "healthCheck": {"startPeriod": 200}}], 200 + 105),
        ([*checked(), {"name": "web", "dependsOn": [{"containerName": "app", "condition": "HEALTHY"}]}], 180),
        (
            [
                {"name": "setup", "startTimeout": 100},
                checked()[0] | {"dependsOn": [{"containerName": "setup", "condition": "SUCCESS"}]},
            ],
            100 + 105,
        ),
        ([*checked(), {"name": "web", "dependsOn": [{"containerName": "app", "condition": "START"}]}], 105),
    ],
)
def test_containers_become_healthy_one_after_another_if_they_depend_on_each_other(
    containers: list[Any], seconds: float
) -> None:
    assert healthy_within(containers) == seconds


@pytest.mark.parametrize(
    ("containers", "seconds"),
    [
        ([], 0),
        (ONE_CONTAINER, 30),
        ([{"name": "app", "stopTimeout": 0}], 0),
        ([{"name": "app", "stopTimeout": 120}, {"name": "log"}], 120),
        (
            [
                {"name": "app", "stopTimeout": 120, "dependsOn": [{"containerName": "log", "condition": "START"}]},
                {"name": "log"},
            ],
            150,
        ),
    ],
)
def test_containers_stop_in_the_reverse_order_of_their_dependencies(containers: list[Any], seconds: float) -> None:
    assert stopped_within(containers) == seconds


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (
            time_of(percent(100, 150, ALB), 2),
            "2 batches of 1 task, each 300 s to start, 150 s to become healthy, 300 s to drain, 30 s to stop;"
            " 300 s in reserve",
        ),
        (
            time_of(percent(50, 100), 3),
            "3 batches of 1 task, each 300 s to start, 40 s to become healthy, 30 s to stop; 300 s in reserve",
        ),
        (
            time_of(percent(100, 140), 5),
            "3 batches of up to 2 tasks, each 300 s to start, 40 s to become healthy, 30 s to stop; 300 s in reserve",
        ),
        (
            time_of(replace(WORKER, alarms=("slow",)), 2),
            "1 batch of 2 tasks, 300 s to start, 40 s to become healthy, 30 s to stop; 600 s for its alarms;"
            " 300 s in reserve",
        ),
        (
            time_of(WORKER),
            "1 batch of 1 task, 300 s to start, 40 s to become healthy, 30 s to stop; 300 s in reserve;"
            " no service gets less than 15 min",
        ),
        (time_of(WORKER, 0), "it has no tasks"),
    ],
)
def test_the_reason_is_one_readable_line(time: RolloutTime, text: str) -> None:
    assert str(time) == text
