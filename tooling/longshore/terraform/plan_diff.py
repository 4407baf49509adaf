"""The changes of a plan as lines of text, with secrets masked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from longshore.terraform.plan import Change, containers_of
from longshore.terraform.task_definition_diff import FIELDS, revisions

_ARGUMENTS = {
    "cpu": "cpu",
    "memory": "memory",
    "networkMode": "network_mode",
    "taskRoleArn": "task_role_arn",
    "executionRoleArn": "execution_role_arn",
    "requiresCompatibilities": "requires_compatibilities",
    "runtimePlatform": "runtime_platform",
    "volumes": "volume",
    "ephemeralStorage": "ephemeral_storage",
    "placementConstraints": "placement_constraints",
    "proxyConfiguration": "proxy_configuration",
    "pidMode": "pid_mode",
    "ipcMode": "ipc_mode",
}
"""The provider's arguments of a task definition, by ECS's names."""


def describe(changes: Sequence[Change]) -> list[str]:
    """One line for each container and field of a task definition that changes, and one for each other resource."""
    lines: list[str] = []
    for change in changes:
        if change.is_task_definition and change.before and change.after:
            fields = list(_fields(change))
            lines.extend(fields)
            lines.extend([str(change)] if not fields or change.moved_from or change.imported else [])
        else:
            lines.append(str(change))
    return lines


def _fields(change: Change) -> Iterator[str]:
    family = change.after.get("family", change.address)
    old, new = _in_ecs_terms(change, change.before), _in_ecs_terms(change, change.after)
    known_fields = tuple(name for name in FIELDS if name in new)
    old["containerDefinitions"] = old["containerDefinitions"] or []
    if new["containerDefinitions"] is None:
        new["containerDefinitions"] = old["containerDefinitions"]
        yield f"{family}: containers known after apply"
    yield from (f"{family} · {line}" for line in revisions(old, new, known_fields, hidden=change.sensitive))


def _in_ecs_terms(change: Change, values: Mapping[str, Any]) -> dict[str, Any]:
    """Terraform's arguments of a task definition by ECS's names, without those that are known only after the apply."""
    fields = {name: values[argument] for name, argument in _ARGUMENTS.items() if argument in values}
    return fields | {"containerDefinitions": containers_of(change, values)}
