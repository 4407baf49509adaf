"""What differs between two revisions of a task definition, by container and field, secrets masked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from longshore.masking import MASK, is_secret, without_passwords

Definitions = Sequence[Mapping[str, Any]]
"""Container definitions, as RegisterTaskDefinition takes them."""


def containers(before: Definitions, after: Definitions) -> Iterator[str]:
    """One line for each container and field that differs."""
    yield from _containers(_by_name(before), _by_name(after))


def _containers(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        if name not in after or name not in before:
            yield f"{name}: {'new container' if name in after else 'container removed'}"
            continue
        old, new = _flat(before[name]), _flat(after[name])
        for field in sorted({*old, *new}):
            if old.get(field) != new.get(field):
                yield f"{name} · {field}: {_shown(field, old.get(field))} → {_shown(field, new.get(field))}"


def _flat(container: Mapping[str, Any]) -> dict[str, Any]:
    fields = {key: value for key, value in container.items() if key not in ("environment", "secrets", "name")}
    # What the registry of task definitions fills in by itself differs in form, not in content.
    flat = {key: value for key, value in fields.items() if value not in ([], {}, None, "")}
    flat |= {f"environment {e['name']}": e["value"] for e in container.get("environment") or []}
    return flat | {f"secret {s['name']}": s["valueFrom"] for s in container.get("secrets") or []}


def _shown(field: str, value: Any) -> str:
    if value is None:
        return "(none)"
    if field.startswith("environment ") and is_secret(field.removeprefix("environment ")):
        return MASK
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return without_passwords(text)


def _by_name(definitions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {definition["name"]: definition for definition in definitions}
