"""The deployment circuit breaker, and the rollback that it, an alarm or StopServiceDeployment starts.

Rules: the developer guide's "How the Amazon ECS deployment circuit breaker detects failures" and "View service history
using Amazon ECS service deployments". A comment marks each choice that AWS does not document.
"""

from __future__ import annotations

from collections.abc import Callable

from longshore.sandbox.ecs import alarms
from longshore.sandbox.ecs.alarms import AlarmWatch, alarms_of
from longshore.sandbox.ecs.breaker_settings import breaker_of, threshold
from longshore.sandbox.ecs.fleet import Deployment, Service
from longshore.sandbox.ecs.timing import Timing

TRIPPED = "ECS deployment circuit breaker: tasks failed to start."
"""The rolloutStateReason of a deployment that the breaker failed."""

ROLLED_BACK = "Service deployment rolled back because the circuit breaker threshold was exceeded."
"""The statusReason of its service deployment."""

NO_CANDIDATE = "No rollback candidate was found to run the rollback."
STOPPED_BY_USER = "Service deployment stopped by the user."

Announce = Callable[[Service, str], None]


class Breaker:
    """Fails deployments and rolls them back.

    Args:
        announce: adds an event to a service.
        timing: when effects show.
        alarms: watches the alarms of deployments.
    """

    def __init__(self, announce: Announce, timing: Timing, alarms: AlarmWatch) -> None:
        self._announce = announce
        self._timing = timing
        self._alarms = alarms

    def watch(self, service: Service, now: float) -> None:
        """Fail the PRIMARY deployment if necessary, and begin its rollback when it is due."""
        if service.status != "ACTIVE":
            return
        primary = service.primary
        if primary.stop_requested and not primary.failed:
            self._fail(service, STOPPED_BY_USER, now, rolls_back=True)
        elif primary.stages.failed and not primary.failed:
            self._fail(service, primary.stages.failed, now, rolls_back=True)
        elif _is_tripped(service):
            primary.tripped = True
            self._announce(service, f"(deployment {primary.id}) deployment failed: tasks failed to start.")
            self._fail(service, TRIPPED, now, rolls_back=breaker_of(service)["rollback"])
        elif triggered := self._alarms.triggered(primary):
            primary.progress.triggered = triggered
            self._announce(service, f"(deployment {primary.id}) deployment failed: {alarms.DETECTED}")
            self._fail(service, alarms.FAILED, now, rolls_back=alarms_of(service)["rollback"])
        if primary.rollback_at is not None and primary.rollback_at <= now:
            self._roll_back(service, now)

    def _fail(self, service: Service, reason: str, now: float, *, rolls_back: bool) -> None:
        failed = service.primary
        failed.failed, failed.updated_at = reason, now
        failed.stages.close()
        origin = service.rolled_back_by(failed)
        if origin:
            origin.end("ROLLBACK_FAILED", now, "The rollback deployment failed: tasks failed to start.")
            failed.end("ROLLBACK_FAILED", now, reason)
        elif rolls_back and _last_completed(service):
            failed.rollback_at = now + self._timing.rollback_window
        elif rolls_back:
            failed.end("ROLLBACK_FAILED", now, NO_CANDIDATE)
        else:
            failed.end("STOPPED", now, reason)

    def _roll_back(self, service: Service, now: float) -> None:
        """Deploy the latest completed revision, with new tasks (AWS does not document whether it keeps old ones)."""
        failed, completed = service.primary, _last_completed(service)
        if completed is None:
            raise LookupError(f"{failed.id} cannot be rolled back: {service.name} has no completed deployment")
        timing = self._timing
        failed.rollback_at, failed.rollback_started_at = None, now
        identity = completed.id if timing.rollback_keeps_id else ""
        rollback = service.deploy(
            completed.task_definition, completed.definition, completed.port, now, failed.id, identity
        )
        rollback.earliest_end = now + timing.empty_for
        rollback.digests = dict(completed.digests)  # it deploys the revision again, and resolves nothing
        failed.failure_shown = timing.rollback_window > 0 or timing.failure_hidden == 0
        failed.rollback_reported = failed.stop_requested or timing.rollback_reported_after == 0
        failed.status, failed.updated_at, failed.rollback_to = "ROLLBACK_IN_PROGRESS", now, completed
        reason = alarms.ROLLED_BACK if failed.progress.triggered else ROLLED_BACK
        failed.status_reason = STOPPED_BY_USER if failed.stop_requested else failed.stages.failed or reason
        rollback.announced = not failed.progress.triggered or timing.alarm_rollback_announced > 0
        self._announce(service, f"rolling back to deployment {rollback.id}.")


def _is_tripped(service: Service) -> bool:
    """Whether the PRIMARY deployment, still in progress, has too many failed tasks."""
    primary = service.primary
    watched = breaker_of(service)["enable"] and not primary.completed and not primary.failed
    return watched and primary.failed_tasks >= threshold(service)


def _last_completed(service: Service) -> Deployment | None:
    return next((deployment for deployment in service.history if deployment.completed), None)
