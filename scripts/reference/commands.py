"""The reference of all tasks, from the Invoke collection: usage, help, flags and letters."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from invoke.collection import Collection
from invoke.parser.argument import Argument
from invoke.tasks import Task

from longshore.tasks import namespace
from longshore.tasks.parser import WORDS
from scripts.reference.marks import cell

SHARED = {
    "app": ("-a APP", "the application, if invoke.yaml has several"),
    "env": ("-e ENV", "the environment; `sandbox` by default"),
    "yes": ("-y", "do not ask for confirmation"),
    "json": ("-j", "print one JSON document on stdout"),
}
"""The flags that most tasks have: they are explained once and shown in the usage line."""


def commands() -> str:
    """All tasks, the ones without a prefix first, each with its flags."""
    return "\n\n".join(_sections())


def tasks(collection: Collection = namespace, prefix: str = "") -> Iterator[tuple[str, Task[Any]]]:
    """Every task with the name that you type, in the order of the collection."""
    for name, task in collection.tasks.items():
        yield prefix + str(collection.transform(name)), task
    for name, inner in collection.collections.items():
        yield from tasks(inner, f"{prefix}{name}.")


def _sections() -> Iterator[str]:
    rows = [f"| `{flag}`, `--{name}` | {meaning} |" for name, (flag, meaning) in SHARED.items()]
    yield "\n".join(["| flag of most tasks | meaning |", "|---|---|", *rows])
    for name, task in tasks():
        yield _section(name, task)


def _section(name: str, task: Task[Any]) -> str:
    arguments = task.get_arguments()
    words = [f"[{_name(a).upper()} ...]" if a.name == WORDS else f"<{_name(a)}>" for a in arguments if _typed_bare(a)]
    flags = [f"[{SHARED[a.name][0]}]" for a in arguments if a.name in SHARED and not a.positional]
    rows = [_row(argument) for argument in arguments if argument.name not in SHARED]
    optional = ["[flags]"] if any(a.name not in SHARED and not _typed_bare(a) for a in arguments) else []
    usage = " ".join(["invoke", name, *words, *flags, *optional])
    table = ["| flag | takes | meaning |", "|---|---|---|", *rows] if rows else []
    text = [f"## {name}", "", inspect.getdoc(task) or "", "", "```text", usage, "```", "", *table]
    return "\n".join(text).rstrip()


def _typed_bare(argument: Argument) -> bool:
    """Whether its value is typed without a flag."""
    return bool(argument.positional) or argument.name == WORDS


def _name(argument: Argument) -> str:
    return str(argument.name).strip("_").replace("_", "-")


def _row(argument: Argument) -> str:
    letters = [f"`-{name}`" for name in argument.names if len(name) == 1]
    switched_off = argument.kind is bool and argument.default is True
    flag = f"{'' if argument.name == WORDS else '--no-' if switched_off else '--'}{_name(argument)}"
    return f"| {', '.join([f'`{flag}`', *letters])} | {_value(argument)} | {cell(argument.help or '')} |"


def _value(argument: Argument) -> str:
    if argument.kind is bool:
        return ""
    kind = "number" if argument.kind is int else "text, repeatable" if argument.kind is list else "text"
    return f"{kind}; default `{argument.default}`" if argument.default not in (None, "", []) else kind
