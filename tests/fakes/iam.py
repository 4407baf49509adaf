"""Whether IAM would allow a call: the part of its language that our policies use, and what an operation asks for.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: a statement that denies beats
every one that allows, and what nothing allows is denied. Whatever else a policy says is refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Policy = Mapping[str, Any]

_KNOWN = {"Sid", "Effect", "Action", "Resource", "Condition"}


@dataclass(frozen=True)
class Question:
    """What IAM is asked for a call.

    Attributes:
        action: such as ``s3:ListBucket``.
        resource: its ARN; None where the request log does not say which.
        context: condition keys with their values.
    """

    action: str
    resource: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)


def allowed(policies: Iterable[Policy], action: str, resource: str | None, context: Mapping[str, str]) -> bool:
    """Whether policies allow an action on a resource.

    Args:
        policies: documents of one identity, all of which count.
        action: such as ``ecs:UpdateService``.
        resource: its ARN, or ``*`` for an action that knows none. None where it is not known what the call was about:
            then neither resources nor conditions on keys that the context lacks are looked at.
        context: the condition keys that the call has, by name.

    Raises:
        ValueError: a policy says something that is not understood here.
    """
    effects = {
        statement["Effect"]
        for policy in policies
        for statement in _statements(policy)
        if _fits(statement, action, resource, context)
    }
    return effects == {"Allow"}


def _statements(policy: Policy) -> list[dict[str, Any]]:
    statements = _listed(policy["Statement"])
    for statement in statements:
        if strange := set(statement) - _KNOWN:
            raise ValueError(f"not understood here: {', '.join(sorted(strange))}")
        if statement["Effect"] not in ("Allow", "Deny"):
            raise ValueError(f"no effect: {statement['Effect']}")
    return statements


def _fits(statement: Mapping[str, Any], action: str, resource: str | None, context: Mapping[str, str]) -> bool:
    # Actions are compared without case, ARNs with it.
    acts = any(_like(pattern.lower(), action.lower()) for pattern in _listed(statement["Action"]))
    there = resource is None or any(_like(pattern, resource) for pattern in _listed(statement["Resource"]))
    return acts and there and _holds(statement.get("Condition", {}), context, unknown=resource is None)


def _holds(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str], *, unknown: bool) -> bool:
    """Every operator and key must hold; of several values one is enough.

    With ``unknown``, a key that the context lacks may have had any value.
    """
    given = {name.lower(): value for name, value in context.items()}
    return all(
        _meets(operator, _listed(values), given.get(key.lower()), unknown=unknown)
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _meets(operator: str, values: list[str], given: str | None, *, unknown: bool) -> bool:
    name = operator.removesuffix("IfExists")
    if name not in _OPERATORS:
        raise ValueError(f"condition operator not understood here: {operator}")
    if given is None:
        return unknown or operator.endswith("IfExists")
    return any(_OPERATORS[name](value, given) for value in values)


def _like(pattern: str, text: str) -> bool:
    if "${" in pattern:
        raise ValueError(f"policy variables are not understood here: {pattern}")
    parts = {"*": ".*", "?": "."}
    return (
        re.fullmatch("".join(parts.get(letter, re.escape(letter)) for letter in pattern), text, re.DOTALL) is not None
    )


def _like_arn(pattern: str, text: str) -> bool:
    """Each of an ARN's six parts is compared by itself: a wildcard does not go beyond a colon, but in the last part."""
    wanted, given = pattern.split(":", 5), text.split(":", 5)
    return len(wanted) == len(given) == 6 and all(map(_like, wanted, given))


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, given: value == given,
    "StringLike": _like,
    # AWS documents both as the same.
    "ArnEquals": _like_arn,
    "ArnLike": _like_arn,
}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def asked(call: Mapping[str, Any], *, region: str, account: str) -> list[Question]:
    """What IAM is asked for a call of the sandbox's request log; nothing for GetCallerIdentity.

    Args:
        call: an entry, with ``service``, ``operation`` and ``parameters``.
        region: where it was made.
        account: whose resources it is about.

    Raises:
        ValueError: an operation whose name is no action, and that is not known here.
    """
    service, operation = call["service"], call["operation"]
    if not re.fullmatch(r"[A-Z][A-Za-z0-9]+", operation):
        raise ValueError(f"no operation of AWS: {service} {operation}")
    actions = _ACTIONS.get((service, operation), [f"{service}:{operation}"])
    parameters = call.get("parameters") or {}
    find, context = _RESOURCES.get((service, operation), _unknown), _context(call, region, account)
    resource = find(parameters, f"{region}:{account}") if parameters else None
    questions = [Question(action, resource, context) for action in actions]
    return questions + [
        Question(action, None, {"iam:PassedToService": to, "ecs:CreateAction": operation})
        for action, to in _BESIDES.get((service, operation), ())
    ]


