"""Time as an argument, so that tests can replace it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


def _continue() -> None:
    """The default of ``check``: no signal."""


@dataclass
class Pace:
    """The interval until the next poll, which the caller may shorten."""

    interval: float
    shortest: float

    def hurry(self) -> None:
        """Polls again soon, because the end is near."""
        self.interval = self.shortest


@dataclass(frozen=True)
class Clock:
    """A monotonic clock in seconds that can sleep.

    Args:
        now: returns the time.
        sleep: waits for a number of seconds.
        check: called before each poll; raises to end the wait.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    check: Callable[[], None] = _continue

    def polls(self, deadline: float, first: float = 0.3, longest: float = 2.5) -> Iterator[Pace]:
        """Yields immediately, and then at growing, jittered intervals until the deadline has passed.

        Args:
            deadline: seconds from now.
            first: seconds before the second poll, and after `Pace.hurry`.
            longest: the longest interval, before jitter.
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
