"""The decorator of every task: its flags with their help, its environment, its errors and its end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field
from functools import partial, wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any, TypeVar

from invoke import tasks
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.parser.argument import Argument

from longshore.config.project import project_root
from longshore.errors import UsageError
from longshore.private_files import keep_own_access
from longshore.run.options import ReleaseOptions, flag_of, options_of, parameter_of
from longshore.tasks.exits import exits, keeping_exit_code

if TYPE_CHECKING:
    from longshore.commands.dry_run import Forecast
    from longshore.environment.environment import Environment
    from longshore.result import ReleaseResult
    from longshore.terminal.console import Console

R = TypeVar("R", "ReleaseResult", "Forecast")

OPTIONS = "options"
"""The parameter of a task that stands for the flags of ReleaseOptions that this task takes."""

_HELP = {
    "app": "application, if invoke.yaml has several",
    "env": "environment in invoke.yaml; default: sandbox",
    "json": "print one JSON document on stdout",
}

LETTERS = {"app": "a", "bump": "b", "env": "e", "json": "j", "tag": "t", "yes": "y"}
"""The short flags: the same letter for the same flag in every task, and none for a flag that lowers a guard."""


class LetteredTask(tasks.Task[Callable[..., None]]):
    """A task whose short flags are assigned by hand: Invoke takes the first free letter of each name (``-f``)."""

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """The flags, as often as they are asked for: Invoke takes each text out of the help when it is read."""
        texts = dict(self.help)
        arguments = super().get_arguments(ignore_unknown_help)
        self.help = texts
        return arguments

    def arg_opts(self, name: str, default: str, taken_names: set[str]) -> dict[str, Any]:
        """The settings of a flag for Invoke's parser, with its letter if it has one."""
        options = super().arg_opts(name, default, taken_names)
        if name in LETTERS:
            options["names"] = [*options["names"], LETTERS[name]]
        return options


def task(*, repeatable: Sequence[str] = (), **texts: str) -> Callable[[Callable[..., None]], Any]:
    """A task with the help of its flags, whose errors become a message and an exit code.

    A function with a parameter ``options`` gets the ReleaseOptions made from the flags that this task takes.

    Args:
        repeatable: flags that may be given several times, besides those of ReleaseOptions.
        texts: the help of each flag that is not one of ReleaseOptions; a word in backquotes names
            its value there (see parser.py).
    """

    def decorate(body: Callable[..., None]) -> Any:
        own = signature(body).parameters
        options = {parameter_of(option): option for option in options_of(body.__name__)} if OPTIONS in own else {}
        several = [name for name, option in options.items() if option.default == ()]

        @wraps(body)
        def guarded(*args: Any, **kwargs: Any) -> None:
            context: Context = args[0]
            keep_own_access()
            with exits(as_json=bool(kwargs.get("json")), root=project_root(context.config)):
                if options:
                    given = {options[name].name: kwargs.pop(name) for name in options.keys() & kwargs.keys()}
                    kwargs[OPTIONS] = ReleaseOptions.of(task=body.__name__, **given)
                body(*args, **kwargs)

        guarded.__signature__ = _signature(own, options)  # type: ignore[attr-defined]
        known = {name: text for name, text in (_HELP | texts).items() if name in own}
        known |= {name: flag_of(option).help for name, option in options.items()}
        make = tasks.task(help=known, iterable=[*repeatable, *several], auto_shortflags=False, klass=LetteredTask)
        return make(guarded)

    return decorate


def _signature(own: Mapping[str, Parameter], options: Mapping[str, Field[Any]]) -> Signature:
    """The parameters from which Invoke makes flags: those of the function, and one for each option.

    Invoke takes the type of a flag from its default; a repeatable flag has none.
    """
    defaults = {name: None if option.default == () else option.default for name, option in options.items()}
    flags = [Parameter(name, Parameter.KEYWORD_ONLY, default=default) for name, default in defaults.items()]
    return Signature([*(parameter for name, parameter in own.items() if name != OPTIONS), *flags])


def opened(c: Context, app: str | None, env: str) -> Environment:
    """The environment that ``-a`` and ``-e`` name."""
    from longshore.environment.environment import open_environment

    return open_environment(c.config, app, env)


def at_least_one(flag: str, number: int) -> int:
    """The number after a flag, at most the largest that Python counts with.

    Raises:
        UsageError: it is less than 1.
    """
    if number < 1:
        raise UsageError(f"{flag} must be at least 1, not {number}", f"For example: {flag} 20")
    return min(number, sys.maxsize)


def perform(environment: Environment, verb: Callable[[Environment], ReleaseResult], *, as_json: bool) -> None:
    """Runs a verb under the live display, shows its result, and ends with its exit code."""
    from longshore.tasks import views

    _end_with(environment, verb, partial(views.result, as_json=as_json))


def foresee(environment: Environment, verb: Callable[[Environment], Forecast], *, as_json: bool) -> None:
    """Runs the dry run of a verb, shows its steps, and ends with its exit code."""
    from longshore.tasks import views

    _end_with(environment, verb, partial(views.forecast, as_json=as_json))


def _end_with(environment: Environment, verb: Callable[[Environment], R], show: Callable[[Console, R], None]) -> None:
    with environment.console.live():
        result = verb(environment)
    with keeping_exit_code(environment.console):
        show(environment.console, result)
    if result.exit_code:
        raise Exit(code=int(result.exit_code))
