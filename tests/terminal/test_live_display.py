"""The live display: no line is lost, whichever thread prints it."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest
from rich.console import Console

from longshore.terminal.console import Console as OurConsole
from longshore.terminal.live_display import Live
from tests.pictures.screen import COLUMNS, ROWS, Screen

INTERVAL = 0.3
"""Seconds; longer than an interval of the thread that Rich can start to refresh a display."""


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}.items():
        monkeypatch.setenv(name, value)


def test_no_line_is_lost_while_another_thread_changes_the_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other thread changes it after Rich has computed where to write a line, and before Rich writes it."""
    screen = Screen()
    live = Live(screen)
    live.start()
    live.service("web", 1, 2, "has started 1 task; " * 30)
    threading.Event().wait(INTERVAL)
    printed = [f"line {number}" for number in range(20)]
    render = Console.render
    changes: list[threading.Thread] = []

    def slowly(console: Console, *arguments: Any, **keywords: Any) -> Any:
        if threading.current_thread() is threading.main_thread() and not changes:
            other = threading.Thread(target=live.service, args=("web", 1, 2, ""))
            changes.append(other)
            other.start()
            threading.Event().wait(INTERVAL)
        return render(console, *arguments, **keywords)

    for line in printed[:-1]:
        live.line(line)
    monkeypatch.setattr(Console, "render", slowly)
    live.line(printed[-1])
    changes[0].join()
    live.stop()
    shown = [line.plain.rstrip() for line in screen.text().split("\n")]
    assert [line for line in shown if "line" in line] == printed


def test_no_thread_draws_at_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    def start(thread: threading.Thread) -> None:
        started.append(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    live = Live(Screen())
    live.start()
    live.step("build", None, ok=True)
    live.stop()
    assert not started


def lines_shown(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    screen = Screen()
    with monkeypatch.context() as shell:  # pytest itself writes lines before the test's fixtures are undone
        for name in ("COLUMNS", "LINES", "TERM"):
            shell.delenv(name)
        for name, value in environ.items():
            shell.setenv(name, value)
        console = OurConsole(io.StringIO(), screen, io.StringIO(), interactive=False)
        with console.live():
            console.step_started("verify")
            console.warn("one of two tasks is old")
            console.step_ended("verify", 1, ok=True)
    return [line.rstrip() for line in screen.text().plain.rstrip().split("\n")]


@pytest.mark.parametrize(
    "environ",
    [{}]
    + [{"COLUMNS": size, "LINES": size} for size in ("", "abc", "0", "-5", "1", "²", "1e3", "9" * 20, "9" * 5000)]
    + [{name: value} for name in ("NO_COLOR", "FORCE_COLOR") for value in ("", "0", "1")]
    + [{"TERM": ""}, {"TERM": "xyzzy"}, {"TTY_COMPATIBLE": "1"}, {"COLORTERM": "truecolor"}],
)
def test_no_variable_hides_a_line(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert lines_shown(environ, monkeypatch) == ["warning: one of two tasks is old", "✓  verify  1.0 s"]


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"TTY_COMPATIBLE": "0"}, {"TTY_INTERACTIVE": "0"}])
def test_a_terminal_that_cannot_be_redrawn_gets_plain_lines(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = ["==> verify", "warning: one of two tasks is old", "    done: verify (1.0 s)"]
    assert lines_shown(environ, monkeypatch) == shown
