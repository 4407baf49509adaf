from __future__ import annotations

import json

import pytest

from longshore.terraform.plan_diff import describe
from tests.fakes.plans import SERVICE, changes_of, container, task_definition


def test_the_diff_lists_containers_and_fields_with_secrets_masked() -> None:
    before = container("v1", MODE="a", API_TOKEN="canary-one", URL="redis://u:canary-two@h/0")
    after = container("v2", MODE="b", API_TOKEN="canary-three", URL="redis://u:canary-four@h/0")
    lines = describe(changes_of(task_definition(["create", "delete"], before, after), SERVICE))
    assert lines == [
        "shop-web · web · environment API_TOKEN: (masked) → (masked)",
        "shop-web · web · environment MODE: a → b",
        "shop-web · web · environment URL: redis://(masked)@h/0 → redis://(masked)@h/0",
        "shop-web · web · image: registry/app:v1 → registry/app:v2",
        "module.service.aws_ecs_service.this: update",
    ]


@pytest.mark.parametrize("side", ["before_sensitive", "after_sensitive"])
def test_only_the_names_of_sensitive_variables_are_shown(side: str) -> None:
    change = task_definition(["create", "delete"], container("v1", MODE="canary-1"), container("v2", MODE="canary-2"))
    change["change"][side] = {"container_definitions": True, "tags": {}}
    assert describe(changes_of(change)) == [
        "shop-web · web · environment MODE: (masked) → (masked)",
        "shop-web · web · image: registry/app:v1 → registry/app:v2",
    ]


def test_new_and_removed_containers_are_listed() -> None:
    two = json.dumps([*json.loads(container("v1")), {"name": "proxy", "image": "p"}])
    added = describe(changes_of(task_definition(["create", "delete"], container("v1"), two)))
    removed = describe(changes_of(task_definition(["create", "delete"], two, container("v1"))))
    assert added == ["shop-web · proxy: new container"]
    assert removed == ["shop-web · proxy: container removed"]


def test_a_changed_field_is_shown_and_reordered_json_is_not() -> None:
    two = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    before = json.dumps([{"name": "web", "image": "i", "environment": two, "cpu": 0, "mountPoints": []}])
    after = json.dumps([{"image": "i", "name": "web", "environment": two[::-1]}])
    change = task_definition(["create", "delete"], before, after)
    change["change"]["before"] |= {"memory": "128", "network_mode": "bridge", "volume": []}
    change["change"]["after"] |= {"memory": "256", "network_mode": "bridge", "volume": [], "pid_mode": None}
    assert describe(changes_of(change)) == ["shop-web · memory: 128 → 256"]
    change["change"]["after"]["memory"] = "128"
    assert describe(changes_of(change)) == ["module.service.aws_ecs_task_definition.this: create and delete"]


def test_containers_known_only_after_the_apply_are_reported() -> None:
    change = task_definition(["create", "delete"], container("v1"), container("v2"))
    del change["change"]["after"]["container_definitions"]
    assert describe(changes_of(change)) == ["shop-web: containers known after apply"]
