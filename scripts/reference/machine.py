"""The tables of docs/environment.md, from the entries that tests/environments plays."""

from __future__ import annotations

import tomllib
from typing import Any

from scripts.reference.marks import cell
from scripts.setup.machine import PROJECT

DATA = PROJECT / "tests" / "environments" / "machine.toml"


def tables() -> str:
    """A section with a table for each group."""
    groups = tomllib.loads(DATA.read_text())["groups"]
    return "\n\n".join(f"## {group['title']}\n\n{_table(group['entries'])}" for group in groups)


def _table(entries: list[dict[str, Any]]) -> str:
    rows = [f"| {cell(each['name'])} | {each['treatment']} | {cell(each['why'])} |" for each in entries]
    return "\n".join(["| set on a machine | treatment | why |", "|---|---|---|", *rows])
