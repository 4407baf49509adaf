"""The gate between a plan and its apply: it refuses changes and losses that were not allowed.

It judges Terraform's JSON representation of a plan and nothing else, so its tests need no Terraform.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from longshore.errors import PlanError

if TYPE_CHECKING:  # options of tasks are made from `Allowed`, before anything that takes time to import
    from longshore.terraform.plan import Change

_PROTECTED = re.compile(
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
"""Types of resources that hold data or serve traffic: one of them is never lost as a detail of a release."""

_REGISTERS = ({"create"}, {"delete", "create"}, {"update"})


@dataclass(frozen=True)
class Allowed:
    """The changes that a plan may contain besides task definitions.

    Attributes:
        patterns: addresses or types from invoke.yaml; ``*`` matches any text.
        infra: any change, except a loss of protected resources.
        destroy: exact addresses of resources that may be destroyed or replaced.
        only_release: the plan contains only the task definitions and their dependencies, so no flag can allow more.
    """

    patterns: Sequence[str] = ()
    infra: bool = False
    destroy: Collection[str] = ()
    only_release: bool = False

    def names(self, change: Change) -> bool:
        """Whether this change destroys a resource whose address was named."""
        return change.destroys and change.address in self.destroy

    def allows(self, change: Change) -> bool:
        """Whether a flag or a pattern allows this change."""
        return self.infra or self.names(change) or any(map(change.matches, self.patterns))


_ALLOW = (
    "To allow these changes: --allow-infra, or list their addresses or types under allow_changes in invoke.yaml."
    " To leave them for later: --only-release."
)
_DEPENDED_ON = (
    "The task definitions depend on these changes, so --only-release cannot leave them for later."
    " Apply them first: invoke apply --allow-infra. Or release from a commit without them."
)


def check(changes: Sequence[Change], allowed: Allowed) -> None:
    """Lets a release register task definitions, and refuses every other change that is not allowed.

    Raises:
        PlanError: lists each refused address with its actions, and the flags that would allow them.
    """
    lost = _lost(changes, allowed)
    refused = [c for c in changes if not (_registers(c) or c.only_moves or _loses(c) or allowed.allows(c))]
    if not lost and not refused:
        return
    messages, hints = [], []
    if refused:
        messages.append("the plan would change more than task definitions:" + _lines(refused))
        hints.append(_DEPENDED_ON if allowed.only_release else _ALLOW)
    if lost:
        messages.append(_loss_message(lost))
        hints.append(_name_them(lost) if not allowed.only_release else "" if refused else _DEPENDED_ON)
    raise PlanError("\n".join(messages), " ".join(filter(None, hints)))


def refuse_loss(changes: Sequence[Change], allowed: Allowed) -> None:
    """Lets a plan change anything, but destroy no protected resource that was not named.

    Raises:
        PlanError: lists the resources that would be lost, and the flag that names them.
    """
    if lost := _lost(changes, allowed):
        raise PlanError(_loss_message(lost), _name_them(lost))


def _lost(changes: Sequence[Change], allowed: Allowed) -> list[Change]:
    return [change for change in changes if _loses(change) and not allowed.names(change)]


def _loses(change: Change) -> bool:
    """Whether a protected resource is destroyed or replaced; a revision that stays ACTIVE is not lost."""
    stays_active = change.is_task_definition and change.before.get("skip_destroy") is True
    return change.destroys and bool(_PROTECTED.fullmatch(change.type)) and not stays_active


def _registers(change: Change) -> bool:
    """Whether this only registers a revision, or removes one from the state, and leaves all earlier ones ACTIVE."""
    fits = set(change.actions) in _REGISTERS or (change.deposed and set(change.actions) == {"delete"})
    return change.is_task_definition and fits and not _loses(change) and not change.imported


def _loss_message(lost: Sequence[Change]) -> str:
    return "the plan would destroy or replace stateful or running resources:" + _lines(lost)


def _name_them(lost: Sequence[Change]) -> str:
    flags = " ".join(f"--allow-destroy {shlex.quote(change.address)}" for change in lost)
    return f"If this is intended, name each exact address: {flags}"


def _lines(changes: Sequence[Change]) -> str:
    return "".join(f"\n  {change}" for change in changes)
