"""SIGINT, SIGTERM and SIGHUP while a release runs: the first stops it in good order, the second at once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from longshore.errors import InterruptError, LeaveAtOnce

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SLICE = 0.1
"""Seconds: a sleeper looks so often whether a signal has come."""


class Interrupts:
    """Which signals have come, and when they may take effect."""

    def __init__(self) -> None:
        self._pending: int | None = None
        self._received = 0
        self._held = 0
        self._on_first: Callable[[str], None] = lambda _: None

    @contextmanager
    def watched(self, on_first: Callable[[str], None]) -> Iterator[None]:
        """Takes the signals in while the block lasts; outside the main thread Python has none to give.

        Args:
            on_first: gets the name of the first signal at once, while what runs goes on to a safe point.

        Raises:
            InterruptError: inside the block, at the next safe point after the first signal.
            LeaveAtOnce: inside the block, wherever it is, at the second.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._on_first = on_first
        before = {number: signal.signal(number, self._receive) for number in WATCHED}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def check(self) -> None:
        """A safe point.

        Raises:
            InterruptError: a signal has come, and nothing holds it back.
        """
        if self._pending is not None and not self._held:
            number, self._pending = self._pending, None
            raise InterruptError(number)

    @property
    def pending(self) -> bool:
        """Whether a signal waits for a safe point."""
        return self._pending is not None

    @contextmanager
    def held(self) -> Iterator[None]:
        """No safe point inside the block: what it does is worth more than a quick end."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    def sleep(self, seconds: float) -> None:
        """Sleeps, and wakes up early for a signal that may take effect."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and (self._pending is None or self._held):
            time.sleep(min(_SLICE, left))

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self._received += 1
        if self._received > 1:
            raise LeaveAtOnce(number)
        self._pending = number
        self._on_first(signal.Signals(number).name)
