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
from longshore.terraform.documents import parse
from longshore.terraform.plan_document import (
    Containers,
    OutputChange,
    Outputs,
    Release,
    Resource,
    Resources,
    Revision,
    State,
)

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
    def is_task_definition(self) -> bool:
        """Whether its resource is a task definition."""
        return self.type == TASK_DEFINITION

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

    Raises:
        TerraformError: the plan is malformed.
    """
    parts = parse(Resources, plan, "the plan")
    invoked = [
        Change(i.address, i.type, ("invoke",), {}, i.config_values or {}) for i in parts.action_invocations or []
    ]
    changed = [
        Change(
            raw.address,
            raw.type,
            tuple(raw.change.actions),
            raw.change.before or {},
            raw.change.after or {},
            raw.sensitive,
            raw.moved_from,
            raw.imported,
            "deposed" in raw.model_fields_set,
        )
        for raw in parts.resource_changes or []
        if set(raw.change.actions) - {"no-op", "read"} or raw.moved_from or raw.imported
    ]
    for change in changed:
        if change.is_task_definition:
            _ = (containers_of(change, change.before), containers_of(change, change.after))
    return invoked + changed


def containers_of(change: Change, values: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The container definitions among the values of a task definition; None if they are known after the apply only.

    Raises:
        TerraformError: they are not JSON, or not in ECS's form.
    """
    text = values.get("container_definitions")
    if text is None:
        return None
    try:
        definitions = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        definitions = text
    parse(Containers, {"container_definitions": definitions}, change.address)
    return list(definitions)


def changed_outputs(plan: Mapping[str, Any]) -> list[str]:
    """The names of the root's outputs that a plan would change."""
    return [name for name, change in _outputs(plan).items() if set(change.actions) - {"no-op"}]


def _outputs(plan: Mapping[str, Any]) -> Mapping[str, OutputChange]:
    return parse(Outputs, plan, "the plan").output_changes or {}


def minimum_capacities(plan: Mapping[str, Any]) -> dict[str, int]:
    """Autoscaling's minimum in the contract after the apply, by the key of the service; without unknown ones."""
    release = _outputs(plan).get("release")
    after = parse(Release, release.after if release and release.after else {}, "the plan: output_changes.release.after")
    return {key: service.min_capacity for key, service in (after.services or {}).items() if service.min_capacity}


def unknown_outputs(plan: Mapping[str, Any]) -> list[str]:
    """The values of outputs that are unknown until another resource is applied, as paths of keys."""
    return [
        path for name, change in sorted(_outputs(plan).items()) for path in _unknown_paths(name, change.after_unknown)
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
    definitions = [change for change in changes if change.is_task_definition]
    return secrets_of_containers(
        container
        for change in definitions
        for side in (change.before, change.after)
        for container in containers_of(change, side) or []
    )


def addresses(state: Mapping[str, Any], revisions: Sequence[str]) -> list[str]:
    """The addresses in a state of the task definitions that have the families of these revisions (ARNs).

    Raises:
        PlanError: the state does not contain one of them.
        TerraformError: the state is malformed.
    """
    by_family = {
        _family(arn): resource.address
        for resource in _task_definitions(state)
        if (arn := parse(Revision, resource.values or {}, resource.address).arn)
    }
    if missing := sorted({_family(arn) for arn in revisions} - by_family.keys()):
        raise PlanError(
            f"the Terraform state does not contain the task definition {', '.join(missing)}, which the contract names",
            "Release without --only-release, or apply the missing resources first: invoke plan shows them.",
        )
    return sorted({by_family[_family(arn)] for arn in revisions})


def _task_definitions(state: Mapping[str, Any]) -> Iterator[Resource]:
    values = parse(State, state, "the state").values
    modules = [values.root_module] if values else []
    while modules:
        module = modules.pop()
        modules += module.child_modules or []
        yield from (r for r in module.resources or [] if r.type == TASK_DEFINITION and r.mode == "managed")


def _family(arn: str) -> str:
    return arn.rpartition(":")[0]
