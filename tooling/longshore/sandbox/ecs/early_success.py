"""Early success criteria: a deployment succeeds before all its tasks run, or before the old ones are gone.

Rules: the developer guide's "Complete Amazon ECS rolling deployments early with early success criteria". A comment
marks each choice that AWS does not document.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/early-success-criteria.html
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from longshore.sandbox.ecs.fleet import Service


class Cleanup(Enum):
    """The treatment of old tasks."""

    ROLLING = auto()
    """They are replaced as far as the percentages allow."""

    HELD = auto()
    """They are kept: the criteria are met, and the clean-up is not due yet."""

    ALL = auto()
    """All of them are stopped."""


@dataclass(frozen=True)
class Criteria:
    """The early success criteria of a service.

    Attributes:
        needed: the number of new tasks that must be healthy.
        deferred: whether old tasks are stopped after the deployment has succeeded.
    """

    needed: int
    deferred: bool


def criteria_of(service: Service) -> Criteria | None:
    """The criteria of a service's PRIMARY deployment; None if it has to replace all tasks.

    The share is rounded up, and at least one task must be healthy. AWS does not document whether the criteria apply to
    a rollback; here they do not.
    """
    given = service.settings["deploymentConfiguration"].get("earlySuccessCriteria") or {}
    if not given.get("enable") or not service.wanted or service.primary.rolls_back:
        return None
    needed = max(1, -(-service.wanted * given["healthyPercent"] // 100))
    return Criteria(needed, given["sourceServiceRevisionCleanup"] == "DEFERRED")


def cleanup_of(service: Service, serving: int, now: float) -> Cleanup:
    """The treatment of old tasks: BLOCKING stops them before the success, DEFERRED afterwards.

    Args:
        service: the service.
        serving: the number of new tasks that serve.
        now: the time.
    """
    criteria, primary = criteria_of(service), service.primary
    if criteria is None or primary.failed:
        return Cleanup.ROLLING
    if primary.completed:
        return Cleanup.ALL if now >= primary.progress.cleanup_at else Cleanup.HELD
    if serving < criteria.needed:
        return Cleanup.ROLLING
    return Cleanup.ALL if primary.progress.baked(now) and not criteria.deferred else Cleanup.HELD
