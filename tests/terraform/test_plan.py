from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from longshore.errors import PlanError
from longshore.run.options import ReleaseOptions
from longshore.terraform.plan import Allowed, addresses, changes, difference, gate, refuse_loss, unknown_outputs
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
    gate(found, Allowed())
    assert [change.address for change in found] == ["module.service.aws_ecs_task_definition.this"]


def test_a_release_may_not_change_a_service_unless_it_is_allowed() -> None:
    found = changes(shown(REVISION, SERVICE))
    with pytest.raises(PlanError) as caught:
        gate(found, Allowed())
    assert caught.value.message == (
        "the plan would change more than task definitions:\n  module.service.aws_ecs_service.this: update"
    )
    assert "--allow-infra" in caught.value.hint
    assert "--allow-destroy" not in caught.value.hint
    gate(found, Allowed(["module.service.aws_ecs_service.*"]))
    gate(found, Allowed(["aws_ecs_*"]))
    gate(found, Allowed(infra=True))


def resource(address: str, *actions: str, **before: object) -> dict[str, Any]:
    kind = address.rpartition("].")[2].split(".")[-2] if "]." in address else address.split(".")[-2]
    return {"address": address, "type": kind, "change": {"actions": list(actions), "before": before, "after": None}}


def test_what_task_definitions_depend_on_is_not_left_for_later_by_the_flag_that_was_given() -> None:
    for change in (resource("aws_iam_role.execution", "update"), resource("aws_kms_key.logs", "delete")):
        with pytest.raises(PlanError) as caught:
            gate(changes(shown(REVISION, change)), ReleaseOptions.of(only_release=True).allowed(()))
        assert "To leave it for later" not in caught.value.hint
        assert "--allow-destroy" not in caught.value.hint
        assert "invoke apply --allow-infra" in caught.value.hint


def test_an_address_with_a_key_is_a_pattern_of_itself_alone() -> None:
    web = 'module.services["web"].aws_ecs_service.this'
    found = changes(shown(resource(web, "update")))
    gate(found, Allowed([web]))
    gate(found, Allowed(['module.services["*"].aws_ecs_service.this']))
    for other in ("module.services[w].aws_ecs_service.this", web.replace(".", "_"), web[:-1], ""):
        with pytest.raises(PlanError):
            gate(found, Allowed([other]))


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
def test_what_is_stateful_or_runs_is_lost_only_by_name(address: str, actions: tuple[str, ...]) -> None:
    found = changes(shown(REVISION, resource(address, *actions)))
    allowed = [Allowed(), Allowed(infra=True), Allowed(["*"]), Allowed(["*"], destroy=["aws_lb.other"], infra=True)]
    for short in allowed:
        with pytest.raises(PlanError, match="destroy or replace what is stateful or running") as caught:
            gate(found, short)
        assert f"{address}: {' and '.join(actions)}" in caught.value.message
        assert f"--allow-destroy {shlex.quote(address)}" in caught.value.hint
        assert "aws_ecs_task_definition" not in caught.value.message
        with pytest.raises(PlanError, match="stateful or running"):
            refuse_loss(found, short)
    gate(found, Allowed(destroy=[address]))
    refuse_loss(found, Allowed(destroy=[address]))


@pytest.mark.parametrize("actions", [("update",), ("create",)])
def test_nothing_is_lost_by_a_change(actions: tuple[str, ...]) -> None:
    found = changes(shown(resource("aws_dynamodb_table.this", *actions)))
    refuse_loss(found, Allowed())
    gate(found, Allowed(infra=True))


def test_a_policy_may_be_replaced_with_the_infrastructure_or_by_name() -> None:
    found = changes(shown(resource("aws_iam_policy.this", "delete", "create")))
    with pytest.raises(PlanError, match=r"aws_iam_policy\.this: delete and create") as caught:
        gate(found, Allowed())
    assert "--allow-infra" in caught.value.hint
    gate(found, Allowed(infra=True))
    gate(found, Allowed(destroy=["aws_iam_policy.this"]))


def test_the_replacement_of_a_service_is_called_an_outage() -> None:
    found = changes(shown(resource("aws_ecs_service.this", "delete", "create"), resource("aws_iam_role.x", "update")))
    with pytest.raises(PlanError) as caught:
        gate(found, Allowed())
    assert caught.value.message == (
        "the plan would change more than task definitions:\n"
        "  aws_iam_role.x: update\n"
        "the plan would destroy or replace what is stateful or running:\n"
        "  aws_ecs_service.this: delete and create (an outage: its tasks stop)"
    )
    assert "--allow-infra" in caught.value.hint
    assert "--allow-destroy aws_ecs_service.this" in caught.value.hint


def test_a_revision_that_would_be_deregistered_is_refused() -> None:
    losing = task_definition(["delete", "create"], container("v1"), container("v2"), skip_destroy=False)
    for short in (Allowed(), Allowed(infra=True)):
        with pytest.raises(PlanError, match="task_definition"):
            gate(changes(shown(losing)), short)


def test_a_revision_that_is_only_deleted_is_refused() -> None:
    found = changes(shown(task_definition(["delete"], container("v1"), container("v1"))))
    with pytest.raises(PlanError, match="more than task definitions"):
        gate(found, Allowed())
    gate(found, Allowed(infra=True))  # it stays ACTIVE: nothing is lost


