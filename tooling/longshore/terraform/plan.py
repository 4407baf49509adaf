"""Reads Terraform's JSON representation of plans and states.

Format: https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from longshore.errors import PlanError
from longshore.masking import secrets_of_containers

TASK_DEFINITION = "aws_ecs_task_definition"
_SERVICE = "aws_ecs_service"


@dataclass(frozen=True)
class Change:
    """A change of one resource.

    Attributes:
        address: of the resource.
        type: of the resource.
        actions: Terraform's words, such as ``("delete", "create")``.
        before: the arguments before the change.
        after: the arguments after the change, without those that are known only after the apply.
        sensitive: Terraform treats the container definitions as sensitive, because a variable in them is.
        moved_from: the address in the state until now, if a ``moved`` block changes it.
        imported: the id that an ``import`` block imports the resource by.
        deposed: the object was left by an interrupted create_before_destroy replacement.
    """

    address: str
    type: str
    actions: tuple[str, ...]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    sensitive: bool = False
    moved_from: str = ""
    imported: str = ""
    deposed: bool = False

    @property
    def only_moves(self) -> bool:
        """Whether only the address in the state changes, and nothing outside the state."""
        return set(self.actions) == {"no-op"} and not self.imported

    @property
    def destroys(self) -> bool:
        """Whether an existing object is destroyed, including by a replacement."""
        return "delete" in self.actions

    def matches(self, pattern: str) -> bool:
        """Whether address or type matches; ``*`` stands for any text, and no other character is special."""
        expression = ".*".join(map(re.escape, pattern.split("*")))
        return any(re.fullmatch(expression, text, re.DOTALL) for text in (self.address, self.type))

    def __str__(self) -> str:
        outage = " (an outage: its tasks stop)" if self.type == _SERVICE and self.destroys else ""
        actions = [action for action in self.actions if action != "no-op"]
        actions += [f"import of {self.imported}"] if self.imported else []
        actions += [f"move from {self.moved_from}"] if self.moved_from else []
        return f"{self.address}: {' and '.join(actions)}{outage}"


def changes(plan: Mapping[str, Any]) -> list[Change]:
    """Every change of a managed resource or of its address in the state, and every action that a provider would run.

    Reads of data sources are not changes. Provider actions came with Terraform 1.14; changes of resources trigger them.
    """
    invoked = [
        Change(raw["address"], raw["type"], ("invoke",), {}, raw.get("config_values") or {})
        for raw in plan.get("action_invocations") or []
    ]
    return invoked + [
        Change(
            raw["address"],
            raw["type"],
            tuple(raw["change"]["actions"]),
            raw["change"].get("before") or {},
            raw["change"].get("after") or {},
            any(_has_sensitive_containers(raw["change"].get(side)) for side in ("before_sensitive", "after_sensitive")),
            _moved_from(raw),
            _imported(raw),
            "deposed" in raw,
        )
        for raw in plan.get("resource_changes", [])
        if set(raw["change"]["actions"]) - {"no-op", "read"} or _moved_from(raw) or _imported(raw)
    ]


def _has_sensitive_containers(sensitive: Any) -> bool:
    """By ``before_sensitive`` or ``after_sensitive``: true, or an object with true for each sensitive argument."""
    return sensitive is True or (isinstance(sensitive, dict) and bool(sensitive.get("container_definitions")))


def _moved_from(raw: Mapping[str, Any]) -> str:
    address = str(raw.get("previous_address") or "")
    return address if address != raw["address"] else ""


def _imported(raw: Mapping[str, Any]) -> str:
    importing = raw["change"].get("importing")
    return "" if importing is None else str(importing.get("id") or "an id known after the apply")


def changed_outputs(plan: Mapping[str, Any]) -> list[str]:
    """The names of the root's outputs that a plan would change."""
    outputs = (plan.get("output_changes") or {}).items()
    return [name for name, change in outputs if set(change.get("actions", ())) - {"no-op"}]


def minimum_capacities(plan: Mapping[str, Any]) -> dict[str, int]:
    """Autoscaling's minimum in the contract after the apply, by the key of the service; without unknown ones."""
    release = (plan.get("output_changes") or {}).get("release") or {}
    services = (release.get("after") or {}).get("services") or {}
    return {key: service["min_capacity"] for key, service in services.items() if service.get("min_capacity")}


def unknown_outputs(plan: Mapping[str, Any]) -> list[str]:
    """The values of outputs that are unknown until another resource is applied, as paths of keys."""
    return [
        path
        for name, change in sorted(plan.get("output_changes", {}).items())
        for path in _unknown_paths(name, change.get("after_unknown"))
    ]


def _unknown_paths(path: str, value: Any) -> Iterator[str]:
    if value is True:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield from _unknown_paths(f"{path}.{key}", below)


def fingerprint(changes: Sequence[Change]) -> str:
    """A digest that is the same for two plans only if their changes are identical; it reveals nothing about them."""
    parts = sorted(
        (
            change.address,
            change.type,
            [*change.actions, *filter(None, (change.moved_from, change.imported))],
            _canonical(change.before),
            _canonical(change.after),
        )
        for change in changes
    )
    return f"sha256:{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()}"


def _canonical(values: Mapping[str, Any]) -> str:
    return json.dumps(dict(values), sort_keys=True)


def secret_values(changes: Sequence[Change]) -> set[str]:
    """The secrets in the variables of containers, before and after; they must never be shown."""
    sides = [side for change in changes if change.type == TASK_DEFINITION for side in (change.before, change.after)]
    return secrets_of_containers(
        definition for side in sides for definition in json.loads(side.get("container_definitions") or "[]")
    )


def addresses(state: Mapping[str, Any], revisions: Sequence[str]) -> list[str]:
    """The addresses in a state of the task definitions that have the families of these revisions (ARNs).

    Raises:
        PlanError: the state does not contain one of them.
    """
    by_family = {_family(resource["values"]["arn"]): resource["address"] for resource in _task_definitions(state)}
    if missing := sorted({_family(arn) for arn in revisions} - by_family.keys()):
        raise PlanError(
            f"the Terraform state does not contain the task definition {', '.join(missing)}, which the contract names",
            "Release without --only-release, or apply the missing resources first: invoke plan shows them.",
        )
    return sorted({by_family[_family(arn)] for arn in revisions})


def _task_definitions(state: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    modules = [state.get("values", {}).get("root_module", {})]
    while modules:
        module = modules.pop()
        modules += module.get("child_modules", [])
        yield from (r for r in module.get("resources", []) if r["type"] == TASK_DEFINITION and r["mode"] == "managed")


def _family(arn: str) -> str:
    return arn.rpartition(":")[0]
