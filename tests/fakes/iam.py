"""Decides whether IAM would allow a call: the permissions it needs, and the part of IAM's policies that ours use.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: a statement that denies beats
all that allow, and an action that no statement allows is denied. Other elements of a policy are refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Policy = Mapping[str, Any]

_ELEMENTS = {"Sid", "Effect", "Action", "Resource", "Condition"}


@dataclass(frozen=True)
class Permission:
    """A permission that IAM checks for a call.

    Attributes:
        action: such as ``s3:ListBucket``.
        resource: its ARN; None if the request log does not record it.
        context: condition keys with their values.
    """

    action: str
    resource: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)


def allowed(policies: Iterable[Policy], action: str, resource: str | None, context: Mapping[str, str]) -> bool:
    """Whether policies allow an action on a resource.

    Args:
        policies: all policy documents of one identity.
        action: such as ``ecs:UpdateService``.
        resource: its ARN, or ``*`` for an action without resources; None if it is unknown: then resources, and
            conditions on keys that the context lacks, are ignored.
        context: the condition keys of the call, by name.

    Raises:
        ValueError: a policy has an element that this module does not support.
    """
    effects = {
        statement["Effect"]
        for policy in policies
        for statement in _statements(policy)
        if _applies(statement, action, resource, context)
    }
    return effects == {"Allow"}


def _statements(policy: Policy) -> list[dict[str, Any]]:
    statements = _as_list(policy["Statement"])
    for statement in statements:
        if unsupported := set(statement) - _ELEMENTS:
            raise ValueError(f"unsupported element: {', '.join(sorted(unsupported))}")
        if statement["Effect"] not in ("Allow", "Deny"):
            raise ValueError(f"unsupported effect: {statement['Effect']}")
    return statements


def _applies(statement: Mapping[str, Any], action: str, resource: str | None, context: Mapping[str, str]) -> bool:
    # The case of letters counts in ARNs, but not in actions.
    action_matches = any(_like(pattern.lower(), action.lower()) for pattern in _as_list(statement["Action"]))
    resources = _as_list(statement["Resource"])
    resource_matches = resource is None or any(_like(pattern, resource) for pattern in resources)
    conditions = statement.get("Condition", {})
    return action_matches and resource_matches and _all_hold(conditions, context, unknown=resource is None)


def _all_hold(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str], *, unknown: bool) -> bool:
    """Whether all operators and keys hold; one of several values is enough.

    With ``unknown``, a key that the context lacks may have any value.
    """
    actual = {name.lower(): value for name, value in context.items()}
    return all(
        _holds(operator, _as_list(values), actual.get(key.lower()), unknown=unknown)
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _holds(operator: str, values: list[str], actual: str | None, *, unknown: bool) -> bool:
    name = operator.removesuffix("IfExists")
    if name not in _OPERATORS:
        raise ValueError(f"unsupported condition operator: {operator}")
    if actual is None:
        return unknown or operator.endswith("IfExists")
    return any(_OPERATORS[name](value, actual) for value in values)


def _like(pattern: str, text: str) -> bool:
    if "${" in pattern:
        raise ValueError(f"unsupported policy variable: {pattern}")
    parts = {"*": ".*", "?": "."}
    return (
        re.fullmatch("".join(parts.get(letter, re.escape(letter)) for letter in pattern), text, re.DOTALL) is not None
    )


def _like_arn(pattern: str, text: str) -> bool:
    """Compares each of the six parts of an ARN: a wildcard matches a colon in the last part only."""
    patterns, parts = pattern.split(":", 5), text.split(":", 5)
    return len(patterns) == len(parts) == 6 and all(map(_like, patterns, parts))


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, actual: value == actual,
    "StringLike": _like,
    # AWS documents that the two behave the same.
    "ArnEquals": _like_arn,
    "ArnLike": _like_arn,
}


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def required(call: Mapping[str, Any], *, region: str, account: str) -> list[Permission]:
    """The permissions that a call in the sandbox's request log needs; none for GetCallerIdentity.

    Args:
        call: an entry of the log, with ``service``, ``operation`` and ``parameters``.
        region: of the call.
        account: the owner of its resources.

    Raises:
        ValueError: the call is not an operation of AWS.
    """
    service, operation = call["service"], call["operation"]
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]+", operation):
        raise ValueError(f"not an operation of AWS: {service} {operation}")
    actions = _ACTIONS.get((service, operation), [f"{service}:{operation}"])
    parameters = call.get("parameters") or {}
    find_resource = _RESOURCES.get((service, operation), _unknown)
    resource = find_resource(parameters, f"{region}:{account}") if parameters else None
    context = _context(call, region, account)
    permissions = [Permission(action, resource, context) for action in actions]
    return permissions + [
        Permission(action, None, {"iam:PassedToService": passed_to, "ecs:CreateAction": operation})
        for action, passed_to in _FURTHER_ACTIONS.get((service, operation), ())
    ]


_ACTIONS: dict[tuple[str, str], list[str]] = {
    # No policy can deny it.
    ("sts", "GetCallerIdentity"): [],
    ("s3", "HeadObject"): ["s3:GetObject"],
    ("s3", "HeadBucket"): ["s3:ListBucket"],
    ("s3", "ListObjects"): ["s3:ListBucket"],
    ("s3", "ListObjectsV2"): ["s3:ListBucket"],
    ("s3", "ListObjectVersions"): ["s3:ListBucketVersions"],
    ("s3", "ListBuckets"): ["s3:ListAllMyBuckets"],
    ("s3", "CopyObject"): ["s3:GetObject", "s3:PutObject"],
    ("s3", "CreateMultipartUpload"): ["s3:PutObject"],
    ("s3", "UploadPart"): ["s3:PutObject"],
    ("s3", "CompleteMultipartUpload"): ["s3:PutObject"],
    ("s3", "DeleteObjects"): ["s3:DeleteObject"],
    ("s3", "PutBucketEncryption"): ["s3:PutEncryptionConfiguration"],
    ("s3", "GetBucketEncryption"): ["s3:GetEncryptionConfiguration"],
    ("s3", "PutPublicAccessBlock"): ["s3:PutBucketPublicAccessBlock"],
    ("s3", "GetPublicAccessBlock"): ["s3:GetBucketPublicAccessBlock"],
    ("dynamodb", "TransactGetItems"): ["dynamodb:GetItem"],
}
"""The actions of operations whose name is not their action
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html)."""

_FURTHER_ACTIONS: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("ecs", "RegisterTaskDefinition"): (("iam:PassRole", "ecs-tasks.amazonaws.com"), ("ecs:TagResource", "")),
    ("ecs", "RunTask"): (("iam:PassRole", "ecs-tasks.amazonaws.com"),),
    ("events", "PutTargets"): (("iam:PassRole", "events.amazonaws.com"),),
}
"""Further actions of operations, each with the service that a role is passed to; revisions are registered with tags."""

_Find = Callable[[Mapping[str, Any], str], "str | None"]


def _unknown(_: Mapping[str, Any], __: str) -> None:
    return None


def _context(call: Mapping[str, Any], region: str, account: str) -> dict[str, str]:
    parameters = call.get("parameters") or {}
    if call["service"] == "application-autoscaling" and "ServiceNamespace" in parameters:
        return {"application-autoscaling:service-namespace": str(parameters["ServiceNamespace"])}
    cluster = parameters.get("cluster") if call["service"] == "ecs" else None
    return {"ecs:cluster": _cluster_arn(cluster, f"{region}:{account}")} if cluster else {}


def _cluster_arn(name: str, owner: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:ecs:{owner}:cluster/{name}"


_RESOURCES: dict[tuple[str, str], _Find] = {
    ("ecs", "RegisterTaskDefinition"): lambda p, _: "*",
    ("ecs", "UpdateService"): lambda p, owner: (
        f"arn:aws:ecs:{owner}:service/{_name(p['cluster'])}/{_name(p['service'])}"
    ),
    ("ecs", "RunTask"): lambda p, _: str(p["taskDefinition"]),
    ("ecs", "StopServiceDeployment"): lambda p, _: str(p["serviceDeploymentArn"]),
    ("ecs", "ContinueServiceDeployment"): lambda p, _: str(p["serviceDeploymentArn"]),
    ("events", "PutTargets"): lambda p, owner: f"arn:aws:events:{owner}:rule/{p['Rule']}",
    ("events", "EnableRule"): lambda p, owner: f"arn:aws:events:{owner}:rule/{p['Name']}",
    ("events", "DisableRule"): lambda p, owner: f"arn:aws:events:{owner}:rule/{p['Name']}",
    ("ssm", "PutParameter"): lambda p, owner: f"arn:aws:ssm:{owner}:parameter{p['Name']}",
    ("dynamodb", "PutItem"): lambda p, owner: f"arn:aws:dynamodb:{owner}:table/{p['TableName']}",
    ("dynamodb", "UpdateItem"): lambda p, owner: f"arn:aws:dynamodb:{owner}:table/{p['TableName']}",
    ("dynamodb", "DeleteItem"): lambda p, owner: f"arn:aws:dynamodb:{owner}:table/{p['TableName']}",
    ("ecr", "PutImage"): lambda p, owner: f"arn:aws:ecr:{owner}:repository/{p['repositoryName']}",
    ("codebuild", "StartBuild"): lambda p, owner: f"arn:aws:codebuild:{owner}:project/{p['projectName']}",
    ("codebuild", "StopBuild"): lambda p, owner: f"arn:aws:codebuild:{owner}:project/{p['id'].partition(':')[0]}",
}
"""The resource of a call, from its parameters in the request log and from ``region:account``."""


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]
