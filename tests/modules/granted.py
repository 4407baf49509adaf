"""Policies and the lists of their reasons (permissions.toml), each as a set of things that are allowed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Condition = tuple[str, str, tuple[str, ...]]


@dataclass(frozen=True)
class Granted:
    """An action on a resource, under conditions."""

    action: str
    resource: str
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Permission:
    """An entry of a list: names in its resource and conditions stand in angle brackets."""

    granted: Granted
    why: str
    wildcard: str

    def fits(self, given: Granted) -> bool:
        """Whether this entry gives the reason for what a policy allows."""
        mine, others = self.granted.conditions, given.conditions
        return (
            self.granted.action == given.action
            and _named(self.granted.resource, given.resource)
            and [(c[0], c[1], len(c[2])) for c in mine] == [(c[0], c[1], len(c[2])) for c in others]
            and all(_named(a, b) for m, o in zip(mine, others, strict=True) for a, b in zip(m[2], o[2], strict=True))
        )


def _named(pattern: str, text: str) -> bool:
    """Whether a text is the pattern with names in place of ``<...>``; a name has no wildcard and no colon."""
    parts = re.split(r"(<[^>]+>)", pattern)
    expression = "".join(r"[A-Za-z0-9._/-]+" if part.startswith("<") else re.escape(part) for part in parts)
    return re.fullmatch(expression, text) is not None


def read(file: Path) -> list[Permission]:
    """The entries of a list.

    Raises:
        ValueError: an entry without its reason, or with a wildcard or a key that it says nothing about.
    """
    entries = tomllib.loads(file.read_text())["permission"]
    for entry in entries:
        keys = set(entry)
        if strange := keys - {"action", "resource", "why", "wildcard", "condition"}:
            raise ValueError(f"{entry['action']}: unknown keys {sorted(strange)}")
        if len(entry["why"]) < len("a reason"):
            raise ValueError(f"{entry['action']} on {entry['resource']}: no reason")
        if ("*" in entry["resource"]) != bool(entry.get("wildcard")):
            raise ValueError(f"{entry['action']} on {entry['resource']}: wildcard says why there is one, and only then")
    return [_permission(entry) for entry in entries]


def _permission(entry: Mapping[str, Any]) -> Permission:
    c = entry.get("condition")
    conditions = ((c["operator"], c["key"], tuple(sorted(c["values"]))),) if c else ()
    return Permission(Granted(entry["action"], entry["resource"], conditions), entry["why"], entry.get("wildcard", ""))


def granted(document: Mapping[str, Any]) -> Iterator[Granted]:
    """Everything that a policy allows, one by one.

    Raises:
        ValueError: a statement that is none of ours: a denial, or an action with a wildcard.
    """
    for statement in _listed(document["Statement"]):
        if statement["Effect"] != "Allow" or set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition"}:
            raise ValueError(f"not understood: {statement}")
        conditions = tuple(
            (operator, key, tuple(sorted(_listed(values))))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
        for action in _listed(statement["Action"]):
            if "*" in action or "?" in action:
                raise ValueError(f"{action}: an action is named whole")
            for resource in _listed(statement["Resource"]):
                yield Granted(action, resource, conditions)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
