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
    revisions = {move.task_definition}
    if service.looked is None or resumed or service.replaced:
        revisions.add(service.before.task_definition)
    else:
        revisions.discard(service.before.task_definition)
    return _baseline(revisions, service.looked)


def before_rollback(service: ServiceResult, tracked: TrackedDeployment | None, *, resumed: bool) -> Baseline | None:
    """The state from which a service is rolled back: our deployment, or the one before it.

    There is none for a service that the apply of this run created again and no wave has moved.
    """
    if tracked is None and service.replaced:
        return None
    revisions = set()
    if tracked is None and service.after:  # the id of our deployment is unknown
        revisions.add(service.after.task_definition)
    if service.looked is None or resumed or service.replaced:
        revisions.add(service.before.task_definition)
    else:
        revisions.discard(service.before.task_definition)
    return _baseline(revisions, service.looked, tracked.deployment if tracked else None)


def _baseline(revisions: set[str], *deployments: str | None) -> Baseline:
    return Baseline(frozenset(revisions), frozenset(filter(None, deployments)))
