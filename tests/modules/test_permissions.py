"""The policies of builds and releasers, as Terraform renders them, compared with their lists of reasons."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.fakes.iam import allowed
from tests.modules import granted
from tests.modules.granted import Granted, Permission
from tests.modules.plans import REGION, Root
from tests.paths import ROOT

MODULES = ROOT / "terraform" / "modules"
ACCOUNT = "123456789012"
CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/storefront-sandbox"
LIMIT = 6144
GITHUB = "token.actions.githubusercontent.com"

pytestmark = [pytest.mark.terraform, pytest.mark.long]  # make check-security runs them, and CI with it


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        session = boto3.Session("test", "test", region_name=REGION)
        session.client("secretsmanager", endpoint_url=endpoint).create_secret(
            Name="storefront-npm", SecretString="none"
        )
        session.client("iam", endpoint_url=endpoint).create_open_id_connect_provider(Url=f"https://{GITHUB}")
        yield Root.copied("tests/modules/permissions", tmp_path_factory.mktemp("permissions"), endpoint)
    finally:
        server.stop()


@pytest.fixture(scope="module")
def planned(root: Root) -> list[dict[str, Any]]:
    return root.plan()


def documents(planned: list[dict[str, Any]], module: str, kind: str, name: str = "policy") -> list[dict[str, Any]]:
    resources = [r for r in planned if r["type"] == kind and re.match(rf"module\.{module}[.\[]", r["address"])]
    return [json.loads(resource["values"][name]) for resource in resources]


def of_module(planned: list[dict[str, Any]], module: str) -> list[dict[str, Any]]:
    if module == "build":
        return documents(planned, r"build(_with_secrets)?", "aws_iam_role_policy")
    return documents(planned, r"(minimal_)?releaser\w*", "aws_iam_policy")


@pytest.fixture(scope="module")
def releaser(planned: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return documents(planned, "releaser", "aws_iam_policy")


@pytest.mark.parametrize(("module", "policies"), [("build", 6), ("releaser", 6)])
def test_every_permission_is_listed_and_every_listed_permission_is_rendered(
    planned: list[dict[str, Any]], module: str, policies: int
) -> None:
    rendered = of_module(planned, module)
    assert len(rendered) == policies
    permissions = {permission for document in rendered for permission in granted.granted(document)}
    listed = granted.read(MODULES / module / "permissions.toml")
    assert [permission for permission in permissions if not any(entry.covers(permission) for entry in listed)] == []
    assert [entry.granted for entry in listed if not any(entry.covers(permission) for permission in permissions)] == []


def test_every_permission_is_listed_once() -> None:
    for module in ("build", "releaser"):
        listed = [entry.granted for entry in granted.read(MODULES / module / "permissions.toml")]
        assert len(set(listed)) == len(listed)


REPOSITORY = Permission(Granted("ecr:PutImage", "arn:aws:ecr:<region>:<account>:repository/<repository>"), "pushes", "")


@pytest.mark.parametrize(
    ("permission", "covered"),
    [
        (Granted("ecr:PutImage", "arn:aws:ecr:r:1:repository/a/b"), True),
        (Granted("ecr:PutImage", "arn:aws:ecr:r:1:repository/*"), False),
        (Granted("ecr:PutImage", "arn:aws:ecr:*:1:repository/a"), False),
        (Granted("ecr:PutImage", "*"), False),
        (Granted("ecr:DeleteRepository", "arn:aws:ecr:r:1:repository/a"), False),
        (Granted("ecr:PutImage", "arn:aws:ecr:r:1:repository/a", (("StringEquals", "a:b", ("c",)),)), False),
    ],
)
def test_an_entry_covers_names_but_no_wildcards(permission: Granted, covered: bool) -> None:  # noqa: FBT001
    assert REPOSITORY.covers(permission) is covered


def test_an_entry_with_a_condition_covers_only_that_condition() -> None:
    condition = (("StringEquals", "iam:PassedToService", ("ecs-tasks.amazonaws.com",)),)
    entry = Permission(Granted("iam:PassRole", "arn:aws:iam::<account>:role/<role>", condition), "tasks", "")
    assert entry.covers(Granted("iam:PassRole", "arn:aws:iam::1:role/a", condition))
    assert not entry.covers(Granted("iam:PassRole", "arn:aws:iam::1:role/a"))
    other = (("StringEquals", "iam:PassedToService", ("lambda.amazonaws.com",)),)
    assert not entry.covers(Granted("iam:PassRole", "arn:aws:iam::1:role/a", other))


@pytest.mark.parametrize(
    "entry",
    [
        'action = "a:B"\nresource = "arn:x"\nwhy = ""',
        'action = "a:B"\nresource = "arn:*"\nwhy = "a good reason"',
        'action = "a:B"\nresource = "arn:x"\nwhy = "a good reason"\nwildcard = "there is none"',
        'action = "a:B"\nresource = "arn:x"\nwhy = "a good reason"\nbecause = "unknown"',
    ],
)
def test_an_incomplete_entry_is_rejected(tmp_path: Path, entry: str) -> None:
    file = tmp_path / "permissions.toml"
    file.write_text(f"[[permission]]\n{entry}\n")
    with pytest.raises(ValueError, match="a:B"):
        granted.read(file)


def test_codebuild_may_assume_a_role_for_its_project_only(planned: list[dict[str, Any]]) -> None:
    trusts = documents(planned, r"build(_with_secrets)?", "aws_iam_role", "assume_role_policy")
    names = ["storefront-" + name for name in ("codecommit", "connection", "github", "s3", "star", "secrets")]
    assert sorted(json.dumps(trust["Statement"]) for trust in trusts) == sorted(
        json.dumps(
            [
                {
                    "Action": "sts:AssumeRole",
                    "Condition": {
                        "ArnEquals": {"aws:SourceArn": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{name}"},
                        "StringEquals": {"aws:SourceAccount": ACCOUNT},
                    },
                    "Effect": "Allow",
                    "Principal": {"Service": "codebuild.amazonaws.com"},
                }
            ]
        )
        for name in names
    )


def test_a_pipeline_role_may_be_assumed_by_one_repository_or_project_only(planned: list[dict[str, Any]]) -> None:
    trusts = documents(planned, "releaser", "aws_iam_role", "assume_role_policy")
    providers = {
        GITHUB: ("sts.amazonaws.com", "repo:example/storefront:environment:sandbox"),
        "gitlab.com": ("https://gitlab.com", "project_path:example/storefront:ref_type:branch:ref:main"),
    }
    assert [trust["Statement"] for trust in trusts] == [
        [
            {
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": {f"{issuer}:aud": audience, f"{issuer}:sub": subject}},
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"},
            }
        ]
        for issuer, (audience, subject) in providers.items()
    ]


def test_arns_may_be_unknown_during_the_plan(planned: list[dict[str, Any]]) -> None:
    types = {r["type"] for r in planned if r["address"].startswith("module.service_with_unknown_arns.")}
    assert "aws_ecs_service" in types
    assert not [kind for kind in types if kind.startswith("aws_iam_role")]
    role = next(r for r in planned if r["address"] == 'module.minimal_releaser.aws_iam_role.this["github"]')
    assert role["values"]["name"] == "little-sandbox-releaser-github"


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("ecs:UpdateService", f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/storefront-sandbox/storefront-sandbox-web", {}),
        ("ecs:RegisterTaskDefinition", "*", {}),
        (
            "application-autoscaling:RegisterScalableTarget",
            f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/0ec1",
            {"application-autoscaling:service-namespace": "ecs"},
        ),
        (
            "ecs:RunTask",
            f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/storefront-sandbox-migrate:7",
            {"ecs:cluster": CLUSTER},
        ),
        (
            "iam:PassRole",
            f"arn:aws:iam::{ACCOUNT}:role/storefront-sandbox-web-task",
            {"iam:PassedToService": "ecs-tasks.amazonaws.com"},
        ),
        ("s3:ListBucket", "arn:aws:s3:::storefront-state", {"s3:prefix": "env:/"}),
        ("s3:ListBucket", "arn:aws:s3:::storefront-state", {}),
        ("s3:DeleteObject", "arn:aws:s3:::storefront-state/storefront/sandbox.tfstate.tflock", {}),
        ("dynamodb:PutItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/storefront-releases", {}),
        ("codebuild:StartBuild", f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/storefront-build", {}),
        ("codebuild:StartBuild", f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/storefront-sandbox-release", {}),
    ],
)
def test_a_releaser_may(releaser: list[dict[str, Any]], action: str, resource: str, context: dict[str, str]) -> None:
    assert allowed(releaser, action, resource, context)


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        # another environment with a name that starts with this one's
        (
            "ecs:UpdateService",
            f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/storefront-sandbox-2/storefront-sandbox-2-web",
            {},
        ),
        (
            "ecs:UpdateService",
            f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/storefront-sandbox/storefront-sandbox-web-2",
            {},
        ),
        (
            "iam:PassRole",
            f"arn:aws:iam::{ACCOUNT}:role/storefront-sandbox-2-web-task",
            {"iam:PassedToService": "ecs-tasks.amazonaws.com"},
        ),
        ("ssm:PutParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/storefront/sandbox-2/image_tag", {}),
        ("s3:PutObject", "arn:aws:s3:::storefront-state/storefront/sandbox-2.tfstate", {}),
        ("codebuild:StartBuild", f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/storefront-sandbox-2-release", {}),
        # roles for anything but tasks
        (
            "iam:PassRole",
            f"arn:aws:iam::{ACCOUNT}:role/storefront-sandbox-web-task",
            {"iam:PassedToService": "lambda.amazonaws.com"},
        ),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/storefront-sandbox-web-task", {}),
        # deleting state, records, images and revisions, which rollbacks need
        ("s3:DeleteObject", "arn:aws:s3:::storefront-state/storefront/sandbox.tfstate", {}),
        ("dynamodb:DeleteItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/storefront-releases", {}),
        ("dynamodb:UpdateTable", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/storefront-releases", {}),
        ("ecr:BatchDeleteImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/storefront/app", {}),
        ("ecs:DeregisterTaskDefinition", "*", {}),
        # autoscaling of anything but services, and its removal
        (
            "application-autoscaling:RegisterScalableTarget",
            f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/0ec1",
            {"application-autoscaling:service-namespace": "dynamodb"},
        ),
        (
            "application-autoscaling:DeregisterScalableTarget",
            f"arn:aws:application-autoscaling:{REGION}:{ACCOUNT}:scalable-target/0ec1",
            {"application-autoscaling:service-namespace": "ecs"},
        ),
        # infrastructure
        ("ecs:DeleteService", f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/storefront-sandbox/storefront-sandbox-web", {}),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/storefront-sandbox-web-task", {}),
        ("codebuild:UpdateProject", f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/storefront-build", {}),
        # another cluster, another prefix, the values of secrets
        (
            "ecs:RunTask",
            f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/storefront-sandbox-migrate:7",
            {"ecs:cluster": CLUSTER + "-2"},
        ),
        (
            "ecs:RunTask",
            f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/storefront-sandbox-web:7",
            {"ecs:cluster": CLUSTER},
        ),
        ("s3:ListBucket", "arn:aws:s3:::storefront-state", {"s3:prefix": "storefront/"}),
        (
            "secretsmanager:GetSecretValue",
            f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:storefront-npm-AbCdEf",
            {},
        ),
    ],
)
def test_a_releaser_may_not(
    releaser: list[dict[str, Any]], action: str, resource: str, context: dict[str, str]
) -> None:
    assert not allowed(releaser, action, resource, context)


def test_a_build_may_read_the_parameters_of_its_variables_only(planned: list[dict[str, Any]]) -> None:
    with_secrets = documents(planned, "build_with_secrets", "aws_iam_role_policy")
    parameter = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/storefront/key"
    assert allowed(with_secrets, "ssm:GetParameters", parameter, {})
    assert not allowed(with_secrets, "ssm:GetParameters", parameter + "2", {})
    for build in of_module(planned, "build"):
        assert not any(re.match(r"(ecs|iam|dynamodb):", permission.action) for permission in granted.granted(build))


def test_a_releaser_has_no_permissions_for_features_that_are_not_used(planned: list[dict[str, Any]]) -> None:
    policies = documents(planned, "minimal_releaser", "aws_iam_policy")
    actions = {permission.action for policy in policies for permission in granted.granted(policy)}
    assert not [a for a in actions if re.match(r"(s3|kms|secretsmanager|elastic|application|events):", a)]
    assert "ecs:RunTask" not in actions


def test_policies_are_within_the_size_limit(planned: list[dict[str, Any]], root: Root) -> None:
    """IAM does not count white space."""
    for document in of_module(planned, "releaser"):
        assert len(json.dumps(document, separators=(",", ":"))) <= LIMIT
    result = root.run("plan", "-input=false", "-no-color", f"-var=path=/{'a-long-path/' * 40}")
    assert result.returncode == 1
    assert f"IAM allows {LIMIT}" in re.sub(r"\s+", " ", result.stdout.replace("│", ""))
