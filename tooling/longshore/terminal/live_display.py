"""The live display of a release at a terminal, for console.py only."""

from __future__ import annotations

import threading
from typing import TextIO

from rich.console import Console
from rich.live import Live as RichLive
from rich.table import Table
from rich.text import Text


class Live:
    """Steps with their times, each service's running and desired tasks, and the latest detail.

    Any thread may call it. Rich computes a frame under its lock and writes it after that, so a line printed by another
    thread in between would be overwritten: one lock is held from the computation to the write, and Rich's own thread,
    which refreshes at intervals, is not started.
    """

    def __init__(self, stream: TextIO) -> None:
        self._lock = threading.RLock()
        self._console = Console(file=stream, highlight=False)
        self._steps: dict[str, tuple[float | None, bool]] = {}
        self._services: dict[str, tuple[int, int, str]] = {}
        self._detail = ""
        self._live = RichLive(console=self._console, auto_refresh=False)

    def start(self) -> None:
        """Starts drawing."""
        with self._lock:
            self._live.start(refresh=True)

    def stop(self) -> None:
        """Stops drawing; the last frame stays."""
        with self._lock:
            self._detail = ""
            self._draw()
            self._live.stop()

    def line(self, text: str) -> None:
        """Prints a line that scrolls away above the display."""
        with self._lock:
            self._console.print(Text(text))

    def step(self, name: str, seconds: float | None, *, ok: bool) -> None:
        """Shows a step that is running (no seconds yet) or has ended."""
        with self._lock:
            self._steps[name] = (seconds, ok)
            self._draw()

    def service(self, name: str, running: int, desired: int, event: str) -> None:
        """Shows a service's tasks and its latest event."""
        with self._lock:
            self._services[name] = (running, desired, event)
            self._draw()

    def detail(self, text: str) -> None:
        """Shows the progress of the running step."""
        with self._lock:
            self._detail = text
            self._draw()

    def _draw(self) -> None:
        table = Table.grid(padding=(0, 2))
        for name, (seconds, ok) in self._steps.items():
            mark = Text("•", "yellow") if seconds is None else Text("✓", "green") if ok else Text("✗", "red")
            table.add_row(mark, name, "" if seconds is None else f"{seconds:.1f} s", self._note(seconds))
        for name, (running, desired, event) in self._services.items():
            table.add_row("", Text(name, "cyan"), f"{running}/{desired}", Text(event, "dim", overflow="ellipsis"))
        self._live.update(table, refresh=True)

    def _note(self, seconds: float | None) -> Text:
        return Text(self._detail if seconds is None else "", "dim", overflow="ellipsis", no_wrap=True)
