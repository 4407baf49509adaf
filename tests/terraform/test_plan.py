from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from longshore.errors import PlanError
from longshore.run.options import order
from longshore.terraform import gate
from longshore.terraform.gate import Allowed, refuse_loss
from longshore.terraform.plan import addresses, changes, unknown_outputs
from longshore.terraform.plan_diff import describe
from tests.fakes.samples import arn


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
    gate.check(found, Allowed())
    assert [change.address for change in found] == ["module.service.aws_ecs_task_definition.this"]


def test_a_change_of_a_service_must_be_allowed() -> None:
    found = changes(shown(REVISION, SERVICE))
    with pytest.raises(PlanError) as caught:
        gate.check(found, Allowed())
    assert caught.value.message == (
        "the plan would change more than task definitions:\n  module.service.aws_ecs_service.this: update"
    )
    assert "--allow-infra" in caught.value.hint
    assert "--allow-destroy" not in caught.value.hint
    gate.check(found, Allowed(["module.service.aws_ecs_service.*"]))
    gate.check(found, Allowed(["aws_ecs_*"]))
    gate.check(found, Allowed(infra=True))


def resource(address: str, *actions: str, **before: object) -> dict[str, Any]:
    kind = address.rpartition("].")[2].split(".")[-2] if "]." in address else address.split(".")[-2]
    return {"address": address, "type": kind, "change": {"actions": list(actions), "before": before, "after": None}}


def test_only_release_suggests_no_flag_for_dependencies_of_task_definitions() -> None:
    for change in (resource("aws_iam_role.execution", "update"), resource("aws_kms_key.logs", "delete")):
        with pytest.raises(PlanError) as caught:
            gate.check(changes(shown(REVISION, change)), order(only_release=True).allowed(()))
        assert "To leave them for later" not in caught.value.hint
        assert "--allow-destroy" not in caught.value.hint
        assert "invoke apply --allow-infra" in caught.value.hint


def test_an_address_with_a_key_matches_only_itself() -> None:
    web = 'module.services["web"].aws_ecs_service.this'
    found = changes(shown(resource(web, "update")))
    gate.check(found, Allowed([web]))
    gate.check(found, Allowed(['module.services["*"].aws_ecs_service.this']))
    for other in ("module.services[w].aws_ecs_service.this", web.replace(".", "_"), web[:-1], ""):
        with pytest.raises(PlanError):
            gate.check(found, Allowed([other]))


@pytest.mark.parametrize(
    "address",
    [
        'module.services["web"].aws_ecs_service.this',
        "module.cluster.aws_ecs_cluster.this",
        "module.registry.aws_ecr_repository.this",
        "aws_dynamodb_table.this",
        "aws_s3_bucket.state",
        "aws_db_instance.this",
        "aws_rds_cluster_instance.this",
        "aws_efs_file_system.this",
        "aws_elasticache_replication_group.this",
        "aws_sqs_queue.this",
        "aws_kms_key.this",
        "aws_secretsmanager_secret.this",
        "aws_ssm_parameter.image_tag",
        "aws_lb.this",
        "aws_alb_target_group.this",
        "aws_cloudwatch_log_group.this",
    ],
)
@pytest.mark.parametrize("actions", [("delete",), ("delete", "create"), ("create", "delete")])
def test_a_stateful_or_running_resource_is_lost_only_by_name(address: str, actions: tuple[str, ...]) -> None:
    found = changes(shown(REVISION, resource(address, *actions)))
    allowed = [Allowed(), Allowed(infra=True), Allowed(["*"]), Allowed(["*"], destroy=["aws_lb.other"], infra=True)]
    for short in allowed:
        with pytest.raises(PlanError, match="destroy or replace stateful or running resources") as caught:
            gate.check(found, short)
        assert f"{address}: {' and '.join(actions)}" in caught.value.message
        assert f"--allow-destroy {shlex.quote(address)}" in caught.value.hint
        assert "aws_ecs_task_definition" not in caught.value.message
        with pytest.raises(PlanError, match="stateful or running"):
            refuse_loss(found, short)
    gate.check(found, Allowed(destroy=[address]))
    refuse_loss(found, Allowed(destroy=[address]))


