"""The CodeBuild projects of both stacks, as planned from the variable files of this repository."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.modules.plans import REGION, Root
from tests.paths import ROOT

pytestmark = pytest.mark.terraform

SOURCE = 'source = { type = "GITHUB", location = "https://github.com/example/storefront.git" }'
WEBHOOK = 'webhook = { filters = [{ type = "FILE_PATH", pattern = "^docs/", exclude = true }] }'
LOCAL = 'terraform {\n  backend "local" {}\n}\n'


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def plan(folder: str, to: Path, endpoint: str, *arguments: str) -> dict[str, dict[str, Any]]:
    """The planned values of the stack's resources, by address; the backend is a local file."""
    root = Root.copied(folder, to, endpoint, {"backend_override.tf": LOCAL})
    return {each["address"]: each["values"] for each in root.plan(*arguments)}


def variables(project: dict[str, Any]) -> dict[str, tuple[str, str]]:
    (environment,) = project["environment"]
    return {each["name"]: (each["type"], each["value"]) for each in environment["environment_variable"]}


def test_build_project(tmp_path: Path, endpoint: str) -> None:
    values = plan(
        "terraform/foundation",
        tmp_path,
        endpoint,
        f"-var-file={ROOT}/environments/foundation.tfvars",
        "-var",
        f'build={{ {SOURCE}, environment = {{ LONGSHORE_APPLICATION = "plain:another", LEVEL = "plain:info" }} }}',
    )
    project = values['module.build["build"].aws_codebuild_project.this']
    assert project["name"] == "storefront-build"
    assert project["source"][0]["buildspec"] == "buildspec.image.yml"
    assert variables(project) == {"LEVEL": ("PLAINTEXT", "info"), "LONGSHORE_APPLICATION": ("PLAINTEXT", "storefront")}
    assert [address for address in values if "webhook" in address or "attachment" in address] == []


def test_release_project(tmp_path: Path, endpoint: str) -> None:
    registry = boto3.client(
        "ecr",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    with suppress(
        registry.exceptions.RepositoryAlreadyExistsException
    ):  # created by another test: moto is shared within a process
        registry.create_repository(repositoryName="storefront/app")
    values = plan(
        "terraform/app",
        tmp_path,
        endpoint,
        f"-var-file={ROOT}/environments/sandbox.tfvars",
        "-var",
        f"release_project={{ {SOURCE}, {WEBHOOK} }}",
    )
    project = values['module.release_project["release"].aws_codebuild_project.this']
    assert project["name"] == "storefront-sandbox-release"
    assert (project["source"][0]["buildspec"], project["source_version"]) == ("buildspec.yml", "main")
    assert project["build_timeout"] == 180
    assert variables(project) == {
        "LONGSHORE_APPLICATION": ("PLAINTEXT", "storefront"),
        "LONGSHORE_ENVIRONMENT": ("PLAINTEXT", "sandbox"),
    }
    webhook = values['module.release_project["release"].aws_codebuild_webhook.this[0]']
    filters = {(each["type"], each["pattern"]) for group in webhook["filter_group"] for each in group["filter"]}
    assert filters == {("EVENT", "PUSH"), ("HEAD_REF", "^refs/heads/main$"), ("FILE_PATH", "^docs/")}
    attached = 'module.release_project["release"].aws_iam_role_policy_attachment.this["{}"]'
    policies = {address: each["name"] for address, each in values.items() if ".aws_iam_policy.this" in address}
    assert policies == {
        'module.releaser.aws_iam_policy.this["releaser"]': "storefront-sandbox-releaser",
        'module.releaser.aws_iam_policy.this["tasks-1"]': "storefront-sandbox-releaser-tasks-1",
    }
    assert {attached.format(part) for part in ("releaser", "tasks-1")} <= set(values)
