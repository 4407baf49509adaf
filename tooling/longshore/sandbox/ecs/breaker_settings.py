"""The settings of the deployment circuit breaker: the failures that it counts, and the number that is too many.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentCircuitBreaker.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longshore.sandbox.ecs.fleet import Service

FEWEST, MOST = 3, 200
"""The bounds of a threshold of the type BOUNDED_PERCENT."""

DEFAULTS: dict[str, Any] = {
    "enable": False,
    "rollback": False,
    "resetOnHealthyTask": True,
    "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50},
}
"""The settings that DescribeServices shows for a service without any, as recorded since July 2026."""


def breaker_of(service: Service) -> Mapping[str, Any]:
    """The settings of a service."""
    return {**DEFAULTS, **(service.settings["deploymentConfiguration"].get("deploymentCircuitBreaker") or {})}


def threshold(service: Service) -> int:
    """The number of failed tasks that trips a service's breaker, by its latest desired count."""
    configured = breaker_of(service)["thresholdConfiguration"]
    if configured["type"] == "COUNT":
        return int(configured["value"])
    share = -(-service.desired * int(configured["value"]) // 100)
    if configured["type"] == "UNBOUNDED_PERCENT":
        return max(1, share)  # AWS does not document the threshold of a service without tasks
    return min(MOST, max(FEWEST, share))