_ACTIONS: dict[tuple[str, str], list[str]] = {
    # Nobody can be forbidden to ask who they are.
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
"""The actions of an operation, where they are not its own name
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html)."""

_BESIDES: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("ecs", "RegisterTaskDefinition"): (("iam:PassRole", "ecs-tasks.amazonaws.com"), ("ecs:TagResource", "")),
    ("ecs", "RunTask"): (("iam:PassRole", "ecs-tasks.amazonaws.com"),),
    ("events", "PutTargets"): (("iam:PassRole", "events.amazonaws.com"),),
}
"""What is asked besides, with the service that a role is passed to. Tags go with a revision's registration."""

_Find = Callable[[Mapping[str, Any], str], "str | None"]


def _unknown(_: Mapping[str, Any], __: str) -> None:
    return None


def _context(call: Mapping[str, Any], region: str, account: str) -> dict[str, str]:
    given = call.get("parameters") or {}
    if call["service"] == "application-autoscaling" and "ServiceNamespace" in given:
        return {"application-autoscaling:service-namespace": str(given["ServiceNamespace"])}
    cluster = given.get("cluster") if call["service"] == "ecs" else None
    return {"ecs:cluster": _cluster(cluster, f"{region}:{account}")} if cluster else {}


def _cluster(name: str, place: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:ecs:{place}:cluster/{name}"


_RESOURCES: dict[tuple[str, str], _Find] = {
    ("ecs", "RegisterTaskDefinition"): lambda p, _: "*",
    ("ecs", "UpdateService"): lambda p, place: (
        f"arn:aws:ecs:{place}:service/{_last(p['cluster'])}/{_last(p['service'])}"
    ),
    ("ecs", "RunTask"): lambda p, _: str(p["taskDefinition"]),
    ("ecs", "StopServiceDeployment"): lambda p, _: str(p["serviceDeploymentArn"]),
    ("events", "PutTargets"): lambda p, place: f"arn:aws:events:{place}:rule/{p['Rule']}",
    ("events", "EnableRule"): lambda p, place: f"arn:aws:events:{place}:rule/{p['Name']}",
    ("events", "DisableRule"): lambda p, place: f"arn:aws:events:{place}:rule/{p['Name']}",
    ("ssm", "PutParameter"): lambda p, place: f"arn:aws:ssm:{place}:parameter{p['Name']}",
    ("dynamodb", "PutItem"): lambda p, place: f"arn:aws:dynamodb:{place}:table/{p['TableName']}",
    ("dynamodb", "UpdateItem"): lambda p, place: f"arn:aws:dynamodb:{place}:table/{p['TableName']}",
    ("dynamodb", "DeleteItem"): lambda p, place: f"arn:aws:dynamodb:{place}:table/{p['TableName']}",
    ("ecr", "PutImage"): lambda p, place: f"arn:aws:ecr:{place}:repository/{p['repositoryName']}",
    ("codebuild", "StartBuild"): lambda p, place: f"arn:aws:codebuild:{place}:project/{p['projectName']}",
    ("codebuild", "StopBuild"): lambda p, place: f"arn:aws:codebuild:{place}:project/{p['id'].partition(':')[0]}",
}
"""The resource of a call, by its parameters as the request log keeps them."""


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]
