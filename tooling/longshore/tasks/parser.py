"""Additions to Invoke's parser: words of a task, messages for a mistyped command line, names of values in the help."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from invoke.exceptions import Exit, ParseError
from invoke.parser import parser
from invoke.parser.argument import Argument
from invoke.parser.context import ParserContext

from longshore.config.values import shown
from longshore.errors import UsageError
from longshore.tasks import exits
from longshore.verdict import ExitCode


class MistypedError(ParseError, Exit):
    """A mistyped flag or task: Invoke ends with 1 on its own error, with this one's code on an Exit."""

    def __init__(self, msg: str, context: ParserContext | None = None) -> None:
        Exception.__init__(self, msg)
        self.context = context
        self.message = None
        problem, _, hint = msg.removeprefix("error: ").partition("\n  → ")
        self.usage = UsageError(problem, hint)
        self._code = int(ExitCode.USAGE)


WORDS = "words"
"""The parameter of a task that takes any number of words: ``scale web=3 worker=1``."""

_ASKS = "invoke {0} without --yes, which shows the change and asks first"
NO_DRY_RUN = {
    "apply": "invoke plan",
    "bootstrap": _ASKS.format("bootstrap"),
    "destroy": "invoke destroy without --yes-really, which shows the plan and asks first",
    "rollback": "invoke history for the releases, and invoke rollback without --yes, which asks first",
    "scale": _ASKS.format("scale"),
    "restart": "invoke restart without --yes, which names the services and asks first",
    "build": "invoke release --dry-run, which shows the images that would be built",
    "version": "invoke version without --reserve, which reserves nothing",
}
"""The command that shows the changes of a task, for tasks without ``--dry-run``."""

_PARSE_ARGV = parser.Parser.parse_argv
_HANDLE, _SEE_VALUE = parser.ParseMachine.handle, parser.ParseMachine.see_value
_HELP_FOR = ParserContext.help_for


def install() -> None:
    """Replaces methods of Invoke's parser, which has no settings for this."""
    parser.ParseError = MistypedError  # type: ignore[attr-defined]
    parser.Parser.parse_argv = _parse_argv  # type: ignore[method-assign, assignment]
    parser.ParseMachine.handle = _handle  # type: ignore[method-assign, assignment]
    parser.ParseMachine.see_value = _see_value  # type: ignore[method-assign, assignment]
    parser.ParseMachine.error = _refuse_incomplete  # type: ignore[method-assign, assignment]
    ParserContext.help_for = _help_for  # type: ignore[method-assign, assignment]


def _parse_argv(whole: parser.Parser, argv: list[str]) -> Any:
    """Parses a command line. If it is mistyped and asks for a JSON document, that is printed."""
    try:
        return _PARSE_ARGV(whole, [_text(word) for word in argv])
    except MistypedError as error:
        if any(re.fullmatch("--json|-[a-z]*j[a-z]*", word) for word in argv):
            exits.document(error.usage, ExitCode.USAGE)
        raise


def _text(word: str) -> str:
    """An argument as text: bytes that the locale does not have arrive as surrogates, which no record can hold."""
    try:
        return word.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError:
        hint = "Type it in a terminal that uses UTF-8."
        raise MistypedError(f"error: the argument {word!a} is not encoded in UTF-8\n  → {hint}") from None


def _handle(machine: parser.ParseMachine, token: str) -> None:
    """Takes a token of the command line; refuses one that Invoke would misread, or not explain."""
    task = machine.context
    if machine.ignore_unknown or machine.waiting_for_flag_value:
        _HANDLE(machine, token)
    elif token.startswith("-"):
        _handle_flag(machine, token)
    elif WORDS in task.args and token not in machine.contexts:
        task.args[WORDS].value = token
    elif task.missing_positional_args or token in machine.contexts:
        _HANDLE(machine, token)
    elif task.name:
        raise _mistyped(task, f"takes no argument {shown(token)}, and there is no task of this name")
    else:
        raise _mistyped(task, f"has no task {shown(token)}{_guess(token, machine.contexts)}", "invoke --list")


def _handle_flag(machine: parser.ParseMachine, token: str) -> None:
    """Takes a flag. Invoke would use it as an argument that is missing: ``lock.take --help`` took a lock."""
    task = machine.context
    if token in ("-h", "--help"):
        for argument in task.missing_positional_args:
            argument.value = ""
    elif not any(token in flags for flags in (task.flags, task.inverse_flags, machine.initial.flags)):
        if task.name in NO_DRY_RUN and token.endswith("-dry-run"):
            raise _mistyped(task, "has no --dry-run", NO_DRY_RUN[task.name])
        known = (*task.flags, *task.inverse_flags, "--help")
        raise _mistyped(task, f"has no flag {shown(token, bare=True)}{_guess(token, known)}")
    _HANDLE(machine, token)


def _see_value(machine: parser.ParseMachine, value: Any) -> None:
    """Takes the value of a flag; Invoke ends with a traceback if it should be a number."""
    try:
        _SEE_VALUE(machine, value)
    except ValueError:
        flag = _spelled(machine.flag)  # type: ignore[arg-type] # it is waiting for this value
        raise _mistyped(machine.context, f"needs a number for {flag}, not {shown(value)}") from None


def _refuse_incomplete(machine: parser.ParseMachine, _: str) -> None:
    """Refuses a flag without its value, or a task without its arguments; Invoke's own messages show its objects."""
    task, flag = machine.context, machine.flag
    if flag and flag.takes_value and flag.raw_value is None:
        owner = task if flag in task.args.values() else machine.initial
        raise _mistyped(owner, f"needs a value for {_spelled(flag)}")
    missing = [f"--{argument.names[0]}" for argument in task.missing_positional_args]
    raise _mistyped(task, f"needs {' and '.join(missing)}")


def _mistyped(task: ParserContext, problem: str, see: str = "") -> MistypedError:
    """The error of a task, or of Invoke itself, and the help to read."""
    see = see or (f"invoke {task.name} --help" if task.name else "invoke --help")
    return MistypedError(f"error: {task.name or 'invoke'} {problem}\n  → See: {see}", task)


def _guess(token: str, names: Iterable[str]) -> str:
    close = get_close_matches(token[:60], list(names), n=1, cutoff=0.75)
    return f"; did you mean {close[0]}?" if close else ""


def _spelled(flag: Argument) -> str:
    return " ".join((f"--{flag.names[0]}", *(f"(-{letter})" for letter in flag.nicknames)))


def _help_for(context: ParserContext, flag: str) -> tuple[str, str]:
    """The flag and its help. Invoke calls each value STRING or INT, and shows none of a repeatable flag.

    A value is named by the word in backquotes in the help, or after its flag.
    """
    names, text = _HELP_FOR(context, flag)
    argument = context.flags[flag]
    if context.name and argument.takes_value:
        quoted = re.search("`(.+?)`", text)
        value = (quoted[1] if quoted else argument.names[0]).upper()
        names = f"{names}={value}" if argument.kind is list else re.sub("STRING|INT", value, names)
    return names, text.replace("`", "")
