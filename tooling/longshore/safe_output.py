"""Writing for readers who may have gone: a closed terminal, a pipe whose other end has ended."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any, TextIO

_GONE = (errno.EPIPE, errno.EIO)
"""What a write says where nobody reads any more."""


class BestEffortStream:
    """A stream for people: that nobody can read it ends no release.

    A signal's handler may also write while something else is being written, which Python refuses; then the line is
    lost.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes it, or not."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Passes on what was written, or not."""
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except (BlockingIOError, RuntimeError, ValueError):
            return
        except OSError:
            _to_nowhere(self._stream)


def put(stream: TextIO, text: str) -> None:
    """Writes a result. A reader who has gone hides no exit code.

    Raises:
        OSError: it could not be written for another reason, such as a disk that is full.
    """
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        if error.errno not in _GONE:
            raise
        _to_nowhere(stream)


def line(stream: TextIO) -> str:
    """The next line that somebody types; empty where nobody does any more."""
    try:
        return stream.readline()
    except OSError:
        return ""


def _to_nowhere(stream: TextIO) -> None:
    """Lets a stream end nowhere: else Python would fail over the same text at its own end, with a code of its own."""
    try:
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - no file of ours
            os.dup2(nowhere.fileno(), stream.fileno())
    except (OSError, ValueError):
        return
