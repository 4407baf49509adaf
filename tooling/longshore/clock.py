"""Time as an argument, so that tests can replace it."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


def _clock_that_counts_sleep() -> int | None:
    """The id of the system's clock that continues while the machine is suspended; None if it has none.

    Linux: CLOCK_BOOTTIME (https://man7.org/linux/man-pages/man2/clock_gettime.2.html). macOS: CLOCK_MONOTONIC, which
    "will continue to increment while the system is asleep" (its clock_gettime(3)); Python's time.monotonic reads
    mach_absolute_time there, which does not.
    """
    name = "CLOCK_MONOTONIC" if sys.platform == "darwin" else "CLOCK_BOOTTIME"
    return getattr(time, name, None)


def time_with_sleep() -> float:
    """The time in seconds, including that for which the machine was suspended, if its system can tell."""
    clock = _clock_that_counts_sleep()
    return time.monotonic() if clock is None else time.clock_gettime(clock)


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
        with_sleep: returns the time that also passes while the machine is suspended; by default ``now``.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    check: Callable[[], None] = _continue
    with_sleep: Callable[[], float] | None = None

    def elapsed(self) -> float:
        """The time that also passes while the machine is suspended: another machine sees it pass."""
        return (self.with_sleep or self.now)()

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
