"""What every task has: the help of its flags, its environment, and its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any

from invoke import tasks
from invoke.context import Context
from invoke.exceptions import Exit

from longshore.tasks import parser

if TYPE_CHECKING:
    from longshore.environment.environment import Environment
    from longshore.result import ReleaseResult

_HELP = {
    "app": "the application, where invoke.yaml has several",
    "env": "the environment",
    "yes": "ask nothing",
    "json": "print one JSON document on stdout",
    "allow_infra": "let the plan change more than task definitions",
    "allow_destroy": "the exact address of what the plan may destroy or replace; may be given several times",
    "wait_lock": "how long to wait for another release to finish, e.g. 15m",
}

LETTERS = {"app": "a", "bump": "b", "env": "e", "json": "j", "tag": "t", "yes": "y"}
"""The short flags: the same letter for the same flag in every task, and none for a flag that lowers a guard."""


class LetteredTask(tasks.Task[Callable[..., None]]):
    """A task whose short flags are assigned by hand: Invoke takes the first free letter of each name (``-f``)."""

    def arg_opts(self, name: str, default: str, taken_names: set[str]) -> dict[str, Any]:
        """What Invoke's parser knows of a flag, with its letter if it has one."""
        options = super().arg_opts(name, default, taken_names)
        if name in LETTERS:
            options["names"] = [*options["names"], LETTERS[name]]
        return options


def task(*, repeatable: Sequence[str] = (), **texts: str) -> Callable[[Callable[..., None]], Any]:
    """A task with the help of its flags, whose errors become a message and an exit code.

    Args:
        repeatable: flags that may be given several times.
        texts: what each flag means.
    """

    def decorate(body: Callable[..., None]) -> Any:
        @wraps(body)
        def guarded(*args: Any, **kwargs: Any) -> None:
            with parser.exits(as_json=bool(kwargs.get("json"))):
                body(*args, **kwargs)

        flags = signature(body).parameters
        known = {name: text for name, text in (_HELP | texts).items() if name in flags}
        return tasks.task(help=known, iterable=list(repeatable), auto_shortflags=False, klass=LetteredTask)(guarded)

    return decorate


def opened(c: Context, app: str | None, env: str) -> Environment:
    """The environment that ``-a`` and ``-e`` name."""
    from longshore.environment.environment import open_environment

    return open_environment(c.config, app, env)


def end(environment: Environment, result: ReleaseResult, *, as_json: bool) -> None:
    """Shows what became of a release, and ends with its exit code."""
    from longshore.tasks.views import result as show

    show(environment.console, result, as_json=as_json)
    if result.exit_code:
        raise Exit(code=int(result.exit_code))
