"""The rules of IAM; each case is one that a misreading of its documentation would get wrong."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.iam import Permission, allowed, required

SERVICE = "arn:aws:ecs:eu-central-1:123456789012:service/shop/web"
CLUSTER = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop"


def policy(action: Any, resource: Any, condition: Any = None, effect: str = "Allow") -> dict[str, Any]:
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [{**statement, **({"Condition": condition} if condition else {})}]}


def is_allowed(
    document: Any, action: str = "ecs:UpdateService", resource: str | None = SERVICE, **context: str
) -> bool:
    return allowed([document], action, resource, {key.replace("__", ":"): value for key, value in context.items()})


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("ecs:UpdateService", SERVICE, True),
        ("ECS:updateservice", SERVICE, True),
        ("ecs:Update*", SERVICE, True),
        ("ecs:UpdateServic?", SERVICE, True),
        (["ecs:RunTask", "ecs:UpdateService"], ["arn:other", SERVICE], True),
        ("*", "*", True),
        ("ecs:UpdateService", SERVICE.upper(), False),
        ("ecs:Update", SERVICE, False),
        ("ecs:UpdateServices", SERVICE, False),
        ("ecs:UpdateService?", SERVICE, False),
        ("ecs:[U]pdateService", SERVICE, False),
        ("ecs.UpdateService", SERVICE, False),
        ("s3:*", SERVICE, False),
        ("ecs:UpdateService", SERVICE.removesuffix("b"), False),
        ("ecs:UpdateService", SERVICE + "2", False),
        ("ecs:UpdateService", "arn:aws:ecs:*:123456789012:service/*", True),
        ("ecs:UpdateService", "arn:aws:ecs:eu-central-1:123456789012:service/shop/w?b", True),
        ("ecs:UpdateService", "arn:aws:ecs:eu-central-1:123456789012:service/shop/we", False),
        ("ecs:UpdateService", [], False),
    ],
)
def test_the_case_of_letters_counts_in_resources_but_not_in_actions(action: Any, resource: Any, expected: bool) -> None:  # noqa: FBT001
    assert is_allowed(policy(action, resource)) is expected


def test_a_star_in_the_resource_of_a_call_is_not_a_wildcard() -> None:
    assert not is_allowed(policy("ecs:UpdateService", SERVICE), resource="*")


def test_a_denial_beats_a_permission_in_any_order_and_policy() -> None:
    allows, denies = policy("ecs:*", "*"), policy("ecs:UpdateService", SERVICE, effect="Deny")
    assert not allowed([denies, allows], "ecs:UpdateService", SERVICE, {})
    assert not allowed([allows, denies], "ecs:UpdateService", SERVICE, {})
    assert allowed([denies, allows], "ecs:RunTask", SERVICE, {})
    assert not allowed([denies], "ecs:RunTask", SERVICE, {})
    assert not allowed([], "ecs:RunTask", SERVICE, {})


def test_a_denial_applies_only_if_its_condition_holds() -> None:
    denies = policy("*", "*", {"StringEquals": {"aws:SecureTransport": "false"}}, effect="Deny")
    assert allowed([policy("*", "*"), denies], "ecs:RunTask", SERVICE, {"aws:SecureTransport": "true"})
    assert not allowed([policy("*", "*"), denies], "ecs:RunTask", SERVICE, {"aws:SecureTransport": "false"})


@pytest.mark.parametrize(
    ("condition", "context", "expected"),
    [
        ({"StringEquals": {"a:b": "x"}}, {"a:b": "x"}, True),
        ({"StringEquals": {"A:b": "x"}}, {"a:B": "x"}, True),
        ({"StringEquals": {"a:b": "x"}}, {"a:b": "X"}, False),
        ({"StringEquals": {"a:b": "x*"}}, {"a:b": "xy"}, False),
        ({"StringEquals": {"a:b": "x"}}, {}, False),
        ({"StringEqualsIfExists": {"a:b": "x"}}, {}, True),
        ({"StringEqualsIfExists": {"a:b": "x"}}, {"a:b": "y"}, False),
        ({"StringLike": {"a:b": "x*"}}, {"a:b": "xy"}, True),
        ({"StringLike": {"a:b": "x*"}}, {"a:b": "yx"}, False),
        ({"StringEquals": {"a:b": ["x", "y"]}}, {"a:b": "y"}, True),
        ({"StringEquals": {"a:b": "x", "a:c": "y"}}, {"a:b": "x"}, False),
        ({"StringEquals": {"a:b": "x"}, "StringLike": {"a:c": "y"}}, {"a:b": "x", "a:c": "z"}, False),
        ({"ArnEquals": {"ecs:cluster": CLUSTER}}, {"ecs:cluster": CLUSTER}, True),
        ({"ArnEquals": {"ecs:cluster": CLUSTER}}, {"ecs:cluster": CLUSTER + "2"}, False),
        ({"ArnEquals": {"ecs:cluster": CLUSTER}}, {"ecs:cluster": "shop"}, False),
        ({"ArnLike": {"ecs:cluster": "arn:aws:ecs:*:123456789012:cluster/*"}}, {"ecs:cluster": CLUSTER}, True),
        ({"ArnLike": {"ecs:cluster": "arn:aws:*:cluster/shop"}}, {"ecs:cluster": CLUSTER}, False),
    ],
)
def test_conditions(condition: Any, context: dict[str, str], expected: bool) -> None:  # noqa: FBT001
    assert allowed([policy("ecs:*", "*", condition)], "ecs:RunTask", "*", context) is expected


def test_without_a_resource_only_the_known_condition_keys_count() -> None:
    document = policy("iam:PassRole", "arn:role", {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}})
    assert is_allowed(document, "iam:PassRole", None, iam__PassedToService="ecs-tasks.amazonaws.com")
    assert not is_allowed(document, "iam:PassRole", None, iam__PassedToService="lambda.amazonaws.com")
    assert is_allowed(document, "iam:PassRole", None)
    assert not is_allowed(document, "iam:PassRole", "arn:role")
    assert not is_allowed(document, "iam:CreateRole", None)


@pytest.mark.parametrize(
    "document",
    [
        policy("*", "*", {"ForAllValues:StringEquals": {"a:b": "x"}}),
        policy("*", "*", {"Null": {"a:b": "true"}}),
        policy("*", "arn:aws:s3:::${aws:username}"),
        policy("*", "*", effect="Permit"),
        {"Statement": {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}},
        {"Statement": {"Effect": "Allow", "Action": "s3:*", "NotResource": "*"}},
    ],
)
def test_unsupported_elements_of_a_policy_are_refused(document: Any) -> None:
    with pytest.raises(ValueError, match="unsupported"):
        is_allowed(document)


def permissions(service: str, operation: str, /, **parameters: Any) -> list[Permission]:
    call = {"service": service, "operation": operation, "parameters": parameters}
    return required(call, region="eu-central-1", account="123456789012")


@pytest.mark.parametrize(
    ("service", "operation", "actions"),
    [
        ("sts", "GetCallerIdentity", []),
        ("s3", "GetObject", ["s3:GetObject"]),
        ("s3", "HeadObject", ["s3:GetObject"]),
        ("s3", "ListObjectsV2", ["s3:ListBucket"]),
        ("s3", "HeadBucket", ["s3:ListBucket"]),
        ("s3", "PutObject", ["s3:PutObject"]),
        ("s3", "CopyObject", ["s3:GetObject", "s3:PutObject"]),
        ("s3", "PutBucketEncryption", ["s3:PutEncryptionConfiguration"]),
        ("ecr", "BatchGetImage", ["ecr:BatchGetImage"]),
        ("logs", "GetLogEvents", ["logs:GetLogEvents"]),
        ("ecs", "RegisterTaskDefinition", ["ecs:RegisterTaskDefinition", "iam:PassRole", "ecs:TagResource"]),
    ],
)
def test_the_actions_of_an_operation(service: str, operation: str, actions: list[str]) -> None:
    assert [permission.action for permission in permissions(service, operation)] == actions


OWNER = "eu-central-1:123456789012"


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "resource", "context"),
    [
        ("ecs", "UpdateService", {"cluster": "shop", "service": "web"}, SERVICE, {"ecs:cluster": CLUSTER}),
        ("ecs", "UpdateService", {"cluster": CLUSTER, "service": SERVICE}, SERVICE, {"ecs:cluster": CLUSTER}),
        ("ecs", "RunTask", {"cluster": "shop", "taskDefinition": "arn:1"}, "arn:1", {"ecs:cluster": CLUSTER}),
        ("ecs", "RegisterTaskDefinition", {"family": "web"}, "*", {}),
        ("ssm", "PutParameter", {"Name": "/a/b"}, f"arn:aws:ssm:{OWNER}:parameter/a/b", {}),
        ("dynamodb", "PutItem", {"TableName": "shop"}, f"arn:aws:dynamodb:{OWNER}:table/shop", {}),
        ("codebuild", "StopBuild", {"id": "shop-build:1"}, f"arn:aws:codebuild:{OWNER}:project/shop-build", {}),
        ("events", "PutTargets", {"Rule": "nightly"}, f"arn:aws:events:{OWNER}:rule/nightly", {}),
        ("ecs", "DescribeServices", {}, None, {}),
    ],
)
def test_the_resource_of_a_call(
    service: str, operation: str, parameters: dict[str, str], resource: str | None, context: dict[str, str]
) -> None:
    assert permissions(service, operation, **parameters)[0] == Permission(f"{service}:{operation}", resource, context)


def test_a_role_is_passed_to_the_service_that_assumes_it() -> None:
    assert permissions("events", "PutTargets")[1].context["iam:PassedToService"] == "events.amazonaws.com"
    assert permissions("ecs", "RunTask")[1].context["iam:PassedToService"] == "ecs-tasks.amazonaws.com"


def test_a_request_that_is_not_an_operation_is_refused() -> None:
    with pytest.raises(ValueError, match="GET /what"):
        permissions("s3", "GET /what")
