"""What a plan would change: the gate that a release must pass, and the difference that a person reads.

Both work on Terraform's JSON representation of a plan alone, so they are tested without Terraform.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from longshore.errors import PlanError
from longshore.masking import secrets_of_containers
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
"""The provider's arguments of a task definition by ECS's names."""

_REGISTERS = ({"create"}, {"delete", "create"}, {"update"})

_SERVICE, _REVISION = "aws_ecs_service", "aws_ecs_task_definition"

_HELD = re.compile(
    r"""aws_(
    ecs_(service|cluster|task_set|task_definition|capacity_provider) | autoscaling_group | instance | lambda_function
    | eks_cluster | ecr(public)?_repository
    | dynamodb_(global_)?table | keyspaces_table | timestreamwrite_table | s3_(directory_)?bucket | backup_vault
    | db_instance | (rds|docdb|neptune)_(global_)?cluster(_instance)? | redshift_cluster | redshiftserverless_namespace
    | efs_(file_system|mount_target|access_point) | fsx_\w+_file_system | ebs_volume
    | elasticache_(cluster|replication_group|serverless_cache) | memorydb_cluster
    | (opensearch|elasticsearch)_domain | opensearchserverless_collection
    | sqs_queue | sns_topic | kinesis_stream | msk_cluster | mq_broker | cloudwatch_event_bus | cloudwatch_log_group
    | kms_(external_|replica_)?key | secretsmanager_secret | ssm_parameter | acm_certificate | cognito_user_pool
    | a?lb | elb | a?lb_(listener|target_group) | api_gateway_rest_api | apigatewayv2_api | cloudfront_distribution
    | route53_zone | service_discovery_(\w+_namespace|service) | vpc | subnet | nat_gateway
    )""",
    re.VERBOSE,
)
"""The types that hold what can't be made again, or that serve: losing one is never a detail of a release."""


@dataclass(frozen=True)
class Change:
    """A resource that the plan changes.

    ``hidden``: Terraform takes its containers for sensitive, because a variable in them is. ``moved_from`` is its
    address in the state so far, where that is another one; ``imported`` what Terraform takes it into the state by.
    ``deposed``: it is what a replacement with create_before_destroy has left, when it was killed.
    """

    address: str
    type: str
    actions: tuple[str, ...]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    hidden: bool = False
    moved_from: str = ""
    imported: str = ""
    deposed: bool = False

    @property
    def registers(self) -> bool:
        """Whether this only registers a revision, or ends its registration, and leaves every earlier one ACTIVE."""
        fits = set(self.actions) in _REGISTERS or (self.deposed and set(self.actions) == {"delete"})
        return self.type == _REVISION and fits and not self.loses and not self.imported

    @property
    def moves(self) -> bool:
        """Whether only its address in the state changes: nothing outside of it does."""
        return set(self.actions) == {"no-op"} and not self.imported

    @property
    def destroys(self) -> bool:
        """Whether something that exists is destroyed, be it to be made anew."""
        return "delete" in self.actions

    @property
    def loses(self) -> bool:
        """Whether something stateful or running is destroyed or replaced; a revision that stays ACTIVE is not."""
        kept = self.type == _REVISION and self.before.get("skip_destroy") is True
        return self.destroys and bool(_HELD.fullmatch(self.type)) and not kept

    def fits(self, pattern: str) -> bool:
        """Whether address or type is the pattern, in which ``*`` stands for any text, and nothing else is special."""
        wanted = ".*".join(map(re.escape, pattern.split("*")))
        return any(re.fullmatch(wanted, text, re.DOTALL) for text in (self.address, self.type))

    def __str__(self) -> str:
        outage = " (an outage: its tasks stop)" if self.type == _SERVICE and self.destroys else ""
        done = [action for action in self.actions if action != "no-op"]
        done += [f"import of {self.imported}"] if self.imported else []
        done += [f"move from {self.moved_from}"] if self.moved_from else []
        return f"{self.address}: {' and '.join(done)}{outage}"


