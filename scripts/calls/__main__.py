"""Counts the calls of a wave: its updates, the wait, the bake time and the verification of its tasks."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from longshore.aws.ecs import Ecs
from longshore.aws.rates import RATES, SHARE, Budget, Rate
from longshore.result import ImageResult
from longshore.rollout import deployments, verification, watch
from longshore.rollout.tracking import Move
from longshore.rollout.verification import Expectation
from scripts.calls.cloud import CALL_SECONDS, CLUSTER, Cloud, revision
from scripts.console import say

DEADLINE, BAKE, VERIFY = 900.0, 30.0, 60.0
ROLLING = 180.0
"""Seconds in which all tasks of a service are replaced."""

WAVES = ((1, 2), (50, 2), (1, 1000))
"""Services, and the tasks of each."""

BEFORE = {
    (1, 2): {
        "DescribeServices": 2.3,
        "DescribeServiceDeployments": 2.3,
        "ListServiceDeployments": 0.0,
        "ListTasks": 2.3,
        "DescribeTasks": 1.1,
    },
    (50, 2): {
        "DescribeServices": 1.9,
        "DescribeServiceDeployments": 1.1,
        "ListServiceDeployments": 0.4,
        "ListTasks": 17.0,
        "DescribeTasks": 6.7,
    },
    (1, 1000): {
        "DescribeServices": 1.6,
        "DescribeServiceDeployments": 1.6,
        "ListServiceDeployments": 0.0,
        "ListTasks": 6.8,
        "DescribeTasks": 6.3,
    },
}
"""Calls per second in the same wave before there was a budget, measured with this program at 017897f."""


@dataclass(frozen=True)
class Measure:
    """The calls of one wave: each with its time, and the seconds that the wave took."""

    services: int
    tasks: int
    seconds: float
    calls: Sequence[tuple[float, str]]

    def of(self, operation: str) -> list[float]:
        """The times of the calls of an operation."""
        return [at for at, name in self.calls if name == operation]

    def a_second(self, *operations: str) -> float:
        """The calls of operations in a second, on average."""
        return sum(len(self.of(operation)) for operation in operations) / self.seconds

    def busiest(self, *operations: str) -> int:
        """The calls of operations in the busiest second."""
        seconds = Counter(int(at) for operation in operations for at in self.of(operation))
        return max(seconds.values(), default=0)

    def shortfall(self, rate: Rate) -> float:
        """By how many tokens the calls of a category exceed our share of its bucket; 0 if they never do."""
        capacity, steady = rate.burst * SHARE, rate.steady * SHARE
        tokens, last, least = capacity, 0.0, capacity
        for at in sorted(at for operation in rate.operations for at in self.of(operation)):
            tokens = min(capacity, tokens + (at - last) * steady) - 1
            last, least = at, min(least, tokens)
        return max(0.0, -least)


def measure(services: int, tasks: int) -> Measure:
    """Rolls a wave out on a new cloud."""
    random.seed(services * tasks)  # the jitter of the intervals
    cloud = Cloud.of(services, tasks, ROLLING)
    clock, client = cloud.clock, cloud.client()
    Budget(clock).attach(client)
    ecs, names = Ecs(client), list(cloud.services)
    tracked = [deployments.start(ecs, CLUSTER, Move(name, revision(name, 2)), DEADLINE) for name in names]
    watch.wait(ecs, CLUSTER, tracked, clock, lambda _: None)
    watch.bake(ecs, CLUSTER, tracked, BAKE, clock, lambda _: None)
    images = {"app": ImageResult(repository="app", tag="2", digest="sha256:2")}
    expected = [Expectation(name, revision(name, 2), images) for name in names]
    verification.tasks(ecs, CLUSTER, expected, clock, VERIFY)
    return Measure(services, tasks, cloud.now, cloud.calls)


def failures(measures: Sequence[Measure]) -> list[str]:
    """The categories in which a wave exceeds our share; empty if none does."""
    return [
        f"{each.services} services of {each.tasks} tasks: {rate.category} exceed our share by {over:.1f} calls"
        for each in measures
        for rate in RATES
        if (over := each.shortfall(rate)) > 0.001
    ]


def main() -> int:
    """Measures the waves and prints their calls beside AWS's rates.

    Returns:
        1 if a wave exceeds our share of a rate.
    """
    say(f"A call takes {CALL_SECONDS * 1000:.0f} ms; a process uses at most {SHARE:.0%} of each rate.")
    measures = [measure(services, tasks) for services, tasks in WAVES]
    for each in measures:
        say(f"\n{each.services} services of {each.tasks} tasks, {each.seconds:.0f} s")
        say(f"  {'':<42}{'before':>8}{'now':>8}{'busiest':>9}{'AWS/s':>7}{'burst':>7}")
        before = BEFORE[each.services, each.tasks]
        for rate in RATES:
            operations = sorted(rate.operations & before.keys())
            if operations:
                past = sum(before[operation] for operation in operations)
                row = f"  {rate.category:<42}{past:>8.1f}{each.a_second(*operations):>8.1f}"
                say(f"{row}{each.busiest(*operations):>9}{rate.steady:>7.0f}{rate.burst:>7.0f}")
            for operation in operations:
                row = f"    {operation:<40}{before[operation]:>8.1f}{each.a_second(operation):>8.1f}"
                say(f"{row}{each.busiest(operation):>9}")
        total = len([name for _, name in each.calls if name != "UpdateService"]) / each.seconds
        say(f"  {'all reads':<42}{sum(before.values()):>8.1f}{total:>8.1f}")
    broken = failures(measures)
    for line in broken:
        say(f"FAILED: {line}")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
