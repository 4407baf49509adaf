"""The deployment circuit breaker, and the roll-back that it or StopServiceDeployment starts.

Rules: the developer guide's "How the Amazon ECS deployment circuit breaker detects failures" and "View service history
using Amazon ECS service deployments"; where AWS does not say, the comment says what was chosen.
"""

from __future__ import annotations

from collections.abc import Callable

from longshore.sandbox.ecs.fleet import Deployment, Service

FEWEST, MOST = 3, 200
"""Bounds of the threshold: half of the desired count, but so many failed tasks at least and at most."""

TRIPPED = "ECS deployment circuit breaker: tasks failed to start."
STOPPED_BY_USER = "Service deployment stopped by the user."

Announce = Callable[[Service, str], None]


def threshold(desired: int) -> int:
    """How many failed tasks trip the breaker of a service with so many desired tasks (half of them, rounded up)."""
    return min(MOST, max(FEWEST, -(-desired // 2)))


class Breaker:
    """Fails deployments, and rolls them back.

    Args:
        announce: says something in a service's events.
    """

    def __init__(self, announce: Announce) -> None:
        self._announce = announce

    def watch(self, service: Service, now: float, window: float) -> None:
        """Fail the PRIMARY deployment if it is due, and begin the roll-back once its time has come.

        Args:
            service: the service.
            now: the time.
            window: seconds for which PRIMARY shows FAILED before the roll-back takes its place. AWS does not say how
                long that is; 0 is both in one step.
        """
        if service.status != "ACTIVE":
            return
        primary = service.primary
        if primary.status == "STOP_REQUESTED":
            self._fail(service, STOPPED_BY_USER, now, now + window)
        elif _is_tripped(service):
            primary.tripped = True
            self._announce(service, f"(deployment {primary.id}) deployment failed: tasks failed to start.")
            self._fail(service, TRIPPED, now, now + window if _settings(service)["rollback"] else None)
        if primary.rollback_at is not None and primary.rollback_at <= now:
            self._roll_back(service, now)

    def _fail(self, service: Service, reason: str, now: float, rollback_at: float | None) -> None:
        failed = service.primary
        failed.failed, failed.updated_at = reason, now
        begun = service.rolled_back_by(failed)
        if begun:
            begun.end("ROLLBACK_FAILED", now, "The rollback deployment failed: tasks failed to start.")
            failed.end("ROLLBACK_FAILED", now, reason)
        elif rollback_at is not None and _last_completed(service):
            failed.status, failed.status_reason, failed.rollback_at = "ROLLBACK_REQUESTED", reason, rollback_at
        else:
            failed.end("STOPPED", now, reason)

    def _roll_back(self, service: Service, now: float) -> None:
        """Start a deployment of what completed last. Its tasks are new (whether AWS adopts the old is not known)."""
        failed, good = service.primary, _last_completed(service)
        if good is None:
            raise LookupError(f"{failed.id} can't be rolled back: nothing of {service.name} has completed")
        failed.rollback_at, failed.rollback_started_at = None, now
        back = service.deploy(good.task_definition, good.definition, good.port, now, rolls_back=failed.id)
        failed.status, failed.updated_at, failed.rollback_to = "ROLLBACK_IN_PROGRESS", now, good
        self._announce(service, f"rolling back to deployment {back.id}.")


def _settings(service: Service) -> dict[str, bool]:
    configuration = service.settings["deploymentConfiguration"].get("deploymentCircuitBreaker")
    return {"enable": False, "rollback": False, **(configuration or {})}


def _is_tripped(service: Service) -> bool:
    """Whether the PRIMARY deployment, still under way, has too many failed tasks."""
    primary = service.primary
    watched = _settings(service)["enable"] and not primary.completed and not primary.failed
    return watched and primary.failed_tasks >= threshold(service.desired)


def _last_completed(service: Service) -> Deployment | None:
    return next((deployment for deployment in service.history if deployment.completed), None)
