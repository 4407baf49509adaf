from __future__ import annotations

import json
from typing import Any

import pytest

from longshore.errors import PlanError
from longshore.plan import changes, difference, gate


def container(version: str, **environment: str) -> str:
    variables = [{"name": name, "value": value} for name, value in sorted(environment.items())]
    return json.dumps([{"name": "web", "image": f"registry/app:{version}", "environment": variables, "cpu": 1}])


def task_definition(actions: list[str], before: str, after: str, *, skip_destroy: bool = True) -> dict[str, Any]:
    return {
        "address": "module.service.aws_ecs_task_definition.this",
        "type": "aws_ecs_task_definition",
        "change": {
            "actions": actions,
            "before": {"family": "shop-web", "container_definitions": before, "skip_destroy": skip_destroy},
            "after": {"family": "shop-web", "container_definitions": after},
        },
    }


def shown(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resource_changes": list(resources)}


REVISION = task_definition(["create", "delete"], container("v1"), container("v2"))
SERVICE = {
    "address": "module.service.aws_ecs_service.this",
    "type": "aws_ecs_service",
    "change": {"actions": ["update"], "before": {}, "after": {}},
}
READ = {"address": "data.aws_region.this", "type": "aws_region", "change": {"actions": ["read"]}}


def test_a_release_may_register_revisions() -> None:
    found = changes(shown(REVISION, READ))
    gate(found, [])
    assert [change.address for change in found] == ["module.service.aws_ecs_task_definition.this"]


def test_a_release_may_not_change_a_service_unless_it_is_allowed() -> None:
    found = changes(shown(REVISION, SERVICE))
    with pytest.raises(PlanError) as caught:
        gate(found, [])
    assert "module.service.aws_ecs_service.this: update" in caught.value.message
    assert "task_definition" not in caught.value.message
    gate(found, ["module.service.aws_ecs_service.*"])
    gate(found, [], allow_infra=True)


def test_a_revision_that_would_be_deregistered_is_refused() -> None:
    losing = task_definition(["delete", "create"], container("v1"), container("v2"), skip_destroy=False)
    with pytest.raises(PlanError, match="task_definition"):
        gate(changes(shown(losing)), [])


def test_a_revision_that_is_only_deleted_is_refused() -> None:
    with pytest.raises(PlanError):
        gate(changes(shown(task_definition(["delete"], container("v1"), container("v1")))), [])


def test_the_difference_is_by_container_and_field_with_secrets_masked() -> None:
    before = container("v1", MODE="a", API_TOKEN="canary-one", URL="redis://u:canary-two@h/0")
    after = container("v2", MODE="b", API_TOKEN="canary-three", URL="redis://u:canary-four@h/0")
    lines = difference(changes(shown(task_definition(["create", "delete"], before, after), SERVICE)))
    assert lines == [
        "shop-web · web · environment API_TOKEN: (masked) → (masked)",
        "shop-web · web · environment MODE: a → b",
        "shop-web · web · environment URL: redis://(masked)@h/0 → redis://(masked)@h/0",
        "shop-web · web · image: registry/app:v1 → registry/app:v2",
        "module.service.aws_ecs_service.this: update",
    ]


def test_containers_that_come_and_go_are_named() -> None:
    two = json.dumps([*json.loads(container("v1")), {"name": "proxy", "image": "p"}])
    came = difference(changes(shown(task_definition(["create", "delete"], container("v1"), two))))
    went = difference(changes(shown(task_definition(["create", "delete"], two, container("v1")))))
    assert came == ["shop-web · proxy: new container"]
    assert went == ["shop-web · proxy: container removed"]
