"""Time, as an argument: tests give their own."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


def _go_on() -> None:
    """Nobody has asked to stop."""


@dataclass
class Pace:
    """How long it is until the next poll; whoever polls may want it sooner."""

    interval: float
    quickest: float

    def hurry(self) -> None:
        """Looks again soon: the end is near."""
        self.interval = self.quickest


@dataclass(frozen=True)
class Clock:
    """A monotonic clock in seconds, and a way to let time pass.

    Args:
        now: the time.
        sleep: lets time pass.
        check: asked around each sleep; raises where somebody wants the waiting to end.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    check: Callable[[], None] = _go_on

    def polls(self, deadline: float, first: float = 0.3, longest: float = 2.5) -> Iterator[Pace]:
        """Yields at once and then at growing, jittered intervals until the deadline has passed.

        Args:
            deadline: seconds from now.
            first: seconds before the second poll, and after one that was told to hurry.
            longest: no interval is longer than this, but for its jitter.
        """
        end = self.now() + deadline
        pace = Pace(first, first)
        while True:
            self.check()
            yield pace
            left = end - self.now()
            if left <= 0:
                return
            self.sleep(min(pace.interval * random.uniform(0.8, 1.2), left))  # noqa: S311 - jitter, not a secret
            pace.interval = min(pace.interval * 1.3, longest)
