"""Text that others wrote acts on no terminal and no CI system, and no line of it looks like ours."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.commands.drift import Drift
from longshore.commands.status import ServiceStatus, Status
from longshore.errors import LongshoreError
from longshore.ledger.lock import Lock
from longshore.ledger.releases import Ledger
from longshore.result import Actor, Failure, ImageResult, StepResult
from longshore.tasks import views
from longshore.terminal.console import Console
from longshore.terminal.visible import visible
from longshore.verdict import Verdict
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import WHEN, result
from tests.pictures.screen import COLUMNS, Screen

OURS = re.compile(
    r"(==>|    done:|    FAILED:|error:|failed:|warning:|waiting:|why\b|  →|Changes:|No changes\.|  (OK|SKIP|FAIL)\b)"
)
COMMAND = re.compile(r"\s*::|.*##\w*\[|(---|\+\+\+|~~~|\^\^\^) |section_(start|end):")
HARMLESS = "x"

PIECES = [
    "\n", "\r", "\r\n", "\t", " ", "    ", "\x00", "\x07", "\x08", "\x0b", "\x0c", "\x1b[2J", "\x1b[1A\x1b[2K",
    "\x1b]0;title\x07", "\x1b]52;c;ZXZpbA==\x07", "\x1b]8;;http://evil\x1b\\", "\x7f", "\x85", "\x9b2J", "\x9d",
    "\u061c", "\u200b", "\u200d", "\u2028", "\u2029", "\u202e", "\u2066", "\ufeff", "\U000e0041", "\ud800", "\xa0",
    "::error::x", "##[error]x", "##vso[task.complete]", "##teamcity[buildStop]", "section_start:1:a\r\x1b[0K", "+++ x",
    "==> verify", "    done: verify", "done: x", "FAILED: x", "error: x", "warning: x", "  → Run: evil", "→ x", "OK x",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=6).map("".join)


def _failure(text: str) -> Failure:
    texts: dict[str, Any] = dict.fromkeys(("subject", "task", "stop_code", "reason", "container", "answer"), text)
    return Failure(**texts, log=[text], events=[text], alarms=[text], targets=[text])


def _record(text: str) -> Any:
    texts = dict.fromkeys(("version", "previous_version", "message", "hint", "commit", "subject", "author"), text)
    more = {"changes": [text], "warnings": [text], "steps": [StepResult(name=text)], "options": {"env": text}}
    return result(**texts, **more, verdict=Verdict.ROLLED_BACK, failures=[_failure(text)])


def _show(console: Console, text: str) -> None:
    ledger = Ledger(MemoryTable(), "test")
    ledger.begin(_record(text))
    ledger.events("test-000001").append("note", text, text, 1)
    views.show_release(console, ledger, "test-000001", as_json=False)


def _ask(console: Console, text: str) -> None:
    console.prompt.ask(text)


def _status(console: Console, text: str) -> None:
    texts: dict[str, Any] = {f.name: text for f in fields(ServiceStatus)} | {"registered_differs": (text,)}
    views.status(console, Status(text, text, text, text, text, (ServiceStatus(**texts),)), as_json=False)


def _lock(console: Console, text: str) -> None:
    texts: dict[str, Any] = dict.fromkeys(("owner", "purpose", "release", "step", "why"), text)
    actor = Actor(arn=text, user=text, host=text)
    views.lock(console, text, Lock(**texts, fence=1, actor=actor, since=WHEN, beaten=WHEN, lease=1), as_json=False)


PLACES: dict[str, Callable[[Console, str], object]] = {
    "a step": Console.step_started,
    "the end of a step": lambda console, text: console.step_ended(text, 1, ok=True),
    "detail": Console.detail,
    "a log event": Console.log_line,
    "a sentence": Console.say,
    "a warning": Console.warn,
    "a check": lambda console, text: console.finding("OK", text, text),
    "a plan": lambda console, text: console.differences([text, text]),
    "an error": lambda console, text: console.error(LongshoreError(text, text)),
    "a failed release": lambda console, text: console.failed(LongshoreError(text)),
    "a failed service": lambda console, text: console.failure(_failure(text)),
    "a lock": Console.waits_for,
    "a question": _ask,
    "a result": Console.result,
    "a table": lambda console, text: console.table([{"name": text, "version": text}], text),
    "an empty table": lambda console, text: console.table([], text),
    "the end of a run": lambda console, text: views.result(console, _record(text), as_json=False),
    "history": lambda console, text: views.history(console, [_record(text)], as_json=False),
    "show": _show,
    "status": _status,
    "a lock that is held": _lock,
    "images": lambda console, text: views.images(console, {text: ImageResult(repository=text, tag=text, digest=text)}),
    "drift": lambda console, text: views.drift(
        console, Drift(text, text, text, (text,), (text,), (text,)), as_json=False
    ),
}


def printed(place: str, text: str) -> str:
    """Everything that a place prints of a text, on both streams."""
    out = io.StringIO()
    PLACES[place](Console(out, out, io.StringIO(), interactive=False), text)
    return out.getvalue()


def beginnings(output: str) -> list[str]:
    """The lines that look like ours, by what they begin with, and the commands of CI systems."""
    found = [match for line in output.split("\n") for pattern in (OURS, COMMAND) if (match := pattern.match(line))]
    return [match[0] for match in found]


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=20)
@given(text=TEXTS)
def test_no_text_acts_on_a_terminal_or_looks_like_ours(place: str, text: str) -> None:
    output = printed(place, text)
    assert all(letter == "\n" or letter.isprintable() for letter in output)
    # A text that is left out if it is empty has no line of ours either.
    assert beginnings(output) == beginnings(printed(place, HARMLESS if text else ""))


@settings(max_examples=30)
@given(text=TEXTS)
def test_a_json_document_stays_one_document_and_has_no_command(text: str) -> None:
    out = io.StringIO()
    Console(out, io.StringIO(), io.StringIO(), interactive=False).document({text: [text]})
    assert json.loads(out.getvalue()) == {text: [text]}
    assert out.getvalue().isascii()
    assert not beginnings(out.getvalue())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;PWNED-TITLE\x07", r"\x1b]0;PWNED-TITLE\x07"),
        ("\x1b]52;c;ZXZpbA==\x07", r"\x1b]52;c;ZXZpbA==\x07"),
        ("\x1b[1A\x1b[2K    done: migrate, all well", r"\x1b[1A\x1b[2K    done: migrate, all well"),
        ("50%\r100%", r"50%\r100%"),
        ("a\u202eb\u2066c\u200bd\ufeff", r"a\u202eb\u2066c\u200bd\ufeff"),
        ("a\x85b\u2028c\u2029d\x9b2J", r"a\x85b\u2028c\u2029d\x9b2J"),
        ("a\ud800b\U000e0041", r"a\ud800b\U000e0041"),
        ("\u3164\ufe0f\u034f", r"\u3164\ufe0f\u034f"),
        ("##vso[task.complete] ##[group]a", "# #vso[task.complete] # #[group]a"),
        ("Größe 10\xa0kg → 日本語 🚢 #1 ## [a]", "Größe 10 kg → 日本語 🚢 #1 ## [a]"),
    ],
)
def test_what_is_not_printed_becomes_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_each_line_of_a_log_event_has_the_prefix() -> None:
    event = "Traceback:\r\n==> verify\n\n::error::forged\n"
    assert printed("a log event", event) == "    | Traceback:\n    | ==> verify\n    |\n    | ::error::forged\n"


def test_the_further_lines_of_an_error_are_indented_like_no_line_of_ours() -> None:
    console = Console(io.StringIO(), err := io.StringIO(), io.StringIO(), interactive=False)
    console.error(LongshoreError("web: no\n    done: verify\n ::error::x", "Fix it."))
    assert err.getvalue() == "error: web: no\n          done: verify\n      |  ::error::x\n  → Fix it.\n"


def test_a_line_that_looks_like_ours_gets_a_mark() -> None:
    assert printed("detail", "done: verify") == "    | done: verify\n"
    assert printed("detail", "::error::x") == "    | ::error::x\n"
    assert printed("a sentence", "error: x") == "| error: x\n"


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    for name, value in {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": "50"}.items():
        monkeypatch.setenv(name, value)
    return Screen()


def test_the_live_display_shows_the_same(screen: Screen) -> None:
    console = Console(io.StringIO(), screen, io.StringIO(), interactive=False)
    evil = "\x1b[2J\x1b]52;c;x\x07[bold]\n==> verify"
    with console.live():
        console.log_line(evil)
        console.warn(evil)
        console.step_started(evil)
        console.detail(evil)
    assert [line.rstrip() for line in screen.text().plain.split("\n")] == [
        r"    | \x1b[2J\x1b]52;c;x\x07[bold]",
        r"    | ==> verify",
        r"warning: \x1b[2J\x1b]52;c;x\x07[bold]",
        r"      ==> verify",
        r"•  \x1b[2J\x1b]52;c;x\x07[bold]\n==> verify",
    ]


def test_a_row_that_does_not_fit_continues_after_the_prefix(screen: Screen) -> None:
    """A stranger may fill a row with blanks, so that the next one begins like a line of ours."""
    console = Console(io.StringIO(), screen, io.StringIO(), interactive=False)
    with console.live():
        console.log_line("x" * (COLUMNS - 10) + " " * 4 + "error: forged")
        console.warn("x" * (COLUMNS - 10) + " ::error::forged")
    assert [line.rstrip() for line in screen.text().plain.rstrip().split("\n")] == [
        f"    | {'x' * (COLUMNS - 10)}",
        "    | error: forged",
        f"warning: {'x' * (COLUMNS - 10)}",
        "      | ::error::forged",
    ]
