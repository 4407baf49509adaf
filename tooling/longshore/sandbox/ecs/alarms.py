"""The CloudWatch alarms that ECS watches during a deployment.

Rules: the developer guide's "How CloudWatch alarms detect Amazon ECS deployment failures". A comment marks each choice
that AWS does not document.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from longshore.sandbox.ecs.fleet import UNDER_WAY, Deployment, Service
from longshore.sandbox.ecs.timing import Timing

DETECTED = "alarm detected."
"""The end of the event, as recorded: "(service …) (deployment …) deployment failed: alarm detected."."""

FAILED = "ECS deployment alarm: alarm detected."
"""The rolloutStateReason of a deployment that an alarm failed, in the manner of the circuit breaker's; text unknown."""

ROLLED_BACK = "Service deployment rolled back because an alarm was detected."
"""The statusReason of its service deployment, in the manner of the circuit breaker's; text unknown."""

States = Callable[[], Mapping[str, str]]
"""The states of all alarms by their names, as CloudWatch shows them."""


def alarms_of(service: Service) -> Mapping[str, Any]:
    """The alarms of a service's deployment configuration."""
    configured = service.settings["deploymentConfiguration"].get("alarms") or {}
    return {"alarmNames": [], "enable": False, "rollback": False, **configured}


class AlarmWatch:
    """Watches the alarms of deployments.

    Args:
        states: reads the states of all alarms.
        timing: when effects show.
    """

    def __init__(self, states: States, timing: Timing) -> None:
        self._states = states
        self._timing = timing

    def begin(self, service: Service) -> None:
        """Begin to watch the PRIMARY deployment, unless one of its alarms is in ALARM already."""
        configured, progress = alarms_of(service), service.primary.progress
        names = tuple(configured["alarmNames"]) if configured["enable"] else ()
        if names and not self._in_alarm(names):
            progress.alarms = names
            # AWS computes the bake time from the alarms; it is less than five minutes, with the rollback option.
            progress.bakes = self._timing.alarm_bake if configured["rollback"] else 0.0

    def triggered(self, deployment: Deployment) -> tuple[str, ...]:
        """The watched alarms that are in ALARM; empty once the deployment has ended."""
        if deployment.completed or deployment.failed or not deployment.progress.alarms:
            return ()
        return self._in_alarm(deployment.progress.alarms)

    def _in_alarm(self, names: tuple[str, ...]) -> tuple[str, ...]:
        states = self._states()
        return tuple(name for name in names if states.get(name) == "ALARM")


def alarms_shape(deployment: Deployment) -> dict[str, Any]:
    """A ServiceDeploymentAlarms; DISABLED if no alarm is watched, as recorded."""
    progress = deployment.progress
    if not progress.alarms:
        return {"status": "DISABLED"}
    watching = "MONITORING" if deployment.status in UNDER_WAY else "MONITORING_COMPLETE"
    status = "TRIGGERED" if progress.triggered else watching
    return {"status": status, "alarmNames": [*progress.alarms], "triggeredAlarmNames": [*progress.triggered]}
