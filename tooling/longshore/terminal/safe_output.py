"""Best-effort writing to streams whose reader may be gone: a closed terminal, a broken pipe."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any, TextIO

_GONE = (errno.EPIPE, errno.EIO)
"""The errors of a write to a stream without a reader."""


class BestEffortStream:
    """A stream for people, whose write errors are ignored: they must not end a release.

    A signal handler may write during another write, which Python refuses; then its line is lost.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes the text, if possible."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Flushes the stream, if possible."""
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, operation: Callable[[], object]) -> None:
        try:
            operation()
        except (BlockingIOError, RuntimeError, ValueError):
            return
        except OSError:
            _redirect_to_null(self._stream)


def put(stream: TextIO, text: str) -> None:
    """Writes a result. A missing reader is ignored, so that the exit code stays.

    Raises:
        OSError: any other error, such as a full disk.
    """
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        if error.errno not in _GONE:
            raise
        _redirect_to_null(stream)


def line(stream: TextIO) -> str:
    """The next line of input; empty if the terminal is gone."""
    try:
        return stream.readline()
    except OSError:
        return ""


def _redirect_to_null(stream: TextIO) -> None:
    """Redirects a stream to the null device; otherwise Python's own flush at exit fails and changes the exit code."""
    try:
        with open(os.devnull, "w") as null:  # noqa: PTH123 - not a project file
            os.dup2(null.fileno(), stream.fileno())
    except (OSError, ValueError):
        return
