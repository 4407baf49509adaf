"""SIGINT, SIGTERM and SIGHUP during a release: the first stops it gracefully, the second immediately."""

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
"""Seconds between checks for a signal during a sleep."""


class Interrupts:
    """The signals received, and the points at which they may take effect."""

    def __init__(self) -> None:
        self._pending: int | None = None
        self._received = 0
        self._held = 0
        self._on_first: Callable[[str], None] = lambda _: None

    @contextmanager
    def watched(self, on_first: Callable[[str], None]) -> Iterator[None]:
        """Handles signals during the block; other threads than the main one receive none from Python.

        Args:
            on_first: receives the name of the first signal immediately; the work continues to the next safe point.

        Raises:
            InterruptError: inside the block, at the next safe point after the first signal.
            LeaveAtOnce: anywhere inside the block, at the second signal.
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
        """Marks a safe point.

        Raises:
            InterruptError: a signal was received, and is not held.
        """
        if not self._held:
            self.check_before_start()

    def check_before_start(self) -> None:
        """Marks a point before work that must not be interrupted: signals are held already, but nothing has begun.

        Raises:
            InterruptError: a signal was received.
        """
        if self._pending is not None:
            number, self._pending = self._pending, None
            raise InterruptError(number)

    @property
    def pending(self) -> bool:
        """Whether a signal is waiting for a safe point."""
        return self._pending is not None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds signals during the block, whose work must not be interrupted half-way."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    def sleep(self, seconds: float) -> None:
        """Sleeps; wakes up early for a signal that may take effect."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and (self._pending is None or self._held):
            time.sleep(min(_SLICE, left))

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self._received += 1
        if self._received > 1:
            raise LeaveAtOnce(number)
        self._pending = number
        self._on_first(signal.Signals(number).name)
