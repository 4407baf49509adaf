"""Policies and the lists of their reasons (permissions.toml), both as permissions that can be compared."""

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
    """An entry of permissions.toml; ``<...>`` in its resource and conditions stands for a name."""

    granted: Granted
    why: str
    wildcard: str

    def covers(self, granted: Granted) -> bool:
        """Whether this entry gives the reason for a permission of a policy."""
        listed, rendered = self.granted.conditions, granted.conditions
        return (
            self.granted.action == granted.action
            and _matches(self.granted.resource, granted.resource)
            and [(c[0], c[1], len(c[2])) for c in listed] == [(c[0], c[1], len(c[2])) for c in rendered]
            and all(
                _matches(a, b) for m, o in zip(listed, rendered, strict=True) for a, b in zip(m[2], o[2], strict=True)
            )
        )


def _matches(pattern: str, text: str) -> bool:
    """Whether a text is the pattern with a name for each ``<...>``; a name has no wildcard and no colon."""
    parts = re.split(r"(<[^>]+>)", pattern)
    expression = "".join(r"[A-Za-z0-9._/-]+" if part.startswith("<") else re.escape(part) for part in parts)
    return re.fullmatch(expression, text) is not None


def read(file: Path) -> list[Permission]:
    """The entries of permissions.toml.

    Raises:
        ValueError: an entry has no reason, a wildcard without a reason, or an unknown key.
    """
    entries = tomllib.loads(file.read_text())["permission"]
    for entry in entries:
        keys = set(entry)
        if unknown := keys - {"action", "resource", "why", "wildcard", "condition"}:
            raise ValueError(f"{entry['action']}: unknown keys {sorted(unknown)}")
        if len(entry["why"]) < len("a reason"):
            raise ValueError(f"{entry['action']} on {entry['resource']}: no reason")
        if ("*" in entry["resource"]) != bool(entry.get("wildcard")):
            raise ValueError(
                f"{entry['action']} on {entry['resource']}: wildcard must be set if, and only if, the resource has one"
            )
    return [_permission(entry) for entry in entries]


def _permission(entry: Mapping[str, Any]) -> Permission:
    c = entry.get("condition")
    conditions = ((c["operator"], c["key"], tuple(sorted(c["values"]))),) if c else ()
    return Permission(Granted(entry["action"], entry["resource"], conditions), entry["why"], entry.get("wildcard", ""))


def granted(document: Mapping[str, Any]) -> Iterator[Granted]:
    """The permissions of a policy, one by one.

    Raises:
        ValueError: a statement is not of the form that our modules render, or an action has a wildcard.
    """
    for statement in _as_list(document["Statement"]):
        if statement["Effect"] != "Allow" or set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition"}:
            raise ValueError(f"unexpected statement: {statement}")
        conditions = tuple(
            (operator, key, tuple(sorted(_as_list(values))))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
        for action in _as_list(statement["Action"]):
            if "*" in action or "?" in action:
                raise ValueError(f"{action}: an action must not have a wildcard")
            for resource in _as_list(statement["Resource"]):
                yield Granted(action, resource, conditions)


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
