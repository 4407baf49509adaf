"""How late each read of ECS shows what has happened, and in what form: drawn, because AWS promises none of it.

Recorded, or unknown: docs/aws.md has the source of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_SECONDS = (0.0, 0.0, 1.0, 8.0, 30.0)


@dataclass(frozen=True)
class Lags:
    """Times are in seconds.

    Attributes:
        window: for which PRIMARY shows FAILED before its rollback begins.
        hidden: after its rollback began, for which the failed deployment shows IN_PROGRESS, ACTIVE beside PRIMARY.
        listed: until ListServiceDeployments has a service deployment.
        reported: until a service deployment shows another status.
        current: until DescribeServices names a service deployment as the current one.
        names_current: whether it names it at all.
        old_id: whether a rollback has the id of the deployment that it returns to, with a new date.
        requested: between StopServiceDeployment and its rollback.
        empty: until a deployment of no tasks completes.
        drains: for which tasks that were replaced are still shown, as stopping.
        candidate: whether ECS may roll back to what Terraform created, with no tasks.
    """

    window: float = 0.0
    hidden: float = 0.0
    listed: float = 0.0
    reported: float = 0.0
    current: float = 0.0
    names_current: bool = True
    old_id: bool = False
    requested: float = 0.0
    empty: float = 3.0
    drains: float = 0.0
    candidate: bool = True


AT_ONCE = Lags()

DRAWN: dict[str, Sequence[float | bool]] = {
    "window": (0.0, 0.0, 3.0),
    "hidden": _SECONDS,
    "listed": _SECONDS,
    "reported": _SECONDS,
    "current": _SECONDS,
    "names_current": (True, True, False),
    "old_id": (False, True),
    "requested": (0.0, 5.0),
    "empty": (3.0, 20.0),
    "drains": (0.0, 10.0),
    "candidate": (True, True, False),
}
"""The values of each."""
