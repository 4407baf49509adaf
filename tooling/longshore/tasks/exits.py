"""The end of a task: an error becomes a message, an exit code, and a document if one was asked for."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.exceptions import Exit

from longshore import signals
from longshore.config.project import own_folder
from longshore.errors import ConfigError, InternalError, LeaveAtOnce, LongshoreError, OutputError
from longshore.masking import secrets, sharing_masks
from longshore.signals import StoppedBySignal
from longshore.terminal import bugs
from longshore.verdict import ExitCode, exit_code_of

if TYPE_CHECKING:
    from longshore.terminal.console import Console


@contextmanager
def exits(*, as_json: bool = False, root: Path = Path()) -> Iterator[None]:
    """Turns an error of a task, expected or not, and a signal into a message and an exit code.

    Args:
        as_json: also print a JSON document, so that a program need not read the message.
        root: of the project, whose folder .longshore keeps the traceback of a bug.

    Raises:
        Exit: with the code of the error.
    """
    with sharing_masks(secrets(os.environ)), _exits(as_json=as_json, root=root):
        yield


@contextmanager
def _exits(*, as_json: bool, root: Path) -> Iterator[None]:
    try:
        with signals.stopping():
            yield
    except Exit:
        raise
    except StoppedBySignal as stop:
        code = exit_code_of(stop)
        show(LongshoreError(stop.message, stop.hint), code, as_json=as_json)
        raise Exit(code=int(code)) from None
    except (KeyboardInterrupt, LeaveAtOnce) as signal:
        code = exit_code_of(signal)
        show(LongshoreError("interrupted"), code, as_json=as_json)
        raise Exit(code=int(code)) from None
    except Exception as error:
        reported = _reported(error, root)
        code = exit_code_of(reported)
        show(reported, code, as_json=as_json)
        raise Exit(code=int(code)) from error


@contextmanager
def keeping_exit_code(console: Console) -> Iterator[None]:
    """Prints the result of work that was done: if it cannot be written, you read so, and the exit code stays."""
    try:
        yield
    except OutputError as error:
        console.error(error)


def _reported(error: Exception, root: Path) -> LongshoreError:
    """An error of Longshore as it is; any other with its traceback in a file, or on stderr if that is asked for."""
    from longshore.terminal.console import Console

    console, reported = Console(), bugs.as_longshore_error(error)
    if reported is error and not isinstance(error, InternalError):
        return reported
    if os.environ.get(bugs.DEBUG):
        console.say("".join(traceback.format_exception(error)).rstrip())
    if not isinstance(reported, InternalError):
        return reported
    try:
        folder = own_folder(root)
    except ConfigError:
        folder = None
    return bugs.report(reported, error, folder, console.masks.mask)


def show(error: LongshoreError, code: ExitCode, *, as_json: bool) -> None:
    """Shows an error, and prints its document if one was asked for."""
    from longshore.terminal.console import Console

    Console().error(error)
    if as_json:
        document(error, code)


def document(error: LongshoreError, code: ExitCode) -> None:
    """Prints the document of an error."""
    from longshore.terminal.console import Console

    console = Console()
    with keeping_exit_code(console):
        console.document({"verdict": None, "message": error.message, "hint": error.hint, "exit_code": int(code)})
