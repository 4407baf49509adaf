"""Writing without a reader: to a closed terminal, or a broken pipe."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys

import pytest

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


def test_a_result_on_a_full_disk_is_an_error() -> None:
    console = Console(Failing(OSError(errno.ENOSPC, "No space left on device")), io.StringIO(), io.StringIO())
    with pytest.raises(OSError, match="No space left"):
        console.result("v1.0.0")


@pytest.mark.parametrize("where", ["pipe", "terminal"])
def test_a_missing_reader_does_not_change_the_exit_code(where: str) -> None:
    reader, writer = os.openpty() if where == "terminal" else os.pipe()
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=writer, stderr=writer)
    os.close(writer)
    os.close(reader)
    process.communicate(b"\n", timeout=30)
    assert process.returncode == 7
