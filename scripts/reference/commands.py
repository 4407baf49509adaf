"""The reference of all tasks, from the Invoke collection: usage, help, flags and letters."""

from __future__ import annotations

import copy
import inspect
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from invoke.collection import Collection
from invoke.parser.argument import Argument
from invoke.tasks import Task

from longshore.tasks import namespace
from longshore.tasks.parser import WORDS
from scripts.reference.marks import cell

SHARED = {"app": "-a APP", "env": "-e ENV", "yes": "-y", "json": "-j"}
"""The flags of most tasks: they are explained once, and the usage line shows them."""

_VALUE = re.compile(r"`(\w+)`")
"""The word of a help text that names the value of the flag."""


def commands() -> str:
    """All tasks, the ones without a prefix first, each with its flags."""
    return "\n\n".join(_sections())


def tasks(collection: Collection = namespace, prefix: str = "") -> Iterator[tuple[str, Task[Any]]]:
    """Every task with the name that you type, in the order of the collection."""
    for name, task in collection.tasks.items():
        yield prefix + str(collection.transform(name)), task
    for name, inner in collection.collections.items():
        yield from tasks(inner, f"{prefix}{name}.")


def copies() -> Iterator[tuple[str, Task[Any]]]:
    """Copies of all tasks: Invoke takes each text out of the help of a task when it reads its flags."""
    for name, task in tasks():
        own = copy.copy(task)
        own.help = dict(task.help)
        yield name, own


def _sections() -> Iterator[str]:
    found = {name: task.get_arguments() for name, task in copies()}
    every = [argument for arguments in found.values() for argument in arguments]
    texts = {name: Counter(a.help for a in every if a.name == name).most_common(1)[0][0] for name in SHARED}
    rows = [f"| `{flag}`, `--{name}` | {_meaning(texts[name])} |" for name, flag in SHARED.items()]
    yield "\n".join(["| flag of most tasks | meaning |", "|---|---|", *rows])
    for name, task in tasks():
        yield _section(name, inspect.getdoc(task) or "", found[name])


def _section(name: str, about: str, arguments: Sequence[Argument]) -> str:
    words = [f"[{_name(a).upper()} ...]" if a.name == WORDS else f"<{_name(a)}>" for a in arguments if _typed_bare(a)]
    flags = [f"[{SHARED[a.name]}]" for a in arguments if a.name in SHARED and not a.positional]
    rows = [_row(argument) for argument in arguments if argument.name not in SHARED]
    optional = ["[flags]"] if any(a.name not in SHARED and not _typed_bare(a) for a in arguments) else []
    usage = " ".join(["invoke", name, *words, *flags, *optional])
    table = ["| flag | takes | meaning |", "|---|---|---|", *rows] if rows else []
    text = [f"## {name}", "", about, "", "```text", usage, "```", "", *table]
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
    return f"| {', '.join([f'`{flag}`', *letters])} | {_value(argument)} | {_meaning(argument.help)} |"


def _meaning(text: str | None) -> str:
    return cell(_VALUE.sub(r"\1", text or ""))


def _value(argument: Argument) -> str:
    if argument.kind is bool:
        return ""
    named = _VALUE.search(argument.help or "")
    kind = named[1].upper() if named else "number" if argument.kind is int else "text"
    repeated = ", repeatable" if argument.kind is list else ""
    default = f"; default `{argument.default}`" if argument.default not in (None, "", []) else ""
    return f"{kind}{repeated}{default}"