def test_an_action_of_a_provider_is_more_than_task_definitions() -> None:
    address, values = "action.aws_lambda_invoke.warm", {"payload": "canary"}
    action = {"address": address, "type": "aws_lambda_invoke", "config_values": values}
    found = changes({**shown(REVISION), "action_invocations": [action]})
    with pytest.raises(PlanError, match=r"task definitions:\n  action\.aws_lambda_invoke\.warm: invoke$"):
        gate(found, Allowed())
    gate(found, Allowed(["aws_lambda_invoke"]))
    assert not any("canary" in line for line in difference(found))


def test_a_revision_that_a_killed_apply_has_left_may_leave_the_state() -> None:
    left = {**task_definition(["delete"], container("v1"), container("v2")), "deposed": "0a1b2c3d"}
    left["change"]["after"] = None
    gate(changes(shown(left, REVISION)), Allowed())
    left["change"]["before"]["skip_destroy"] = False
    with pytest.raises(PlanError, match="stateful or running"):
        gate(changes(shown(left, REVISION)), Allowed(infra=True))


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


@pytest.mark.parametrize("side", ["before_sensitive", "after_sensitive"])
def test_what_terraform_takes_for_sensitive_is_shown_by_its_name_alone(side: str) -> None:
    change = task_definition(["create", "delete"], container("v1", MODE="canary-1"), container("v2", MODE="canary-2"))
    change["change"][side] = {"container_definitions": True, "tags": {}}
    assert difference(changes(shown(change))) == [
        "shop-web · web · environment MODE: (masked) → (masked)",
        "shop-web · web · image: registry/app:v1 → registry/app:v2",
    ]


def test_what_only_moves_in_the_state_or_is_imported_is_a_change_that_is_listed() -> None:
    moved = {**resource("module.new.aws_ecs_service.this", "no-op"), "previous_address": "aws_ecs_service.web"}
    imported = resource("aws_s3_bucket.logs", "no-op")
    imported["change"]["importing"] = {"id": "logs"}
    found = changes(shown(moved, imported, resource("aws_sqs_queue.jobs", "no-op")))
    said = ["module.new.aws_ecs_service.this: move from aws_ecs_service.web", "aws_s3_bucket.logs: import of logs"]
    assert difference(found) == said
    gate(found[:1], Allowed())  # nothing but the state knows of it
    with pytest.raises(PlanError, match=r"definitions:\n  aws_s3_bucket\.logs: import of logs$"):
        gate(found, Allowed())
    gate(found, Allowed(infra=True))
    gate(found, Allowed(["aws_s3_*"]))


def test_containers_that_come_and_go_are_named() -> None:
    two = json.dumps([*json.loads(container("v1")), {"name": "proxy", "image": "p"}])
    came = difference(changes(shown(task_definition(["create", "delete"], container("v1"), two))))
    went = difference(changes(shown(task_definition(["create", "delete"], two, container("v1")))))
    assert came == ["shop-web · proxy: new container"]
    assert went == ["shop-web · proxy: container removed"]


def registered(address: str, family: str, revision: int) -> dict[str, Any]:
    return {
        "address": address,
        "mode": "managed",
        "type": "aws_ecs_task_definition",
        "values": {"arn": arn(family, revision)},
    }


def test_addresses_are_found_by_the_family_in_modules_of_any_depth() -> None:
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
    with pytest.raises(PlanError, match=r"no task definition .*shop-gone, which the contract names"):
        addresses(state, [arn("shop-gone", 1)])
    with pytest.raises(PlanError):
        addresses({}, [arn("shop-web", 2)])


def test_what_an_output_can_not_know_yet_is_named() -> None:
    unknown = {"services": {"api": {"name": True}, "web": {}}, "verify": [{}, {"path": True}], "schema": False}
    found = {"output_changes": {"release": {"after_unknown": unknown}, "other": {"after_unknown": True}}}
    assert unknown_outputs(found) == ["other", "release.services.api.name", "release.verify.1.path"]
    assert unknown_outputs({}) == []


def test_a_change_of_the_task_alone_is_shown_and_reordered_json_is_not() -> None:
    two = [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    before = json.dumps([{"name": "web", "image": "i", "environment": two, "cpu": 0, "mountPoints": []}])
    after = json.dumps([{"image": "i", "name": "web", "environment": two[::-1]}])
    change = task_definition(["create", "delete"], before, after)
    change["change"]["before"] |= {"memory": "128", "network_mode": "bridge", "volume": []}
    change["change"]["after"] |= {"memory": "256", "network_mode": "bridge", "volume": [], "pid_mode": None}
    assert difference(changes(shown(change))) == ["shop-web · memory: 128 → 256"]
    change["change"]["after"]["memory"] = "128"
    assert difference(changes(shown(change))) == ["module.service.aws_ecs_task_definition.this: create and delete"]


def test_containers_that_are_known_only_after_the_apply_are_said_to_be() -> None:
    change = task_definition(["create", "delete"], container("v1"), container("v2"))
    del change["change"]["after"]["container_definitions"]
    assert difference(changes(shown(change))) == ["shop-web: containers known after apply"]
