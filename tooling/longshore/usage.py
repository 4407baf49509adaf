"""Where errors become exit codes: ours, and those of Invoke's parser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from invoke.exceptions import Exit, ParseError
from invoke.parser import parser
from invoke.parser.context import ParserContext

from longshore.errors import ExitCode, LeaveAtOnce, LongshoreError


class MistypedError(ParseError, Exit):
    """A mistyped flag or task: Invoke ends with 1 on its own error, with this one's code on an Exit."""

    def __init__(self, msg: str, context: ParserContext | None = None) -> None:
        Exception.__init__(self, msg)
        self.context = context
        self.message = None
        self._code = int(ExitCode.USAGE)


def install() -> None:
    """Makes Invoke's parser raise our error. Invoke has no setting for it, and its programs know both classes."""
    parser.ParseError = MistypedError  # type: ignore[attr-defined]


@contextmanager
def exits() -> Iterator[None]:
    """Turns what a task raises into a message and an exit code.

    Raises:
        Exit: with the code of the error.
    """
    try:
        yield
    except LongshoreError as error:
        from longshore.console import Console  # noqa: PLC0415 - only where there is something to say

        Console().error(error)
        raise Exit(code=int(error.exit_code)) from error
    except (KeyboardInterrupt, LeaveAtOnce):
        raise Exit("interrupted", code=int(ExitCode.INTERRUPTED)) from None
