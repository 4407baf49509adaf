"""The policies of builds and releasers, as Terraform renders them, against the lists of their reasons."""

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
    found = [each for each in planned if each["type"] == kind and re.match(rf"module\.{module}[.\[]", each["address"])]
    return [json.loads(each["values"][name]) for each in found]


def of_module(planned: list[dict[str, Any]], module: str) -> list[dict[str, Any]]:
    if module == "build":
        return documents(planned, r"build(_with_secrets)?", "aws_iam_role_policy")
    return documents(planned, r"releaser\w*", "aws_iam_policy")


@pytest.fixture(scope="module")
def releaser(planned: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return documents(planned, "releaser", "aws_iam_policy")


@pytest.mark.parametrize(("module", "policies"), [("build", 6), ("releaser", 6)])
def test_every_action_has_its_reason_and_every_reason_its_action(
    planned: list[dict[str, Any]], module: str, policies: int
) -> None:
    found = of_module(planned, module)
    assert len(found) == policies
    given = {each for document in found for each in granted.granted(document)}
    listed = granted.read(MODULES / module / "permissions.toml")
    assert [each for each in given if not any(entry.fits(each) for entry in listed)] == []
    assert [entry.granted for entry in listed if not any(entry.fits(each) for each in given)] == []


def test_a_list_names_every_permission_once() -> None:
    for module in ("build", "releaser"):
        listed = [entry.granted for entry in granted.read(MODULES / module / "permissions.toml")]
        assert len(set(listed)) == len(listed)


REPOSITORY = Permission(Granted("ecr:PutImage", "arn:aws:ecr:<region>:<account>:repository/<repository>"), "pushes", "")


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        (Granted("ecr:PutImage", "arn:aws:ecr:r:1:repository/a/b"), True),
        (Granted("ecr:PutImage", "arn:aws:ecr:r:1:repository/*"), False),
        (Granted("ecr:PutImage", "arn:aws:ecr:*:1:repository/a"), False),
        (Granted("ecr:PutImage", "*"), False),
        (Granted("ecr:DeleteRepository", "arn:aws:ecr:r:1:repository/a"), False),
        (Granted("ecr:PutImage", "arn:aws:ecr:r:1:repository/a", (("StringEquals", "a:b", ("c",)),)), False),
    ],
)
def test_an_entry_fits_what_it_says_and_nothing_wider(given: Granted, fits: bool) -> None:  # noqa: FBT001
    assert REPOSITORY.fits(given) is fits


def test_an_entry_with_a_condition_fits_nothing_without_it() -> None:
    condition = (("StringEquals", "iam:PassedToService", ("ecs-tasks.amazonaws.com",)),)
    entry = Permission(Granted("iam:PassRole", "arn:aws:iam::<account>:role/<role>", condition), "tasks", "")
    assert entry.fits(Granted("iam:PassRole", "arn:aws:iam::1:role/a", condition))
    assert not entry.fits(Granted("iam:PassRole", "arn:aws:iam::1:role/a"))
    other = (("StringEquals", "iam:PassedToService", ("lambda.amazonaws.com",)),)
    assert not entry.fits(Granted("iam:PassRole", "arn:aws:iam::1:role/a", other))


@pytest.mark.parametrize(
    "entry",
    [
        'action = "a:B"\nresource = "arn:x"\nwhy = ""',
        'action = "a:B"\nresource = "arn:*"\nwhy = "a good reason"',
        'action = "a:B"\nresource = "arn:x"\nwhy = "a good reason"\nwildcard = "there is none"',
        'action = "a:B"\nresource = "arn:x"\nwhy = "a good reason"\nbecause = "unknown"',
    ],
)
def test_a_list_that_leaves_something_out_is_refused(tmp_path: Path, entry: str) -> None:
    file = tmp_path / "permissions.toml"
    file.write_text(f"[[permission]]\n{entry}\n")
    with pytest.raises(ValueError, match="a:B"):
        granted.read(file)


def test_roles_are_taken_by_codebuild_for_their_own_project_only(planned: list[dict[str, Any]]) -> None:
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


def test_roles_are_taken_by_one_repository_or_project_only(planned: list[dict[str, Any]]) -> None:
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


def test_what_is_made_in_the_same_root_may_be_given_by_its_arn(planned: list[dict[str, Any]]) -> None:
    made = [each for each in planned if each["address"].startswith("module.service_of_what_is_made.")]
    assert "aws_ecs_service" in {each["type"] for each in made}
    assert not [each for each in made if each["type"].startswith("aws_iam_role")]
    role = next(each for each in planned if each["address"] == 'module.releaser_of_little.aws_iam_role.this["github"]')
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
        # another environment, whose name begins like this one's
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
        # what would take a way back away, or a record
        ("s3:DeleteObject", "arn:aws:s3:::storefront-state/storefront/sandbox.tfstate", {}),
        ("dynamodb:DeleteItem", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/storefront-releases", {}),
        ("dynamodb:UpdateTable", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/storefront-releases", {}),
        ("ecr:BatchDeleteImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/storefront/app", {}),
        ("ecs:DeregisterTaskDefinition", "*", {}),
        # bounds of anything but services, and the end of autoscaling
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
        # another cluster, another prefix, values of secrets
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


def test_a_build_may_read_what_its_variables_name_and_nothing_beside(planned: list[dict[str, Any]]) -> None:
    with_secrets = documents(planned, "build_with_secrets", "aws_iam_role_policy")
    parameter = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/storefront/key"
    assert allowed(with_secrets, "ssm:GetParameters", parameter, {})
    assert not allowed(with_secrets, "ssm:GetParameters", parameter + "2", {})
    for build in of_module(planned, "build"):
        assert not any(re.match(r"(ecs|iam|dynamodb):", each.action) for each in granted.granted(build))


def test_what_an_environment_does_not_have_is_not_allowed(planned: list[dict[str, Any]]) -> None:
    little = {
        each.action for d in documents(planned, "releaser_of_little", "aws_iam_policy") for each in granted.granted(d)
    }
    assert not [action for action in little if re.match(r"(s3|kms|secretsmanager|elastic|application|events):", action)]
    assert "ecs:RunTask" not in little


def test_policies_fit_into_iam(planned: list[dict[str, Any]], root: Root) -> None:
    """IAM counts the characters without white space."""
    for document in of_module(planned, "releaser"):
        assert len(json.dumps(document, separators=(",", ":"))) <= LIMIT
    done = root.run("plan", "-input=false", "-no-color", f"-var=path=/{'a-long-path/' * 40}")
    assert done.returncode == 1
    assert f"IAM allows {LIMIT}" in re.sub(r"\s+", " ", done.stdout.replace("│", ""))