@pytest.mark.parametrize("actions", [("update",), ("create",)])
def test_an_update_or_creation_is_not_a_loss(actions: tuple[str, ...]) -> None:
    found = changes(shown(resource("aws_dynamodb_table.this", *actions)))
    refuse_loss(found, Allowed())
    gate.check(found, Allowed(infra=True))


def test_a_policy_may_be_replaced_with_allow_infra_or_by_name() -> None:
    found = changes(shown(resource("aws_iam_policy.this", "delete", "create")))
    with pytest.raises(PlanError, match=r"aws_iam_policy\.this: delete and create") as caught:
        gate.check(found, Allowed())
    assert "--allow-infra" in caught.value.hint
    gate.check(found, Allowed(infra=True))
    gate.check(found, Allowed(destroy=["aws_iam_policy.this"]))


def test_the_replacement_of_a_service_is_called_an_outage() -> None:
    found = changes(shown(resource("aws_ecs_service.this", "delete", "create"), resource("aws_iam_role.x", "update")))
    with pytest.raises(PlanError) as caught:
        gate.check(found, Allowed())
    assert caught.value.message == (
        "the plan would change more than task definitions:\n"
        "  aws_iam_role.x: update\n"
        "the plan would destroy or replace stateful or running resources:\n"
        "  aws_ecs_service.this: delete and create (an outage: its tasks stop)"
    )
    assert "--allow-infra" in caught.value.hint
    assert "--allow-destroy aws_ecs_service.this" in caught.value.hint


def test_a_revision_that_would_be_deregistered_is_refused() -> None:
    losing = task_definition(["delete", "create"], container("v1"), container("v2"), skip_destroy=False)
    for short in (Allowed(), Allowed(infra=True)):
        with pytest.raises(PlanError, match="task_definition"):
            gate.check(changes(shown(losing)), short)


def test_a_revision_that_is_only_deleted_is_refused() -> None:
    found = changes(shown(task_definition(["delete"], container("v1"), container("v1"))))
    with pytest.raises(PlanError, match="more than task definitions"):
        gate.check(found, Allowed())
    gate.check(found, Allowed(infra=True))  # it stays ACTIVE: nothing is lost


def test_a_provider_action_must_be_allowed() -> None:
    address, values = "action.aws_lambda_invoke.warm", {"payload": "canary"}
    action = {"address": address, "type": "aws_lambda_invoke", "config_values": values}
    found = changes({**shown(REVISION), "action_invocations": [action]})
    with pytest.raises(PlanError, match=r"task definitions:\n  action\.aws_lambda_invoke\.warm: invoke$"):
        gate.check(found, Allowed())
    gate.check(found, Allowed(["aws_lambda_invoke"]))
    assert not any("canary" in line for line in describe(found))


def test_a_deposed_revision_may_be_removed_from_the_state() -> None:
    left = {**task_definition(["delete"], container("v1"), container("v2")), "deposed": "0a1b2c3d"}
    left["change"]["after"] = None
    gate.check(changes(shown(left, REVISION)), Allowed())
    left["change"]["before"]["skip_destroy"] = False
    with pytest.raises(PlanError, match="stateful or running"):
        gate.check(changes(shown(left, REVISION)), Allowed(infra=True))


def test_the_diff_lists_containers_and_fields_with_secrets_masked() -> None:
    before = container("v1", MODE="a", API_TOKEN="canary-one", URL="redis://u:canary-two@h/0")
    after = container("v2", MODE="b", API_TOKEN="canary-three", URL="redis://u:canary-four@h/0")
    lines = describe(changes(shown(task_definition(["create", "delete"], before, after), SERVICE)))
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
    assert describe(changes(shown(change))) == [
        "shop-web · web · environment MODE: (masked) → (masked)",
        "shop-web · web · image: registry/app:v1 → registry/app:v2",
    ]


