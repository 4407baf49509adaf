"""ECS's deployment circuit breaker, and the number of failed tasks that it tolerates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FEWEST, MOST = 3, 200
"""The bounds of a threshold of the type BOUNDED_PERCENT."""


@dataclass(frozen=True)
class CircuitBreaker:
    """A deployment circuit breaker; the defaults are AWS's.

    Attributes:
        enabled: whether it fails a deployment whose tasks do not start.
        rolls_back: whether ECS then rolls the service back.
        resets: whether a healthy task sets the count to 0.
        threshold_type: COUNT, BOUNDED_PERCENT or UNBOUNDED_PERCENT.
        threshold_value: a number of tasks, or a percentage of the desired count.
    """

    enabled: bool = False
    rolls_back: bool = False
    resets: bool = True
    threshold_type: str = "BOUNDED_PERCENT"
    threshold_value: int = 50

    def threshold(self, desired: int) -> int:
        """The number of failed tasks that is too many for a service with this desired count.

        Half of the desired count, rounded up, at least 3 and at most 200, unless the service has other settings. AWS
        applies the bounds to BOUNDED_PERCENT only.
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
        https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ThresholdConfiguration.html
        """
        if self.threshold_type == "COUNT":
            return max(1, self.threshold_value)
        share = percentage_of(desired, self.threshold_value)
        if self.threshold_type == "UNBOUNDED_PERCENT":
            return max(1, share)
        return max(FEWEST, min(MOST, share))


def percentage_of(count: int, percentage: int) -> int:
    """A percentage of a number of tasks, rounded up."""
    return -(-count * percentage // 100)


def circuit_breaker_of(raw: Any) -> CircuitBreaker:
    """The settings in a DeploymentCircuitBreaker; one that is missing has its default."""
    threshold, usual = raw.get("thresholdConfiguration") or {}, CircuitBreaker()
    return CircuitBreaker(
        enabled=raw.get("enable", usual.enabled),
        rolls_back=raw.get("rollback", usual.rolls_back),
        resets=raw.get("resetOnHealthyTask", usual.resets),
        threshold_type=threshold.get("type", usual.threshold_type),
        threshold_value=threshold.get("value", usual.threshold_value),
    )
