"""How long a roll-out of a service may take at most: an upper bound, so that no good release is rolled back for it.

ECS replaces the tasks in batches. Each batch starts, becomes healthy, and lets as many old tasks drain and stop. The
assumptions are listed in docs/aws.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from longshore.aws.circuit_breaker import percentage_of
from longshore.aws.ecs_settings import ServiceSettings
from longshore.aws.elbv2 import TargetGroup
from longshore.rollout.container_times import healthy_within, stopped_within

LEAST = 900.0
"""The least seconds that a service gets. ECS's circuit breaker was recorded to need 8 to 16 minutes for one task."""

START = 300.0
"""Seconds that a task may take to be placed, to pull its image and to run; AWS promises no number."""

SCALE_OUT = 300.0
"""More of them if an Auto Scaling group may have to start an instance first; AWS promises no number."""

COUNTED_AFTER = 40.0
"""Seconds for which a task without any health check must run before ECS counts it as healthy.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
"""

ALARMS = 600.0
"""Seconds for which ECS may watch the alarms of a service after its last task; ECS computes the time from the alarms.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
"""

RESERVE = 300.0
"""Seconds for all that has no number: registering targets, ECS's own rounds, and tasks that are replaced once."""

FAILS_AFTER = 60.0
"""Seconds that a failing task usually takes to run; only the time of the circuit breaker is computed with it."""

LAUNCHES_A_MINUTE = 500
"""The tasks that ECS starts for a service in a minute.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
"""

_SERVERLESS = ("FARGATE", "FARGATE_SPOT")


@dataclass(frozen=True)
class RolloutTime:
    """The longest time of a roll-out, in its parts; all times are in seconds.

    Attributes:
        count: the number of tasks.
        batch: the number of tasks that ECS replaces at once, at least.
        start: until the tasks of a batch run.
        healthy: from then until they count as healthy.
        drain: until a load balancer has drained the old tasks of a batch.
        stop: until these have stopped.
        alarms: for which ECS watches the alarms of the service at the end.
        failures: the failed tasks that trip the circuit breaker; 0 without one.
        leaves_last: whether the deployment is complete before the old tasks of the last batch have stopped.
        blocked: whether the percentages of the service let ECS replace no task at all.
    """

    count: int
    batch: int
    start: float
    healthy: float
    drain: float
    stop: float
    alarms: float = 0.0
    failures: int = 0
    leaves_last: bool = False
    blocked: bool = False

    @property
    def batches(self) -> int:
        """The number of batches."""
        return math.ceil(self.count / self.batch)

    @property
    def seconds(self) -> float:
        """All together, in whole minutes; at least `LEAST`."""
        return math.ceil(max(LEAST, self._sum, self._breaker) / 60) * 60.0

    @property
    def _sum(self) -> float:
        leaving = self.drain + self.stop
        batches = self.batches * (self.start + self.healthy + leaving)
        return batches - leaving * self.leaves_last + self.alarms + RESERVE

    @property
    def _breaker(self) -> float:
        """The time that the circuit breaker may need: it should fail a bad deployment before Longshore does."""
        one_after_another = math.ceil(self.failures / self.batch)
        return one_after_another * (FAILS_AFTER + self.healthy + self.drain + self.stop)

    def __str__(self) -> str:
        if not self.count:
            return "it has no tasks"
        return "; ".join(self._parts())

    def _parts(self) -> Iterator[str]:
        size = f"up to {self.batch} tasks" if self.count % self.batch else _counted(self.batch, "task")
        times = {
            "to start": self.start,
            "to become healthy": self.healthy,
            "to drain": self.drain,
            "to stop": self.stop,
        }
        each = ", ".join(f"{seconds:.0f} s {what}" for what, seconds in times.items() if seconds)
        yield f"{_counted(self.batches, 'batch')} of {size}, {'each ' if self.batches > 1 else ''}{each}"
        if self.alarms:
            yield f"{self.alarms:.0f} s for its alarms"
        yield f"{RESERVE:.0f} s in reserve"
        if self._breaker > max(LEAST, self._sum):
            yield f"longer for {self.failures} failed tasks, at which its circuit breaker trips"
        elif self._sum < LEAST:
            yield f"no service gets less than {LEAST / 60:.0f} min"
        if self.blocked:
            yield "its minimum and maximum percent let ECS replace no task"


def of_service(
    settings: ServiceSettings,
    count: int,
    definitions: Sequence[Mapping[str, Any]],
    groups: Mapping[str, TargetGroup],
) -> RolloutTime:
    """The longest time of a roll-out of a service.

    Args:
        settings: of the service.
        count: the number of its tasks.
        definitions: the task definitions of the new tasks and of the old ones, as ECS describes them.
        groups: the target groups by ARN; one that is missing is taken to have AWS's defaults.
    """
    containers = [definition.get("containerDefinitions", ()) for definition in definitions]
    used = [groups.get(arn, TargetGroup()) for arn in settings.target_groups]
    checked = max(
        max((healthy_within(each) for each in containers), default=0.0),
        max((group.healthy_after for group in used), default=0.0),
    )
    batch = batch_of(count, settings)
    return RolloutTime(
        count=count,
        batch=max(1, batch),
        start=_start(settings, max(1, batch)),
        healthy=settings.grace + checked if checked else COUNTED_AFTER,
        drain=max((group.drain for group in used), default=0.0),
        stop=max((stopped_within(each) for each in containers), default=0.0),
        alarms=ALARMS if settings.alarms else 0.0,
        failures=settings.breaker.threshold(count) if settings.breaker.enabled else 0,
        leaves_last=settings.old_tasks_stay,
        blocked=not batch and count > 0,
    )


def batch_of(count: int, settings: ServiceSettings) -> int:
    """The number of tasks that ECS replaces at once, at least; 0 if its settings allow none.

    ECS keeps the minimum percent healthy, rounded up, and starts tasks up to the maximum percent, rounded down. It
    starts new tasks first as far as the maximum allows, or stops old tasks first as far as the minimum allows; it may
    do both, which is faster.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
    """
    more = count * settings.maximum // 100 - count
    fewer = count - percentage_of(count, settings.minimum_healthy)
    return min(count, max(more, fewer, 0))


def _start(settings: ServiceSettings, batch: int) -> float:
    scaled_out = set(settings.capacity_providers) - set(_SERVERLESS)
    return START + (SCALE_OUT if scaled_out else 0.0) + batch // LAUNCHES_A_MINUTE * 60.0


def _counted(count: int, noun: str) -> str:
    plural = {"batch": "batches", "task": "tasks"}[noun]
    return f"{count} {noun if count == 1 else plural}"
