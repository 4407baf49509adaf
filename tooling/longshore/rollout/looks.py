"""Reads AWS repeatedly until a deadline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from longshore.clock import Clock, Pace
from longshore.errors import AwsError

T = TypeVar("T")


@dataclass(frozen=True)
class Look(Generic[T]):
    """One attempt to read.

    Attributes:
        seen: the result; None if the read failed.
        unread: why it failed; empty if it succeeded.
        begun: when the look began, by the clock.
        pace: its ``hurry`` brings the next look forward.
    """

    seen: T | None
    unread: str
    begun: float
    pace: Pace


def looks(
    read: Callable[[], T], clock: Clock, until: float, *, first: float = 0.3, longest: float = 2.5
) -> Iterator[Look[T]]:
    """Yields one look at once, then more at the intervals of `Clock.polls` until the deadline has passed.

    A read that failed but may succeed later (throttled, not answered, a fault of AWS) is a look without a result.

    Args:
        read: one read.
        clock: time.
        until: the deadline, in seconds from now.
        first: seconds before the second look.
        longest: the longest interval between two looks, in seconds.

    Raises:
        AwsError: a read failed and would fail again, for example because it was denied.
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