def changes(shown: Mapping[str, Any]) -> list[Change]:
    """Every change of a managed resource, or of where the state has it, and every action that a provider would take.

    Reads of data sources are none. Actions came with Terraform 1.14, and are triggered by changes of resources.
    """
    invoked = [
        Change(raw["address"], raw["type"], ("invoke",), {}, raw.get("config_values") or {})
        for raw in shown.get("action_invocations") or []
    ]
    return invoked + [
        Change(
            raw["address"],
            raw["type"],
            tuple(raw["change"]["actions"]),
            raw["change"].get("before") or {},
            raw["change"].get("after") or {},
            any(_is_hidden(raw["change"].get(side)) for side in ("before_sensitive", "after_sensitive")),
            _moved_from(raw),
            _imported(raw),
            "deposed" in raw,
        )
        for raw in shown.get("resource_changes", [])
        if set(raw["change"]["actions"]) - {"no-op", "read"} or _moved_from(raw) or _imported(raw)
    ]


def _is_hidden(sensitive: Any) -> bool:
    """By the values of ``before_sensitive``: true, or an object that has true for each sensitive argument."""
    return sensitive is True or (isinstance(sensitive, dict) and bool(sensitive.get("container_definitions")))


def _moved_from(raw: Mapping[str, Any]) -> str:
    """By a ``moved`` block (https://developer.hashicorp.com/terraform/internals/json-format)."""
    before = str(raw.get("previous_address") or "")
    return before if before != raw["address"] else ""


def _imported(raw: Mapping[str, Any]) -> str:
    """By an ``import`` block (https://developer.hashicorp.com/terraform/internals/json-format)."""
    found = raw["change"].get("importing")
    return "" if found is None else str(found.get("id") or "what is known after the apply")


def changed_outputs(shown: Mapping[str, Any]) -> list[str]:
    """The names of the root's outputs that a plan would change."""
    changes = (shown.get("output_changes") or {}).items()
    return [name for name, change in changes if set(change.get("actions", ())) - {"no-op"}]


def minimums(shown: Mapping[str, Any]) -> dict[str, int]:
    """What the contract would say of the counts that autoscaling keeps, by the key of the service; what is known."""
    release = (shown.get("output_changes") or {}).get("release") or {}
    services = (release.get("after") or {}).get("services") or {}
    return {key: service["min_capacity"] for key, service in services.items() if service.get("min_capacity")}


@dataclass(frozen=True)
class Allowed:
    """What a plan may change besides task definitions.

    Attributes:
        listed: addresses or types from invoke.yaml; ``*`` stands for any text.
        infra: everything, but for what would be lost.
        destroy: the addresses of what may be destroyed or replaced, each to the letter.
        alone: it is a plan of the task definitions alone, with what they depend on: nothing else can be let through.
    """

    listed: Sequence[str] = ()
    infra: bool = False
    destroy: Collection[str] = ()
    alone: bool = False

    def loss(self, change: Change) -> bool:
        """Whether what this destroys was named."""
        return change.destroys and change.address in self.destroy

    def change(self, change: Change) -> bool:
        """Whether this was allowed, one way or another."""
        return self.infra or self.loss(change) or any(map(change.fits, self.listed))


_LET_THROUGH = (
    "To let it through: --allow-infra, or its addresses or types under allow_changes."
    " To leave it for later: --only-release."
)
_BEFORE = (
    "The task definitions depend on it, so that --only-release can't leave it for later."
    " Apply it first: invoke apply --allow-infra. Or release from a tree without it."
)


def gate(found: Sequence[Change], allowed: Allowed) -> None:
    """Lets a release change task definitions only, and destroy nothing that was not named.

    Raises:
        PlanError: lists every other address with its actions, and the flags that would let it through.
    """
    lost = _lost(found, allowed)
    other = [c for c in found if not (c.registers or c.moves or c.loses or allowed.change(c))]
    if not lost and not other:
        return
    said, hints = [], []
    if other:
        said.append("the plan would change more than task definitions:" + _lines(other))
        hints.append(_BEFORE if allowed.alone else _LET_THROUGH)
    if lost:
        said.append(_would_lose(lost))
        hints.append(_BEFORE if allowed.alone and not other else "" if allowed.alone else _names(lost))
    raise PlanError("\n".join(said), " ".join(filter(None, hints)))


def refuse_loss(found: Sequence[Change], allowed: Allowed) -> None:
    """Lets a plan change anything, but destroy nothing stateful or running that was not named.

    Raises:
        PlanError: lists what would be lost, and the flag that names it.
    """
    if lost := _lost(found, allowed):
        raise PlanError(_would_lose(lost), _names(lost))


