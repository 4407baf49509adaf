"""The part of docs/sandbox.md that is made from the table of fields: played, different and refused."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from longshore.sandbox.ecs import fields

CALLS = {
    "RegisterTaskDefinition": fields.TASK_DEFINITION,
    "CreateService and UpdateService": fields.SERVICE,
    "RunTask": fields.RUN_TASK,
}


def table() -> str:
    """The fields of each call, in Markdown."""
    return "\n".join(line for call, entries in CALLS.items() for line in _call(call, entries))


def _call(call: str, entries: fields.Table) -> Iterator[str]:
    yield from (f"### {call}", "")
    names = ", ".join(f"`{entry.path}`" for entry in entries if entry.kind == "played")
    yield from textwrap.wrap(f"Played as on AWS: {names}.", 120, break_long_words=False, break_on_hyphens=False)
    yield from ("", "| different from AWS | how |", "|---|---|")
    yield from _rows(entry for entry in entries if entry.kind == "different")
    yield from ("", "| refused | instead |", "|---|---|")
    yield from _rows(entry for entry in entries if entry.kind == "refused")
    yield ""


def _rows(entries: Iterable[fields.Field]) -> Iterator[str]:
    """A row for each note, with all fields that have it."""
    notes: dict[str, list[str]] = {}
    for entry in entries:
        notes.setdefault(entry.note, []).append(_name(entry))
    for note, names in notes.items():
        yield f"| {', '.join(names)} | {note} |"


def _name(entry: fields.Field) -> str:
    """The name of a field, and of a refused one the values that are accepted."""
    accepted = [str(value) for value in entry.harmless if isinstance(value, str)]
    return f"`{entry.path}`" + (f" other than {', '.join(accepted)}" if accepted else "")
