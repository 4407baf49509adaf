"""What a plan would change: the gate that a release must pass, and the difference that a person reads.

Both work on Terraform's JSON representation of a plan alone, so they are tested without Terraform.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from longshore.difference import containers
from longshore.errors import PlanError
from longshore.masking import secrets_of_containers

_REGISTERS = ({"create"}, {"delete", "create"}, {"update"})


@dataclass(frozen=True)
class Change:
    """A resource that the plan changes."""

    address: str
    type: str
    actions: tuple[str, ...]
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    @property
    def registers(self) -> bool:
        """Whether this only registers a revision, and leaves every earlier one ACTIVE (skip_destroy)."""
        kept = "delete" not in self.actions or self.before.get("skip_destroy") is True
        return self.type == "aws_ecs_task_definition" and set(self.actions) in _REGISTERS and kept

    def __str__(self) -> str:
        return f"{self.address}: {' and '.join(self.actions)}"


def changes(shown: Mapping[str, Any]) -> list[Change]:
    """Every change of a managed resource; reads of data sources are none."""
    return [
        Change(
            raw["address"],
            raw["type"],
            tuple(raw["change"]["actions"]),
            raw["change"].get("before") or {},
            raw["change"].get("after") or {},
        )
        for raw in shown.get("resource_changes", [])
        if set(raw["change"]["actions"]) - {"no-op", "read"}
    ]


def gate(found: Sequence[Change], allow: Sequence[str], *, allow_infra: bool = False) -> None:
    """Lets a release change task definitions only.

    Args:
        found: the plan's changes.
        allow: addresses that may change besides; ``*`` stands for any text.
        allow_infra: let everything through.

    Raises:
        PlanError: lists every other address.
    """
    if allow_infra:
        return
    refused = [c for c in found if not c.registers and not any(fnmatchcase(c.address, glob) for glob in allow)]
    if refused:
        lines = "\n".join(f"  {change}" for change in refused)
        raise PlanError(
            f"the plan would change more than task definitions:\n{lines}",
            "Apply infrastructure changes first (invoke bootstrap), or release with --allow-infra,"
            " or list the addresses under allow_changes.",
        )


def fingerprint(found: Sequence[Change]) -> str:
    """What tells whether two plans would change the same, to the letter; it says nothing of what that is."""
    parts = sorted((c.address, c.type, list(c.actions), _jsonable(c.before), _jsonable(c.after)) for c in found)
    return f"sha256:{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()}"


def _jsonable(values: Mapping[str, Any]) -> str:
    return json.dumps(dict(values), sort_keys=True)


def secret_values(found: Sequence[Change]) -> set[str]:
    """The secrets that stand in the variables of containers, before and after: they are never shown."""
    sides = [
        side for change in found if change.type == "aws_ecs_task_definition" for side in (change.before, change.after)
    ]
    return secrets_of_containers(
        definition for side in sides for definition in json.loads(side.get("container_definitions") or "[]")
    )


def difference(found: Sequence[Change]) -> list[str]:
    """The changes for a person: one line for each service, container and field, secrets masked."""
    lines: list[str] = []
    for change in found:
        if change.type == "aws_ecs_task_definition" and change.before and change.after:
            lines.extend(_revision(change))
        else:
            lines.append(str(change))
    return lines


def _revision(change: Change) -> Iterator[str]:
    family = change.after.get("family", change.address)
    before, after = (change.before.get("container_definitions"), change.after.get("container_definitions"))
    if after is None:
        yield f"{family}: containers known after apply"
    else:
        yield from (f"{family} · {line}" for line in containers(json.loads(before or "[]"), json.loads(after)))
    for field in ("cpu", "memory", "network_mode", "task_role_arn", "execution_role_arn"):
        if field in change.after and change.before.get(field) != change.after[field]:
            yield f"{family} · {field}: {change.before.get(field)} → {change.after[field]}"
