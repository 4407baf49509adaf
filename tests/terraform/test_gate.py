from __future__ import annotations

import shlex

import pytest

from longshore.errors import PlanError
from longshore.run.options import ReleaseOptions
from longshore.terraform import gate
from longshore.terraform.gate import Allowed, refuse_loss
from longshore.terraform.plan import changes
from longshore.terraform.plan_diff import describe
from tests.fakes.plans import READ, REVISION, SERVICE, changes_of, container, resource, task_definition


def test_a_release_may_register_revisions() -> None:
    plan_changes = changes_of(REVISION, READ)
    gate.check(plan_changes, Allowed())
    assert [change.address for change in plan_changes] == ["module.service.aws_ecs_task_definition.this"]


def test_a_change_of_a_service_must_be_allowed() -> None:
    plan_changes = changes_of(REVISION, SERVICE)
    with pytest.raises(PlanError) as caught:
        gate.check(plan_changes, Allowed())
    assert caught.value.message == (
        "the plan would change more than task definitions:\n  module.service.aws_ecs_service.this: update"
    )
    assert "--allow-infra" in caught.value.hint
    assert "--allow-destroy" not in caught.value.hint
    gate.check(plan_changes, Allowed(["module.service.aws_ecs_service.*"]))
    gate.check(plan_changes, Allowed(["aws_ecs_*"]))
    gate.check(plan_changes, Allowed(infra=True))


def test_only_release_suggests_no_flag_for_dependencies_of_task_definitions() -> None:
    for change in (resource("aws_iam_role.execution", "update"), resource("aws_kms_key.logs", "delete")):
        with pytest.raises(PlanError) as caught:
            gate.check(changes_of(REVISION, change), ReleaseOptions.of(only_release=True).allowed(()))
        assert "To leave them for later" not in caught.value.hint
        assert "--allow-destroy" not in caught.value.hint
        assert "invoke apply --allow-infra" in caught.value.hint


def test_an_address_with_a_key_matches_only_itself() -> None:
    web = 'module.services["web"].aws_ecs_service.this'
    plan_changes = changes_of(resource(web, "update"))
    gate.check(plan_changes, Allowed([web]))
    gate.check(plan_changes, Allowed(['module.services["*"].aws_ecs_service.this']))
    for pattern in ("module.services[w].aws_ecs_service.this", web.replace(".", "_"), web[:-1], ""):
        with pytest.raises(PlanError):
            gate.check(plan_changes, Allowed([pattern]))


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
    plan_changes = changes_of(REVISION, resource(address, *actions))
    allowed = [Allowed(), Allowed(infra=True), Allowed(["*"]), Allowed(["*"], destroy=["aws_lb.other"], infra=True)]
    for too_little in allowed:
        with pytest.raises(PlanError, match="destroy or replace stateful or running resources") as caught:
            gate.check(plan_changes, too_little)
        assert f"{address}: {' and '.join(actions)}" in caught.value.message
        assert f"--allow-destroy {shlex.quote(address)}" in caught.value.hint
        assert "aws_ecs_task_definition" not in caught.value.message
        with pytest.raises(PlanError, match="stateful or running"):
            refuse_loss(plan_changes, too_little)
    gate.check(plan_changes, Allowed(destroy=[address]))
    refuse_loss(plan_changes, Allowed(destroy=[address]))


@pytest.mark.parametrize("actions", [("update",), ("create",)])
def test_an_update_or_creation_is_not_a_loss(actions: tuple[str, ...]) -> None:
    plan_changes = changes_of(resource("aws_dynamodb_table.this", *actions))
    refuse_loss(plan_changes, Allowed())
    gate.check(plan_changes, Allowed(infra=True))


def test_a_policy_may_be_replaced_with_allow_infra_or_by_name() -> None:
    plan_changes = changes_of(resource("aws_iam_policy.this", "delete", "create"))
    with pytest.raises(PlanError, match=r"aws_iam_policy\.this: delete and create") as caught:
        gate.check(plan_changes, Allowed())
    assert "--allow-infra" in caught.value.hint
    gate.check(plan_changes, Allowed(infra=True))
    gate.check(plan_changes, Allowed(destroy=["aws_iam_policy.this"]))


def test_the_replacement_of_a_service_is_called_an_outage() -> None:
    plan_changes = changes_of(
        resource("aws_ecs_service.this", "delete", "create"), resource("aws_iam_role.x", "update")
    )
    with pytest.raises(PlanError) as caught:
        gate.check(plan_changes, Allowed())
    assert caught.value.message == (
        "the plan would change more than task definitions:\n"
        "  aws_iam_role.x: update\n"
        "the plan would destroy or replace stateful or running resources:\n"
        "  aws_ecs_service.this: delete and create (an outage: its tasks stop)"
    )
    assert "--allow-infra" in caught.value.hint
    assert "--allow-destroy aws_ecs_service.this" in caught.value.hint


def test_a_revision_that_would_be_deregistered_is_refused() -> None:
    deregistered = task_definition(["delete", "create"], container("v1"), container("v2"), skip_destroy=False)
    for too_little in (Allowed(), Allowed(infra=True)):
        with pytest.raises(PlanError, match="task_definition"):
            gate.check(changes_of(deregistered), too_little)


def test_a_revision_that_is_only_deleted_is_refused() -> None:
    plan_changes = changes_of(task_definition(["delete"], container("v1"), container("v1")))
    with pytest.raises(PlanError, match="more than task definitions"):
        gate.check(plan_changes, Allowed())
    gate.check(plan_changes, Allowed(infra=True))  # it stays ACTIVE: nothing is lost


def test_a_provider_action_must_be_allowed() -> None:
    address, values = "action.aws_lambda_invoke.warm", {"payload": "canary"}
    action = {"address": address, "type": "aws_lambda_invoke", "config_values": values}
    plan_changes = changes({"resource_changes": [REVISION], "action_invocations": [action]})
    with pytest.raises(PlanError, match=r"task definitions:\n  action\.aws_lambda_invoke\.warm: invoke$"):
        gate.check(plan_changes, Allowed())
    gate.check(plan_changes, Allowed(["aws_lambda_invoke"]))
    assert not any("canary" in line for line in describe(plan_changes))


def test_a_deposed_revision_may_be_removed_from_the_state() -> None:
    left = {**task_definition(["delete"], container("v1"), container("v2")), "deposed": "0a1b2c3d"}
    left["change"]["after"] = None
    gate.check(changes_of(left, REVISION), Allowed())
    left["change"]["before"]["skip_destroy"] = False
    with pytest.raises(PlanError, match="stateful or running"):
        gate.check(changes_of(left, REVISION), Allowed(infra=True))


def test_moves_and_imports_are_listed_as_changes() -> None:
    moved = {**resource("module.new.aws_ecs_service.this", "no-op"), "previous_address": "aws_ecs_service.web"}
    imported = resource("aws_s3_bucket.logs", "no-op")
    imported["change"]["importing"] = {"id": "logs"}
    plan_changes = changes_of(moved, imported, resource("aws_sqs_queue.jobs", "no-op"))
    lines = ["module.new.aws_ecs_service.this: move from aws_ecs_service.web", "aws_s3_bucket.logs: import of logs"]
    assert describe(plan_changes) == lines
    gate.check(plan_changes[:1], Allowed())  # it changes only the state
    with pytest.raises(PlanError, match=r"definitions:\n  aws_s3_bucket\.logs: import of logs$"):
        gate.check(plan_changes, Allowed())
    gate.check(plan_changes, Allowed(infra=True))
    gate.check(plan_changes, Allowed(["aws_s3_*"]))
