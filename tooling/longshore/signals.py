"""SIGINT, SIGTERM and SIGHUP.

A release takes them at safe points: the first stops it gracefully, the second immediately (`Interrupts`). Every other
command ends wherever it is (`stopping`), but never before a program that it has started (`deferred`).
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType

from longshore.errors import InterruptError, LeaveAtOnce, LongshoreError, UnsavedStateError

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SLICE = 0.1
"""Seconds between checks for a signal during a sleep."""

_ONE_REQUEST = 1.0
"""Seconds in which SIGTERM and SIGHUP are one request: if a terminal closes, shell and kernel each send SIGHUP, make
passes on a SIGTERM that its whole process group has received, and systemd sends SIGHUP immediately after SIGTERM
(SendSIGHUP= in systemd.kill(5))."""

_Handler = Callable[[int, FrameType | None], None]


class StoppedBySignal(BaseException):
    """A signal that ends a command without a run; only the outermost frame of a task catches it.

    ``name`` is that of the signal; ``message`` names the changes made before it.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.name = signal.Signals(number).name
        self.hint = "Run the same command again."
        self._left = ""

    @property
    def message(self) -> str:
        """The signal, the changes made before it, and the error of the program that it has ended."""
        parts = [f"interrupted by {self.name}", self._left, getattr(self.__cause__, "message", "")]
        return ": ".join(part for part in parts[:2] if part) + (f"\n{parts[2]}" if parts[2] else "")

    def explain(self, left: str, hint: str) -> None:
        """Adds the changes made before it, and the next step, unless that was done; a state to save comes first."""
        if not self._left:
            self._left, self.hint = left, hint
            if isinstance(self.__cause__, UnsavedStateError):
                self.hint = self.__cause__.hint


class Interrupts:
    """The signals received, and the points at which they may take effect."""

    def __init__(self) -> None:
        self._pending: int | None = None
        self._received: list[tuple[int, float]] = []
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
        self._on_first = on_first
        with _handled_by(self._receive):
            yield

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
        now = time.monotonic()
        typed = number == signal.SIGINT  # a person who types Ctrl-C twice means it
        if not typed and any(earlier != signal.SIGINT and now - at < _ONE_REQUEST for earlier, at in self._received):
            return
        self._received.append((number, now))
        if len(self._received) > 1:
            raise LeaveAtOnce(number)
        self._pending = number
        self._on_first(signal.Signals(number).name)


@contextmanager
def stopping() -> Iterator[None]:
    """Ends the block at a signal, wherever it is, as Python does at SIGINT alone.

    For a second after a signal, others are ignored, so that nothing interrupts the clean-up; a later one ends it.

    Raises:
        StoppedBySignal: anywhere inside the block, but inside `deferred` only at its end.
    """
    received: list[float] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if received and now - received[-1] < _ONE_REQUEST:
            return
        received.append(now)
        raise StoppedBySignal(number)

    with _handled_by(stop):
        yield


@dataclass
class Explanation:
    """The text about a block in the message of a signal; the block keeps it up to date.

    Attributes:
        left: the changes made until now.
        next_step: the hint.
    """

    left: str
    next_step: str


@contextmanager
def explained(left: str, next_step: str) -> Iterator[Explanation]:
    """Adds the changes made, and the next step, to a signal that ends the block, unless an inner block has."""
    explanation = Explanation(left, next_step)
    try:
        yield explanation
    except StoppedBySignal as stop:
        stop.explain(explanation.left, explanation.next_step)
        raise


unchanged = explained("nothing was changed", "Run the same command again.")
"""Decorates a function that only reads."""


class Deferral:
    """The signals that have arrived while another program runs.

    Attributes:
        raised: the exception with which the first of them takes effect, at the end of the block.
    """

    def __init__(self) -> None:
        self.raised: BaseException | None = None
        self._count = 0
        self._on_signal: Callable[[int], None] = lambda _: None

    def check(self) -> None:
        """Marks a point at which nothing has begun that a signal must not interrupt.

        Raises:
            BaseException: that of a signal that has arrived.
        """
        if self.raised:
            raise self.raised

    def tell(self, on_signal: Callable[[int], None]) -> None:
        """Calls a function at each signal, with the number of signals so far, which ends the program."""
        self._on_signal = on_signal
        if self._count:
            on_signal(self._count)

    def receive(self, handler: _Handler, number: int, frame: FrameType | None) -> None:
        """Gives a signal to the handler outside the block, and keeps the exception that it raises."""
        try:
            handler(number, frame)
        except BaseException as raised:  # noqa: BLE001 - it is raised at the end of the block
            self.raised = self.raised or raised
            self._count += 1
            self._on_signal(self._count)


@contextmanager
def deferred() -> Iterator[Deferral]:
    """Lets signals take effect at the end of the block, in which another program starts, runs and ends.

    If the block fails after a signal, the signal is the reason; the error becomes its cause.
    """
    deferral = Deferral()
    before = {number: signal.getsignal(number) for number in WATCHED} if _in_main_thread() else {}
    handlers = {number: handler for number, handler in before.items() if callable(handler)}
    for number, handler in handlers.items():
        signal.signal(number, partial(deferral.receive, handler))
    cause: LongshoreError | None = None
    try:
        yield deferral
    except LongshoreError as error:
        if not deferral.raised:
            raise
        cause = error
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if deferral.raised:
        raise deferral.raised from cause


@contextmanager
def finishing() -> Iterator[None]:
    """Lets the first signal take effect at the end of the block, a short write that must not be left open.

    The next one ends the block, because AWS may be out of reach.
    """
    with deferred() as deferral:
        deferral.tell(lambda count: deferral.check() if count > 1 else None)
        yield


@contextmanager
def _handled_by(handler: _Handler) -> Iterator[None]:
    """Installs a handler of all signals during the block, in the main thread; nohup's SIGHUP stays ignored."""
    if not _in_main_thread():
        yield
        return
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    numbers = [number for number in WATCHED if not (ignored and number == signal.SIGHUP)]
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
