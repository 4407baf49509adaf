"""The mutating calls of a command, one line each, in words that hold for every play of the scenario."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from typing import Any

from tests.scenarios.shop import CLUSTER, TABLE

Call = Mapping[str, Any]
"""A call as the request log shows it."""

RoleOf = Callable[[str, int], str]
"""The role of a family's revision."""

_QUIET = ("", "delay")
"""Faults that a line does not name: what was called has its answer."""


def own_role(number: int) -> str:
    """The role of the n-th revision of a family that a command registers, from 0."""
    return ("new", "again")[number] if number < 2 else f"again {number}"


def normal_form(calls: Iterable[Call], role_of: RoleOf, first: int) -> list[str]:
    """The lines.

    Args:
        calls: those that are mutating, in order.
        role_of: the role of a revision.
        first: the number of the first revision that the command registers, as `own_role` counts.
    """
    registered: Counter[str] = Counter()
    lines = [(_line(call, role_of, registered, first) + _ending(call)) for call in calls]
    return [line for kind, group in groupby(lines, key=_kind) for line in _merged(kind, list(group))]


def _kind(line: str) -> str:
    return line if line.startswith("ledger") else line.partition(" ")[0]


def _merged(kind: str, lines: list[str]) -> list[str]:
    if kind.startswith("ledger"):
        return lines[:1]
    # Terraform registers what stands alone in no order.
    return sorted(lines) if kind == "register" else lines


def _ending(call: Call) -> str:
    fault = call.get("fault") or ""
    if fault not in _QUIET:
        return f" [{fault}]"
    return f" [{call['status']}]" if call["status"] >= 400 and not _expected(call) else ""


def _expected(call: Call) -> bool:
    """A conditional write that is refused is an answer, not an error."""
    return bool(call["service"] == "dynamodb" and call["status"] == 400 and not call.get("fault"))


def _line(call: Call, role_of: RoleOf, registered: Counter[str], first: int) -> str:
    given = call["parameters"]
    match call["operation"]:
        case "RegisterTaskDefinition":
            return _register(call, registered, first)
        case "UpdateService":
            return _update(given, role_of)
        case "CreateService":
            return f"create {revision(given['taskDefinition'], role_of)}"
        case "RunTask":
            return f"run {revision(given['taskDefinition'], role_of)}"
        case "StopServiceDeployment" | "ContinueServiceDeployment":
            key = key_of(given["serviceDeploymentArn"].split("/")[2])
            return f"hook {key} {given['action'].lower()}" if given.get("hookId") else f"stop-deployment {key}"
        case _:
            return _other(call, role_of)


def _register(call: Call, registered: Counter[str], first: int) -> str:
    """A call that registered nothing has the role that the next one may have."""
    family = call["parameters"]["family"]
    role = own_role(first + registered[family])
    registered[family] += call["status"] < 400 or call.get("fault") == "lost"
    return f"register {key_of(family)} {role}"


def _other(call: Call, role_of: RoleOf) -> str:
    match call["operation"]:
        case "PutTargets":
            return f"target {revision(_target(call['parameters']), role_of)}"
        case "EnableRule" | "DisableRule" as operation:
            return f"switch {key_of(call['parameters']['Name'])} {'on' if operation == 'EnableRule' else 'off'}"
        case "RegisterScalableTarget":
            given = call["parameters"]
            return f"minimum {key_of(given['ResourceId'])} {given['MinCapacity']}"
        case "PutParameter":
            return f"tag {call['parameters']['Value']}"
    if call["service"] == "dynamodb" and call["parameters"].get("TableName") == TABLE:
        return "ledger"
    return f"{call['service']}:{call['operation']} {dict(call['parameters'])}"


def _update(given: Mapping[str, Any], role_of: RoleOf) -> str:
    count = given.get("desiredCount")
    moved = revision(given["taskDefinition"], role_of) if given.get("taskDefinition") else key_of(given["service"])
    forced = " forced" if given.get("forceNewDeployment") else ""
    return f"update {moved}{'' if count is None else f' count {count}'}{forced}"


def _target(given: Mapping[str, Any]) -> str:
    target = given["Targets"][0]
    return str(target.get("EcsParameters", target)["TaskDefinitionArn"])


def revision(arn: str, role_of: RoleOf) -> str:
    """Such as ``web new``."""
    family, _, number = arn.rpartition("/")[2].partition(":")
    return f"{key_of(family)} {role_of(family, int(number))}"


def key_of(family: str) -> str:
    """The key of a service, or of what else has a family."""
    return family.rpartition("/")[2].removeprefix(f"{CLUSTER}-")
