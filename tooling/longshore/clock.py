"""Time, as an argument: tests give their own."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """A monotonic clock in seconds, and a way to let time pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def polls(self, deadline: float, first: float = 0.3, longest: float = 5.0) -> Iterator[None]:
        """Yields at once and then at growing, jittered intervals until the deadline has passed.

        Args:
            deadline: seconds from now.
            first: seconds before the second poll.
            longest: no interval is longer than this.
        """
        end = self.now() + deadline
        interval = first
        while True:
            yield
            left = end - self.now()
            if left <= 0:
                return
            self.sleep(min(interval * random.uniform(0.8, 1.2), left))  # noqa: S311 - jitter, not a secret
            interval = min(interval * 1.3, longest)
