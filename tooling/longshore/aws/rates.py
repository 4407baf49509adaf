"""The budget of reads from ECS: AWS limits them for an account and Region, and other deployments need them as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from longshore.clock import Clock


@dataclass(frozen=True)
class Rate:
    """A rate of AWS: the operations of a category share one bucket of tokens.

    Attributes:
        category: its name in AWS's table.
        operations: those that Longshore calls.
        burst: the capacity of the bucket.
        steady: the tokens that are added in a second.
    """

    category: str
    operations: frozenset[str]
    burst: float
    steady: float


RATES = (
    Rate("Service read actions", frozenset({"DescribeServices"}), 100, 20),
    Rate("Cluster resource read actions", frozenset({"DescribeTasks", "ListTasks"}), 100, 20),
    Rate("Service deployment actions", frozenset({"DescribeServiceDeployments", "ListServiceDeployments"}), 50, 20),
    Rate("Task definition read actions", frozenset({"DescribeTaskDefinition"}), 50, 20),
)
"""AWS's rates of the operations with which Longshore reads, in every Region.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
"""

SHARE = 0.5
"""The part of each rate that one process uses; the rest is for other deployments, autoscaling, consoles and agents."""


@dataclass
class _Bucket:
    rate: Rate
    tokens: float
    filled_at: float

    def take(self, now: float) -> float:
        """Takes a token, and returns the seconds until it is there."""
        steady, capacity = self.rate.steady * SHARE, self.rate.burst * SHARE
        self.tokens = min(capacity, self.tokens + max(0.0, now - self.filled_at) * steady) - 1
        self.filled_at = now
        return max(0.0, -self.tokens / steady)


class Budget:
    """Delays reads that would exceed our share of AWS's rates; other calls pass at once.

    Each client of a process has its own: AWS counts by account and Region, and an environment has one of each.

    Args:
        clock: time.
        rates: AWS's rates.
    """

    def __init__(self, clock: Clock, rates: Sequence[Rate] = RATES) -> None:
        self._clock = clock
        buckets = [_Bucket(rate, rate.burst * SHARE, clock.now()) for rate in rates]
        self._buckets = {operation: bucket for bucket in buckets for operation in bucket.rate.operations}

    def attach(self, client: Any) -> None:
        """Delays the calls of a client of boto3, every page of a listing included.

        botocore emits the event once for a call; it repeats a failed attempt at its own, falling rate.
        https://docs.aws.amazon.com/boto3/latest/guide/events.html
        """
        client.meta.events.register("before-parameter-build.ecs", self._before_call)

    def wait(self, operation: str) -> None:
        """Waits until an operation may be called; after a signal, the sleep ends early and the call is made."""
        bucket = self._buckets.get(operation)
        if bucket and (seconds := bucket.take(self._clock.now())):
            self._clock.sleep(seconds)

    def _before_call(self, model: Any, **_: Any) -> None:
        self.wait(model.name)
