"""Malformed documents of Terraform: one error with the document and the key."""

from __future__ import annotations

from typing import Any

import pytest

from longshore.errors import TerraformError
from longshore.terraform import plan
from longshore.terraform.output import Output
from tests.fakes.plans import REVISION, task_definition


def problem_of(read: Any, document: Any) -> list[str]:
    with pytest.raises(TerraformError) as caught:
        read(document)
    assert caught.value.hint
    return caught.value.message.splitlines()


def test_a_malformed_plan_names_its_keys() -> None:
    form = "the plan is not in the form that Terraform documents:"
    assert problem_of(plan.changes, []) == [form, "  the plan: must be a mapping of keys to values, got a list"]
    assert problem_of(plan.changes, {"resource_changes": [{"address": "a", "change": {"actions": "x"}}]}) == [
        form,
        "  the plan.resource_changes.0.type: is missing",
        "  the plan.resource_changes.0.change.actions: must be a list, got 'x'",
    ]
    many = {"resource_changes": [REVISION | {"type": None}] * 9}
    assert problem_of(plan.changes, many)[-1] == "  and 4 more"
    assert problem_of(plan.changed_outputs, {"output_changes": {"release": 5}}) == [
        form,
        "  the plan.output_changes.release: must be a mapping of keys to values, got 5",
    ]


@pytest.mark.parametrize(
    ("containers", "problem"),
    [
        ("{", "container_definitions: must be a list, got '{'"),
        ("[5]", "container_definitions.0: must be a mapping of keys to values, got 5"),
        ('[{"nam": "web"}]', "container_definitions.0.name: is missing"),
        ('[{"name": "web", "environment": {}}]', "container_definitions.0.environment: must be a list, got a mapping"),
    ],
)
def test_malformed_container_definitions_name_their_resource(containers: str, problem: str) -> None:
    address = "module.service.aws_ecs_task_definition.this"
    change = task_definition(["create", "delete"], "[]", containers)
    assert problem_of(plan.changes, {"resource_changes": [change]}) == [
        f"{address} is not in the form that Terraform documents:",
        f"  {address}.{problem}",
    ]


def test_a_malformed_state_names_its_keys() -> None:
    state: Any = {"values": {"root_module": {"resources": [{"type": "aws_ecs_task_definition", "mode": "managed"}]}}}
    assert problem_of(lambda document: plan.addresses(document, ["x"]), state)[1] == (
        "  the state.values.root_module.resources.0.address: is missing"
    )
    web = {"address": "aws_ecs_task_definition.web", "type": "aws_ecs_task_definition", "mode": "managed"}
    state = {"values": {"root_module": {"resources": [{**web, "values": {"arn": 5}}]}}}
    assert problem_of(lambda document: plan.addresses(document, ["x"]), state)[1] == (
        "  aws_ecs_task_definition.web.arn: must be a string, got 5 (put it in quotes)"
    )


def test_a_line_that_is_no_event_is_shown_as_it_is() -> None:
    lines = ['{"type": []}', '{"diagnostic": 5}', '{"diagnostic": {"severity": "error"}}', "{" + '"a":' * 5000]
    output = Output(1, [*lines, f'{{"a": {"9" * 5000}}}'])
    assert output.changed(refresh_only=False) is None
    assert output.document() == {"type": []}
    assert problem_of(lambda lines: Output(0, lines).values(), ['{"type": "outputs", "outputs": {"a": 5}}'])[1] == (
        "  an event of terraform apply.outputs.a: must be a mapping of keys to values, got 5"
    )
