"""The state in which a run expects a service just before it moves it: as it was looked at, or as the run left it.

A deployment of the same revision counts as well: another process that restarts a service makes one. Autoscaling starts
no deployment, and a rollback by ECS is told apart by its service deployment (`longshore.rollout.baseline`).
"""

from __future__ import annotations

from longshore.result import ServiceResult
from longshore.rollout.baseline import Baseline
from longshore.rollout.tracking import Move, TrackedDeployment


def before_move(service: ServiceResult, move: Move, *, resumed: bool) -> Baseline:
    """The state from which a service is moved.

    Its deployment is not compared if an apply may have started one that this process does not know: that of a killed
    process, or one that created the service again. A revision that an apply registered may run by its own doing.
    """
    return _baseline(service, {move.task_definition}, resumed=resumed)


def before_rollback(service: ServiceResult, tracked: TrackedDeployment | None, *, resumed: bool) -> Baseline | None:
    """The state from which a service is rolled back: our deployment, or the one before it.

    There is none for a service that the apply of this run created again and no wave has moved.
    """
    if tracked is None and service.replaced:
        return None
    # The id of our deployment is unknown if it is not tracked.
    ours = {service.after.task_definition} if tracked is None and service.after else set()
    return _baseline(service, ours, tracked.deployment if tracked else None, resumed=resumed)


def _baseline(service: ServiceResult, revisions: set[str], *deployments: str | None, resumed: bool) -> Baseline:
    """The state that was looked at, or one of these: by its revision only if its deployment cannot be compared."""
    before = {service.before.task_definition}
    by_revision = service.looked is None or resumed or service.replaced
    expected = revisions | before if by_revision else revisions - before
    return Baseline(frozenset(expected), frozenset(filter(None, (service.looked, *deployments))))
