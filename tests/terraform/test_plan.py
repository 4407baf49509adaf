from __future__ import annotations

from typing import Any

import pytest

from longshore.errors import PlanError
from longshore.terraform.plan import addresses, unknown_outputs
from tests.fakes.samples import arn


def registered(address: str, family: str, revision: int) -> dict[str, Any]:
    return {
        "address": address,
        "mode": "managed",
        "type": "aws_ecs_task_definition",
        "values": {"arn": arn(family, revision)},
    }


def test_addresses_are_found_by_family_at_any_module_depth() -> None:
    """By family: a partly failed apply has registered revisions that the contract does not name yet."""
    service = {"address": "aws_ecs_service.web", "mode": "managed", "type": "aws_ecs_service", "values": {}}
    read = registered("data.aws_ecs_task_definition.web", "shop-web", 9) | {"mode": "data"}
    inner = {"resources": [registered('module.a["x"].module.b.aws_ecs_task_definition.this', "shop-job", 4)]}
    root = {
        "resources": [registered("aws_ecs_task_definition.web", "shop-web", 3), service, read],
        "child_modules": [{"child_modules": [inner]}],
    }
    state = {"values": {"root_module": root}}
    assert addresses(state, [arn("shop-web", 2), arn("shop-job", 4)]) == [
        "aws_ecs_task_definition.web",
        'module.a["x"].module.b.aws_ecs_task_definition.this',
    ]
    with pytest.raises(PlanError, match=r"the task definition .*shop-gone, which the contract names"):
        addresses(state, [arn("shop-gone", 1)])
    with pytest.raises(PlanError):
        addresses({}, [arn("shop-web", 2)])


@pytest.mark.parametrize("values", [{"arn": None}, {"arn": 5}, {"arn": ["x"]}, {"arn": "\x00"}, {}, None])
def test_values_of_other_resources_may_have_any_form(values: Any) -> None:
    others: list[dict[str, Any]] = [
        {"address": "acme_thing.x", "mode": "managed", "type": "acme_thing", "values": values},
        {"address": "data.aws_ecs_task_definition.x", "mode": "data", "type": "aws_ecs_task_definition"}
        | {"values": values},
    ]
    web = registered("aws_ecs_task_definition.web", "shop-web", 3)
    state = {"values": {"root_module": {"resources": [*others, web]}}}
    assert addresses(state, [arn("shop-web", 2)]) == ["aws_ecs_task_definition.web"]


@pytest.mark.parametrize("values", [{"arn": None}, {}, None])
def test_a_task_definition_without_an_arn_is_not_in_the_state(values: Any) -> None:
    web = registered("aws_ecs_task_definition.web", "shop-web", 3) | {"values": values}
    with pytest.raises(PlanError, match="state does not contain"):
        addresses({"values": {"root_module": {"resources": [web]}}}, [arn("shop-web", 2)])


def test_unknown_values_of_outputs_are_listed() -> None:
    unknown = {"services": {"api": {"name": True}, "web": {}}, "verify": [{}, {"path": True}], "schema": False}
    plan = {"output_changes": {"release": {"after_unknown": unknown}, "other": {"after_unknown": True}}}
    assert unknown_outputs(plan) == ["other", "release.services.api.name", "release.verify.1.path"]
    assert unknown_outputs({}) == []
