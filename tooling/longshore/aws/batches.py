"""Lists in parts, for the operations of AWS that take a limited number of names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def batches(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """The items in order, at most ``size`` in a list."""
    return (list(items[start : start + size]) for start in range(0, len(items), size))
