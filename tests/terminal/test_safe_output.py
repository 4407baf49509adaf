"""Standard streams that are closed, full, without a reader, or without our characters."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from longshore.errors import DeclinedError, OutputError
from longshore.signals import Interrupts
from longshore.terminal.console import Console

PROGRAM = """
import sys
from longshore.terminal.console import Console
sys.stdin.readline()
console = Console(interactive=True)
console.say("one")
console.result("two")
console.document({})
assert console.prompt.ask("three? ") == ""
sys.exit(7)
"""


PREPARED = """
import subprocess, sys
from longshore.terminal import safe_output
safe_output.prepare()
from longshore.terminal.console import Console
with open(sys.argv[1], "w") as file:
    assert file.fileno() > 2
    console = Console()
    console.say("one →")
    print("→ two")
    assert console.prompt.ask("three? ") == ""
    subprocess.run(["sh", "-c", "echo four; echo five >&2; cat"])
sys.exit(7)
"""


class Failing(io.StringIO):
    """A stream whose writes fail."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def write(self, text: str) -> int:
        raise self._error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EIO, "Input/output error"),
        BrokenPipeError(errno.EPIPE, "Broken pipe"),
        BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
        RuntimeError("reentrant call inside <_io.BufferedWriter name='<stderr>'>"),
        ValueError("I/O operation on closed file"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_write_errors_of_text_for_people_are_ignored(error: Exception) -> None:
    console = Console(io.StringIO(), Failing(error), io.StringIO(), interactive=False)
    console.say("on its way")
    console.warn("no reader")
    with console.live():
        console.step_started("verify")


def test_a_signal_counts_even_if_its_message_cannot_be_written() -> None:
    interrupts = Interrupts()
    console = Console(io.StringIO(), Failing(OSError(errno.EIO, "")), io.StringIO(), interactive=False)
    with interrupts.watched(console.interrupted):
        os.kill(os.getpid(), signal.SIGHUP)
        assert interrupts.pending


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), ValueError("I/O operation on closed file")]
)
def test_a_result_that_is_lost_is_an_error(error: Exception) -> None:
    console = Console(Failing(error), io.StringIO(), io.StringIO())
    with pytest.raises(OutputError, match=r"standard output: (No space left on device|I/O operation on closed file)"):
        console.result("v1.0.0")


@pytest.mark.parametrize("where", ["pipe", "terminal"])
def test_a_missing_reader_does_not_change_the_exit_code(where: str) -> None:
    reader, writer = os.openpty() if where == "terminal" else os.pipe()
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=writer, stderr=writer)
    os.close(writer)
    os.close(reader)
    process.communicate(b"\n", timeout=30)
    assert process.returncode == 7


def prepared(tmp_path: Path, redirection: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A process that uses its streams in every way, and ends with 7."""
    file = tmp_path / "state"
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" "$2" {redirection}', sys.executable, PREPARED, file],
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        | {"PYTHONPATH": os.pathsep.join(sys.path)}
        | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )
    assert file.read_text() == ""
    return done


@pytest.mark.parametrize(
    ("redirection", "out", "err"),
    [
        ("<&-", "→ two\nfour\n", "one →\nthree? five\n"),
        (">&-", "", "one →\nthree? five\n"),
        ("2>&-", "→ two\nfour\n", ""),
        ("<&- >&- 2>&-", "", ""),
    ],
)
def test_a_closed_stream_changes_nothing_else(tmp_path: Path, redirection: str, out: str, err: str) -> None:
    """No file takes its number, so that no program that we start writes into that file."""
    done = prepared(tmp_path, redirection)
    assert (done.returncode, sorted(done.stdout.split()), done.stderr) == (7, sorted(out.split()), err)


@pytest.mark.parametrize("environ", [{}, {"PYTHONUNBUFFERED": "1"}])
def test_a_full_disk_changes_no_exit_code(tmp_path: Path, environ: dict[str, str]) -> None:
    done = prepared(tmp_path, ">/dev/full 2>/dev/full", **environ)
    assert done.returncode == 7


def test_a_full_disk_is_said_at_the_end(tmp_path: Path) -> None:
    done = prepared(tmp_path, ">/dev/full")
    assert done.returncode == 7
    assert done.stderr.endswith("error: the result could not be written to standard output: No space left on device\n")
    assert "Traceback" not in done.stderr


def test_a_character_that_the_encoding_does_not_have_is_an_escape(tmp_path: Path) -> None:
    done = prepared(tmp_path, "", PYTHONIOENCODING="ascii:strict")
    assert done.returncode == 7
    assert "one \\u2192\n" in done.stderr
    assert "\\u2192 two\n" in done.stdout


def test_a_document_is_whole_on_a_stream_that_does_not_block() -> None:
    """A program such as node leaves its pipes so."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    parts: list[str] = []

    def read() -> None:
        with os.fdopen(reader) as stream:
            parts.append(stream.read())

    thread = threading.Thread(target=read)
    with os.fdopen(writer, "w") as out:
        thread.start()
        Console(out, io.StringIO(), io.StringIO(), interactive=False).document("x" * 500_000)
    thread.join()
    assert parts == [f'"{"x" * 500_000}"\n']


def test_an_answer_that_is_no_text_is_no_approval() -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b"\xff\n"), encoding="utf-8")
    with pytest.raises(DeclinedError):
        Console(io.StringIO(), io.StringIO(), stdin, interactive=True).prompt.approve("Apply?", yes=False)


def test_without_streams_nothing_is_interactive(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    console = Console()
    console.say("one")
    console.result("two")
    assert not console.prompt.interactive
    closed = io.StringIO()
    closed.close()
    assert not Console(stdin=closed, err=closed).prompt.interactive
