"""The standard streams, which may be closed, full, without a reader or without our characters."""

from __future__ import annotations

import atexit
import errno
import io
import os
import select
import sys
from collections.abc import Callable
from typing import Any, TextIO

from longshore.errors import OutputError

_GONE = (errno.EPIPE, errno.EIO)
"""The errors of a write to a stream without a reader."""
_STREAMS = {"stdin": "r", "stdout": "w", "stderr": "w"}


class BestEffortStream:
    """A stream for people, whose write errors are ignored: they must not end a release."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes the text, if possible."""
        self._try(lambda: _write(self._stream, text))
        return len(text)

    def flush(self) -> None:
        """Flushes the stream, if possible."""
        self._try(self._stream.flush)

    def isatty(self) -> bool:
        """Whether the stream is a terminal; False if it is closed."""
        return is_terminal(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, operation: Callable[[], object]) -> None:
        try:
            operation()
        except (RuntimeError, ValueError):  # a write during another write, and a closed stream
            return
        except OSError:
            _redirect_to_null(self._stream)


def prepare() -> None:
    """Makes the standard streams of this process safe to use, also for Invoke, which prints help and its own errors.

    A stream that the caller has closed becomes the null device: otherwise the next file that is opened would take its
    place, and programs that Longshore starts would read it or write into it. A character that the encoding of the
    stream does not have becomes an escape. Text that is still buffered at the end is written without a traceback.
    """
    for number, (name, mode) in enumerate(_STREAMS.items()):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            stream = open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
    for stream, original in ((sys.stdout, sys.__stdout__), (sys.stderr, sys.__stderr__)):
        if isinstance(stream, io.TextIOWrapper) and stream is original:
            # A stream that is flushed by each print (PYTHONUNBUFFERED), on a full disk, raises inside of Invoke.
            stream.reconfigure(errors="backslashreplace", line_buffering=False, write_through=False)
    atexit.register(_flush_at_exit)


def put(stream: TextIO, text: str) -> None:
    """Writes a result. A missing reader is ignored, so that the exit code stays.

    Raises:
        OutputError: any other reason, such as a full disk.
    """
    try:
        _write(stream, text)
    except (OSError, ValueError) as error:
        _redirect_to_null(stream)
        if getattr(error, "errno", None) not in _GONE:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(f"the result could not be written to standard output: {reason}") from error


def line(stream: TextIO) -> str:
    """The next line of input; empty if the terminal is gone, or sends bytes that are not text."""
    try:
        return stream.readline()
    except (OSError, ValueError):
        return ""


def is_terminal(stream: TextIO) -> bool:
    """Whether a stream is a terminal; False if it is closed."""
    try:
        return stream.isatty()
    except (OSError, ValueError):
        return False


def _write(stream: TextIO, text: str) -> None:
    """Writes all of a text. Python's streams lose the rest of it if the descriptor does not block, or is unbuffered."""
    try:
        number = stream.fileno()
    except io.UnsupportedOperation:
        stream.write(text)
        stream.flush()
        return
    stream.flush()
    left = memoryview(text.encode(stream.encoding, "backslashreplace"))
    while left:
        try:
            left = left[os.write(number, left) :]
        except BlockingIOError:
            ready = select.poll()
            ready.register(number, select.POLLOUT)
            ready.poll()


def _flush_at_exit() -> None:
    people = BestEffortStream(sys.stderr)
    try:
        put(sys.stdout, "")
    except OutputError as error:
        people.write(f"error: {error.message}\n")
    people.flush()


def _redirect_to_null(stream: TextIO) -> None:
    """Redirects a stream to the null device; otherwise Python's own flush at exit fails and changes the exit code."""
    try:
        with open(os.devnull, "w", encoding="utf-8") as null:  # noqa: PTH123 - not a project file
            os.dup2(null.fileno(), stream.fileno())
    except (OSError, ValueError):
        return
