"""The part of a deployment that is not over when its service deployment has ended: criteria, bake time, alarms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Progress:
    """How far a deployment is, beside its status.

    Attributes:
        met_at: when its criteria of success were met first; None until then.
        bakes: seconds from then for which its alarms are still watched.
        cleanup_at: when the tasks that an early success left behind are stopped.
        shown: whether its rolloutState shows that it has completed.
        alarms: the alarms that are watched; empty if there are none, or if one was in ALARM when it began.
        triggered: those that have failed it.
        snapshot: the service's tasks when it completed early; None while the counts are live.
    """

    met_at: float | None = None
    bakes: float = 0.0
    cleanup_at: float = 0.0
    shown: bool = True
    alarms: tuple[str, ...] = ()
    triggered: tuple[str, ...] = ()
    snapshot: list[Any] | None = field(default=None, repr=False)

    def baked(self, now: float) -> bool:
        """Whether its criteria were met, and its bake time is over."""
        return self.met_at is not None and now >= self.met_at + self.bakes
