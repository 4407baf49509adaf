"""The end of a task: an error becomes a message, an exit code, and a document if one was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from invoke.exceptions import Exit

from longshore.errors import ExitCode, LeaveAtOnce, LongshoreError


@contextmanager
def exits(*, as_json: bool = False) -> Iterator[None]:
    """Turns an error of a task into a message and an exit code.

    Args:
        as_json: also print a JSON document, so that a program need not read the message.

    Raises:
        Exit: with the code of the error.
    """
    try:
        yield
    except LongshoreError as error:
        _show(error, as_json=as_json)
        raise Exit(code=int(error.exit_code)) from error
    except KeyboardInterrupt:
        raise _interrupted(ExitCode.INTERRUPTED, as_json=as_json) from None
    except LeaveAtOnce as signal:
        raise _interrupted(signal.exit_code, as_json=as_json) from None


def _interrupted(code: ExitCode, *, as_json: bool) -> Exit:
    error = LongshoreError("interrupted")
    error.exit_code = code
    _show(error, as_json=as_json)
    return Exit(code=int(code))


def _show(error: LongshoreError, *, as_json: bool) -> None:
    from longshore.console import Console

    console = Console()
    console.error(error)
    if as_json:
        texts = {"message": console.masks.mask(error.message), "hint": console.masks.mask(error.hint)}
        console.document({"verdict": None, **texts, "exit_code": int(error.exit_code)})
