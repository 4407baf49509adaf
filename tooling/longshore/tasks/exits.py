"""The end of a task: an error becomes a message, an exit code, and a document if one was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from invoke.exceptions import Exit

from longshore.errors import LeaveAtOnce, LongshoreError
from longshore.verdict import ExitCode, exit_code_of


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
        code = exit_code_of(error)
        _show(error, code, as_json=as_json)
        raise Exit(code=int(code)) from error
    except (KeyboardInterrupt, LeaveAtOnce) as signal:
        code = exit_code_of(signal)
        _show(LongshoreError("interrupted"), code, as_json=as_json)
        raise Exit(code=int(code)) from None


def _show(error: LongshoreError, code: ExitCode, *, as_json: bool) -> None:
    from longshore.terminal.console import Console

    console = Console()
    console.error(error)
    if as_json:
        texts = {"message": console.masks.mask(error.message), "hint": console.masks.mask(error.hint)}
        console.document({"verdict": None, **texts, "exit_code": int(code)})
