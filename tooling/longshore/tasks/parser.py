"""Where errors become exit codes: ours, and those of Invoke's parser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from invoke.exceptions import Exit, ParseError
from invoke.parser import parser
from invoke.parser.context import ParserContext

from longshore.errors import LeaveAtOnce, LongshoreError
from longshore.verdict import ExitCode, exit_code_of


class MistypedError(ParseError, Exit):
    """A mistyped flag or task: Invoke ends with 1 on its own error, with this one's code on an Exit."""

    def __init__(self, msg: str, context: ParserContext | None = None) -> None:
        Exception.__init__(self, msg)
        self.context = context
        self.message = None
        self._code = int(ExitCode.USAGE)


WORDS = "words"
"""The parameter of a task that takes any number of words: ``scale web=3 worker=1``."""


_HANDLE = parser.ParseMachine.handle


def _handle(machine: parser.ParseMachine, token: str) -> None:
    """Gives a task its words: what is neither a flag, nor its value, nor a task. Invoke itself has no such thing."""
    words = machine.context.args.get(WORDS) if machine.context else None
    if words is None or machine.waiting_for_flag_value or token.startswith("-") or token in machine.contexts:
        _HANDLE(machine, token)
    else:
        words.value = token


def install() -> None:
    """Puts both into Invoke's parser, which has no setting for them; its programs know both of our error's classes."""
    parser.ParseError = MistypedError  # type: ignore[attr-defined]
    parser.ParseMachine.handle = _handle  # type: ignore[method-assign, assignment]


@contextmanager
def exits(*, as_json: bool = False) -> Iterator[None]:
    """Turns what a task raises into a message and an exit code.

    Args:
        as_json: print a JSON document as well: whoever reads it must not have to read the words for people.

    Raises:
        Exit: with the code of the error.
    """
    try:
        yield
    except LongshoreError as error:
        code = exit_code_of(error)
        _say(error, code, as_json=as_json)
        raise Exit(code=int(code)) from error
    except (KeyboardInterrupt, LeaveAtOnce) as order:
        code = exit_code_of(order)
        _say(LongshoreError("interrupted"), code, as_json=as_json)
        raise Exit(code=int(code)) from None


def _say(error: LongshoreError, code: ExitCode, *, as_json: bool) -> None:
    from longshore.console import Console

    console = Console()
    console.error(error)
    if as_json:
        said = {"message": console.masks.mask(error.message), "hint": console.masks.mask(error.hint)}
        console.document({"verdict": None, **said, "exit_code": int(code)})
