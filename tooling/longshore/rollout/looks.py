"""Looks at AWS again and again until a deadline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from longshore.clock import Clock, Pace
from longshore.errors import AwsError

T = TypeVar("T")


@dataclass(frozen=True)
class Look(Generic[T]):
    """One look.

    Attributes:
        seen: the result of the read; None if it failed.
        unread: why it failed; empty if it did not.
        begun: when the look began, by the clock.
        pace: brings the next look forward.
    """

    seen: T | None
    unread: str
    begun: float
    pace: Pace


def looks(
    read: Callable[[], T], clock: Clock, until: float, *, first: float = 0.3, longest: float = 2.5
) -> Iterator[Look[T]]:
    """Yields at least one look, then more at the clock's intervals until the deadline has passed.

    A read that fails in a way that may pass (throttling, AWS's own faults, no answer) is one look without a result.

    Args:
        read: reads whatever is watched.
        clock: time.
        until: the deadline, in seconds from now.
        first: as in `Clock.polls`.
        longest: as in `Clock.polls`.

    Raises:
        AwsError: a read failed for good, such as one that was denied.
    """
    for pace in clock.polls(until, first, longest):
        begun = clock.now()
        try:
            look = Look(read(), "", begun, pace)
        except AwsError as error:
            if not error.transient:
                raise
            look = Look(None, error.message, begun, pace)
        yield look