def test_moves_and_imports_are_listed_as_changes() -> None:
    moved = {**resource("module.new.aws_ecs_service.this", "no-op"), "previous_address": "aws_ecs_service.web"}
    imported = resource("aws_s3_bucket.logs", "no-op")
    imported["change"]["importing"] = {"id": "logs"}
    found = changes(shown(moved, imported, resource("aws_sqs_queue.jobs", "no-op")))
    said = ["module.new.aws_ecs_service.this: move from aws_ecs_service.web", "aws_s3_bucket.logs: import of logs"]
    assert describe(found) == said
    gate.check(found[:1], Allowed())  # nothing but the state knows of it
    with pytest.raises(PlanError, match=r"definitions:\n  aws_s3_bucket\.logs: import of logs$"):
        gate.check(found, Allowed())
    gate.check(found, Allowed(infra=True))
    gate.check(found, Allowed(["aws_s3_*"]))


def test_new_and_removed_containers_are_listed() -> None:
    two = json.dumps([*json.loads(container("v1")), {"name": "proxy", "image": "p"}])
    came = describe(changes(shown(task_definition(["create", "delete"], container("v1"), two))))
    went = describe(changes(shown(task_definition(["create", "delete"], two, container("v1")))))
    assert came == ["shop-web · proxy: new container"]
    assert went == ["shop-web · proxy: container removed"]


def registered(address: str, family: str, revision: int) -> dict[str, Any]:
    return {
        "address": address,
        "mode": "managed",
        "type": "aws_ecs_task_definition",
        "values": {"arn": arn(family, revision)},
    }


def test_addresses_are_found_by_family_at_any_module_depth() -> None:
    """By the family, for an apply that failed half way has registered some that the contract does not name yet."""
    other = {"address": "aws_ecs_service.web", "mode": "managed", "type": "aws_ecs_service", "values": {}}
    read = registered("data.aws_ecs_task_definition.web", "shop-web", 9) | {"mode": "data"}
    inner = {"resources": [registered('module.a["x"].module.b.aws_ecs_task_definition.this', "shop-job", 4)]}
    root = {
        "resources": [registered("aws_ecs_task_definition.web", "shop-web", 3), other, read],
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


def test_unknown_values_of_outputs_are_listed() -> None:
    unknown = {"services": {"api": {"name": True}, "web": {}}, "verify": [{}, {"path": True}], "schema": False}
    found = {"output_changes": {"release": {"after_unknown": unknown}, "other": {"after_unknown": True}}}
    assert unknown_outputs(found) == ["other", "release.services.api.name", "release.verify.1.path"]
    assert unknown_outputs({}) == []


def test_a_changed_field_is_shown_and_reordered_json_is_not() -> None:
    two = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    before = json.dumps([{"name": "web", "image": "i", "environment": two, "cpu": 0, "mountPoints": []}])
    after = json.dumps([{"image": "i", "name": "web", "environment": two[::-1]}])
    change = task_definition(["create", "delete"], before, after)
    change["change"]["before"] |= {"memory": "128", "network_mode": "bridge", "volume": []}
    change["change"]["after"] |= {"memory": "256", "network_mode": "bridge", "volume": [], "pid_mode": None}
    assert describe(changes(shown(change))) == ["shop-web · memory: 128 → 256"]
    change["change"]["after"]["memory"] = "128"
    assert describe(changes(shown(change))) == ["module.service.aws_ecs_task_definition.this: create and delete"]


def test_containers_known_only_after_the_apply_are_reported() -> None:
    change = task_definition(["create", "delete"], container("v1"), container("v2"))
    del change["change"]["after"]["container_definitions"]
    assert describe(changes(shown(change))) == ["shop-web: containers known after apply"]
