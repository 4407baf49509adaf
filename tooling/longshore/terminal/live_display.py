"""The live display of a release at a terminal, for console.py only."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from typing import TextIO

from rich.console import Console
from rich.live import Live as RichLive
from rich.table import Table
from rich.text import Text

from longshore.terminal.visible import CONTINUED, marked

_NARROWEST = 10
"""Characters of a text in a row of the narrowest terminal."""

_SIZE = re.compile(r"[2-9][0-9]|[1-9][0-9]{2,3}", re.ASCII)
"""Values of COLUMNS and LINES that a display can have; at 0, Rich prints nothing."""
_NOT_REDRAWN = {"TERM": ("dumb", "unknown"), "TTY_COMPATIBLE": ("0",), "TTY_INTERACTIVE": ("0",)}


def is_redrawn(environ: Mapping[str, str]) -> bool:
    """Whether the terminal of this process can move its cursor; otherwise it gets plain lines."""
    return not any(environ.get(name, "").lower() in values for name, values in _NOT_REDRAWN.items())


def _console(stream: TextIO, environ: Mapping[str, str]) -> Console:
    """The console of Rich for a stream that is a terminal, even if a variable such as FORCE_COLOR denies it."""
    kept = {name: v for name, v in environ.items() if name not in {"COLUMNS", "LINES"} or _SIZE.fullmatch(v)}
    return Console(
        file=stream, highlight=False, force_terminal=True, force_interactive=True, force_jupyter=False, _environ=kept
    )


class Live:
    """Steps with their times, each service's running and desired tasks, and the latest detail.

    Any thread may call it. Rich computes a frame under its lock and writes it after that, so a line printed by another
    thread in between would be overwritten: one lock is held from the computation to the write, and Rich's own thread,
    which refreshes at intervals, is not started.
    """

    def __init__(self, stream: TextIO) -> None:
        self._lock = threading.RLock()
        self._console = _console(stream, os.environ)
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

    def line(self, text: str, head: str = "", continued: str = CONTINUED) -> None:
        """Prints a line that scrolls away above the display.

        Args:
            text: a visible line.
            head: before the line.
            continued: before each further row, if the line is wider than the terminal.
        """
        with self._lock:
            self._console.print(Text("\n").join(self._rows(text, head, continued)))

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

    def _rows(self, text: str, head: str, continued: str) -> Iterator[Text]:
        """A line in rows that are as wide as the terminal: Rich's own further rows have nothing before them."""
        before = max(len(head), len(continued))
        rows = Text(text).wrap(self._console, max(self._console.width - before, _NARROWEST))
        yield Text(head).append_text(rows[0])
        yield from (Text(f"{continued}{marked(row.plain)}") for row in rows[1:])

    def _draw(self) -> None:
        table = Table.grid(padding=(0, 2))
        for name, (seconds, ok) in self._steps.items():
            mark = Text("•", "yellow") if seconds is None else Text("✓", "green") if ok else Text("✗", "red")
            table.add_row(mark, Text(name), "" if seconds is None else f"{seconds:.1f} s", self._note(seconds))
        for name, (running, desired, event) in self._services.items():
            table.add_row("", Text(name, "cyan"), f"{running}/{desired}", Text(event, "dim", overflow="ellipsis"))
        self._live.update(table, refresh=True)

    def _note(self, seconds: float | None) -> Text:
        return Text(self._detail if seconds is None else "", "dim", overflow="ellipsis", no_wrap=True)
