"""Fuzzers of Terraform's documents: plans, states, events, and the contract."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from longshore.config import contract
from longshore.masking.masks import Masks
from longshore.terraform import gate, identity, plan, plan_diff
from longshore.terraform.cloud.log import Log
from longshore.terraform.cloud.plan_json import from_log
from longshore.terraform.cloud.run import CloudRun
from longshore.terraform.output import Output, pass_on
from tests.fakes.plans import READ, REVISION, SERVICE, container
from tests.fakes.samples import arn, release_output
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.mutation import changed, changed_json

_OUTPUT = {
    "actions": ["update"],
    "before": None,
    "after": release_output(),
    "after_unknown": {"services": {"web": True}},
}
_PLAN = {
    "format_version": "1.2",
    "resource_changes": [REVISION, SERVICE, READ],
    "output_changes": {"release": _OUTPUT},
    "action_invocations": [{"address": "action.x.y", "type": "x", "config_values": {"a": 1}}],
}
_DEFINITIONS = [
    *json.loads(container("v1", PASSWORD="x")),
    {"name": "side", "command": ["--token", "x"], "portMappings": [{"containerPort": 80, "hostPort": 80}],
     "secrets": [{"name": "KEY", "valueFrom": "arn:x"}], "dockerLabels": {"a": "b"}, "mountPoints": []}
]  # fmt: skip
_RESOURCE = {"address": "aws_ecs_task_definition.web", "type": "aws_ecs_task_definition", "mode": "managed"}
_MODULE = {"resources": [_RESOURCE | {"values": {"arn": arn("shop-test-web", 2)}}]}
_STATE = {"values": {"root_module": {"child_modules": [_MODULE], "resources": [_RESOURCE | {"mode": "data"}]}}}
_ACCOUNT, _USER = "111122223333", "arn:aws:iam::111122223333:user/ann"
_IDENTITY = {"address": "data.aws_caller_identity.x", "mode": "data", "type": "aws_caller_identity"}
_IDENTITY_PLAN = {
    "configuration": {
        "provider_config": {"aws": {"name": "aws", "expressions": {"region": {}}}},
        "root_module": {"resources": [_IDENTITY | {"provider_config_key": "aws"}]},
    },
    "prior_state": {
        "values": {"root_module": {"resources": [_IDENTITY | {"values": {"account_id": _ACCOUNT, "arn": _USER}}]}}
    },
}
_EVENTS: list[dict[str, Any]] = [
    {"type": "version", "terraform": "1.12.2", "ui": "1.2"},
    {"type": "planned_change", "@message": "m", "change": {
        "resource": {"addr": "aws_x.y", "resource_type": "aws_x"}, "action": "update", "importing": {"id": "x"}}},
    {"type": "diagnostic", "@message": "Error: m", "diagnostic": {
        "severity": "error", "summary": "s", "detail": "d", "address": "x", "range": {"filename": "main.tf"}}},
    {"type": "change_summary", "@message": "Plan: 1 to add", "changes": {"add": 1, "operation": "plan"}},
    {"type": "outputs", "outputs": {"release": {"sensitive": False, "action": "create", "value": {"a": 1}}}},
]  # fmt: skip
_RUN = CloudRun("run-1", "planned", "m", 0, True, True, True, True, "plan-1", "apply-1")


def _read_plan(document: Any) -> object:
    changes = plan.changes(document)
    shown = [plan_diff.describe(changes), plan.fingerprint(changes), plan.secret_values(changes)]
    outputs = (plan.minimum_capacities(document), plan.changed_outputs(document), plan.unknown_outputs(document))
    gate.check(changes, gate.Allowed())
    return (shown, outputs)


def _definitions(random: Random) -> dict[str, Any]:
    """A plan whose mistakes are in the container definitions, which are JSON in JSON."""
    sides = [changed_json(_DEFINITIONS, random).decode(errors="replace") for _ in range(2)]
    values = [{"family": "shop-web", "container_definitions": side} for side in sides]
    change = {"actions": ["create", "delete"], "before": values[0], "after": values[1]}
    return {"resource_changes": [REVISION | {"change": change}]}


def _lines(random: Random) -> list[str]:
    return [changed_json(event, random).decode(errors="replace") for event in _EVENTS if random.random() < 0.9]


def _read_lines(lines: list[str]) -> object:
    output = Output(1, lines)
    for line in lines:
        pass_on(line, lambda _: None)
    text = (output.explanation(Masks()), output.document(), output.hint, output.provider_overrides())
    changed_ = (output.changed(refresh_only=False), output.changed(refresh_only=True))
    return (text, changed_, output.values())


def _read_log(lines: list[str]) -> object:
    log: Any = Log(None, "plans/plan-1", lines=lines, complete=True)  # type: ignore[arg-type] # it reads nothing more
    return _read_plan(from_log(_RUN, log))


def _read_contract(document: Any) -> object:
    parsed = contract.parse(document, "shop", "test")
    return (parsed.waves(), parsed.task_definitions())


FUZZERS = {
    "plan": Fuzzer(lambda random: changed(_PLAN, random), _read_plan),
    "container-definitions": Fuzzer(_definitions, _read_plan),
    "identity": Fuzzer(lambda random: changed(_IDENTITY_PLAN, random), lambda p: identity.compare(p, _ACCOUNT, _USER)),
    "state": Fuzzer(lambda random: changed(_STATE, random), lambda s: plan.addresses(s, [arn("shop-test-web", 2)])),
    "events": Fuzzer(_lines, _read_lines),
    "cloud-log": Fuzzer(_lines, _read_log),
    "contract": Fuzzer(lambda random: changed(release_output(), random), _read_contract),
}