def _lost(found: Sequence[Change], allowed: Allowed) -> list[Change]:
    return [change for change in found if change.loses and not allowed.loss(change)]


def _would_lose(lost: Sequence[Change]) -> str:
    return "the plan would destroy or replace what is stateful or running:" + _lines(lost)


def _names(lost: Sequence[Change]) -> str:
    named = " ".join(f"--allow-destroy {shlex.quote(change.address)}" for change in lost)
    return f"If that is meant, name it to the letter: {named}"


def _lines(found: Sequence[Change]) -> str:
    return "".join(f"\n  {change}" for change in found)


def addresses(state: Mapping[str, Any], revisions: Sequence[str]) -> list[str]:
    """Where the families of these revisions (ARNs) stand in Terraform's state, by its JSON representation.

    Raises:
        PlanError: one is not there.
    """
    found = {_family(resource["values"]["arn"]): resource["address"] for resource in _revisions(state)}
    if missing := sorted({_family(arn) for arn in revisions} - found.keys()):
        raise PlanError(
            f"Terraform's state has no task definition {', '.join(missing)}, which the contract names",
            "Release without --only-release, or apply what is missing first: invoke plan",
        )
    return sorted({found[_family(arn)] for arn in revisions})


def _revisions(state: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    modules = [state.get("values", {}).get("root_module", {})]
    while modules:
        module = modules.pop()
        modules += module.get("child_modules", [])
        yield from (r for r in module.get("resources", []) if r["type"] == _REVISION and r["mode"] == "managed")


def _family(arn: str) -> str:
    return arn.rpartition(":")[0]


def unknown_outputs(shown: Mapping[str, Any]) -> list[str]:
    """The values below the outputs that a plan can't tell before something else is applied, as paths of keys."""
    return [
        path
        for name, change in sorted(shown.get("output_changes", {}).items())
        for path in _unknown(name, change.get("after_unknown"))
    ]


def _unknown(path: str, value: Any) -> Iterator[str]:
    if value is True:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield from _unknown(f"{path}.{key}", below)


def fingerprint(found: Sequence[Change]) -> str:
    """What tells whether two plans would change the same, to the letter; it says nothing of what that is."""
    parts = sorted(
        (
            c.address,
            c.type,
            [*c.actions, *filter(None, (c.moved_from, c.imported))],
            _jsonable(c.before),
            _jsonable(c.after),
        )
        for c in found
    )
    return f"sha256:{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()}"


def _jsonable(values: Mapping[str, Any]) -> str:
    return json.dumps(dict(values), sort_keys=True)


def secret_values(found: Sequence[Change]) -> set[str]:
    """The secrets that stand in the variables of containers, before and after: they are never shown."""
    sides = [side for change in found if change.type == _REVISION for side in (change.before, change.after)]
    return secrets_of_containers(
        definition for side in sides for definition in json.loads(side.get("container_definitions") or "[]")
    )


def difference(found: Sequence[Change]) -> list[str]:
    """The changes for a person: one line for each service, container and field, secrets masked."""
    lines: list[str] = []
    for change in found:
        if change.type == _REVISION and change.before and change.after:
            fields = list(_revision(change))
            lines.extend(fields)
            lines.extend([str(change)] if not fields or change.moved_from or change.imported else [])
        else:
            lines.append(str(change))
    return lines


def _revision(change: Change) -> Iterator[str]:
    family = change.after.get("family", change.address)
    old, new = _described(change.before), _described(change.after)
    known = tuple(name for name in FIELDS if name in new)
    if new["containerDefinitions"] is None:
        new["containerDefinitions"] = old["containerDefinitions"]
        yield f"{family}: containers known after apply"
    yield from (f"{family} · {line}" for line in revisions(old, new, known, hidden=change.hidden))


def _described(values: Mapping[str, Any]) -> dict[str, Any]:
    """Terraform's arguments of a task definition in ECS's words; what is known only after the apply is absent."""
    found = {name: values[argument] for name, argument in _ARGUMENTS.items() if argument in values}
    text = values.get("container_definitions")
    return found | {"containerDefinitions": None if text is None else json.loads(text)}
