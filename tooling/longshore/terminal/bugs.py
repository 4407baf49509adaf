"""An exception that Longshore did not expect: one message, and a file with the details to report."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from pathlib import Path

from longshore.errors import InternalError, LongshoreError
from longshore.masking import Masks, shared_masks

DEBUG = "LONGSHORE_DEBUG"
"""The environment variable that shows the traceback of an unexpected exception on stderr."""

_SHOWN_CHARACTERS = 500
_REPORT = "This is a bug in Longshore: please report it with this message"
_PRIVATE = 0o600


def as_longshore_error(error: Exception) -> LongshoreError:
    """An error of Longshore unchanged, one of the operating system in its own words, any other as a bug with its place.

    The secrets that the task has learned are masked.
    """
    if isinstance(error, LongshoreError):
        return error
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    if isinstance(error, OSError) and error.strerror:
        subject = f"{error.filename}: " if error.filename else ""
        return LongshoreError(
            _plain(f"{subject}{error.strerror}{place}"),
            "Check this file, the free space and the network of this machine, then run the same command again.",
        )
    return InternalError(_plain(f"{type(error).__name__}: {error}{place}"), f"{_REPORT}.")


def report(reported: InternalError, error: Exception, folder: Path | None, mask: Callable[[str], str]) -> InternalError:
    """A bug whose traceback is kept in a private file, which the hint names.

    Args:
        reported: the bug.
        error: the exception behind it.
        folder: Longshore's own; None if it cannot be used.
        mask: hides secrets.
    """
    file = folder and _keep(folder / "errors", mask("".join(traceback.format_exception(error))))
    reported.hint = f"{_REPORT} and {file or f'the traceback, which {DEBUG}=1 shows'}."
    return reported


def _keep(folder: Path, text: str) -> Path | None:
    """The file with the text; None if it cannot be written."""
    file = folder / time.strftime("%Y%m%d-%H%M%S.txt")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.touch(mode=_PRIVATE)
        file.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError:
        return None
    return file


def _plain(text: str) -> str:
    """A text without control characters, and of a length that a person reads."""
    # Masked before it is truncated: a truncated secret is no longer recognised.
    masks = shared_masks() or Masks()
    plain = "".join(letter if letter.isprintable() else " " for letter in masks.mask(text))
    return plain if len(plain) <= _SHOWN_CHARACTERS else f"{plain[:_SHOWN_CHARACTERS]}…"
