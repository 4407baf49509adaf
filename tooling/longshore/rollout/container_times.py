"""How long the containers of a task take at most to become healthy, and to stop, by their task definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

INTERVAL, TIMEOUT, RETRIES = 30.0, 5.0, 3
"""AWS's defaults of a container health check; its start period is off.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
"""

START_TIMEOUT = 180.0
"""Seconds for which a container waits for one that it depends on, unless that one has a ``startTimeout``.

The default of the container agent: https://github.com/aws/amazon-ecs-agent (ECS_CONTAINER_START_TIMEOUT).
"""

STOP_TIMEOUT = 30.0
"""Seconds from SIGTERM to SIGKILL, unless the container has a ``stopTimeout``.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
"""

Container = Mapping[str, Any]


def healthy_within(containers: Sequence[Container]) -> float:
    """The seconds in which the containers of a task become healthy if they ever do; 0 if none has a health check.

    The checks of a container begin once those that it depends on are ready, so times add up along dependencies.
    """
    return _longest_chain(containers, _health_time, _ready_time)


def stopped_within(containers: Sequence[Container]) -> float:
    """The seconds in which the containers of a task have stopped. A container stops after those that depend on it.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html (dependsOn)
    """
    return _longest_chain(containers, _stop_time, lambda container, _condition: _stop_time(container))


def _longest_chain(
    containers: Sequence[Container], own: Callable[[Container], float], before: Callable[[Container, str], float]
) -> float:
    """The longest sum along dependencies: the time of a container, and of everything that it depends on.

    Args:
        containers: of a task definition.
        own: the seconds of the last container of a chain.
        before: the seconds of a container that another one depends on, by the condition of the dependency.
    """
    by_name = {container["name"]: container for container in containers}

    def earlier(container: Container) -> float:
        dependencies = container.get("dependsOn") or ()  # ECS refuses a circle
        known = [(by_name[d["containerName"]], d["condition"]) for d in dependencies if d["containerName"] in by_name]
        return max((before(needed, condition) + earlier(needed) for needed, condition in known), default=0.0)

    return max((own(container) + earlier(container) for container in containers), default=0.0)


def _health_time(container: Container) -> float:
    """The seconds after which a container that has not become healthy is unhealthy."""
    check = container.get("healthCheck")
    if not check:
        return 0.0
    attempt = check.get("interval", INTERVAL) + check.get("timeout", TIMEOUT)
    return float((check.get("startPeriod") or 0) + check.get("retries", RETRIES) * attempt)


def _ready_time(container: Container, condition: str) -> float:
    if condition == "START":
        return 0.0
    return max(_health_time(container), float(container.get("startTimeout") or START_TIMEOUT))


def _stop_time(container: Container) -> float:
    timeout = container.get("stopTimeout")
    return STOP_TIMEOUT if timeout is None else float(timeout)
