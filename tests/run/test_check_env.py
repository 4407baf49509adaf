"""The ECS_ variables of a process, through the command line, against an AWS that tells who calls."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from longshore.aws.dynamodb import Table
from longshore.ledger.releases import Ledger
from longshore.terraform import variable_files
from longshore.verdict import Verdict
from tests.fakes.clients import client
from tests.fakes.samples import result
from tests.tasks.test_tasks import run

pytestmark = pytest.mark.scenario

CANARY = "canary-7f3a9c"
YAML = """
longshore:
  applications:
    shop:
      region: eu-central-1
      terraform: {binary: terraform-that-is-not-there, foundation: null}
      environments:
        test: {account: "123456789012", endpoint: "URL"}
        other: {account: "123456789012", endpoint: "URL"}
"""
SET = {
    "ECS_RAILS_ENV": "staging-canary",
    "ECS_RAILS_MASTER_KEY": CANARY,
    "ECS_SAME": "1",
    "ECS_AGENT_URI": "http://169.254.170.2",
}
IN_BUILD = {"CODEBUILD_BUILD_ID": "shop-test-release:1d9d"}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "eu-central-1"}
COMMANDS = [
    ["release", "-e", "test", "--yes"],
    ["release", "-e", "test", "--continue", "test-000001"],
    ["plan", "-e", "test"],
    ["bootstrap", "-e", "test", "--yes"],
]


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The URL of an AWS in which nobody has released yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    client("dynamodb", endpoint_url=f"http://127.0.0.1:{port}").create_table(
        TableName="shop-releases",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def project(tmp_path: Path, aws: str) -> Path:
    (tmp_path / "tasks.py").write_text('"""Ours."""\nfrom longshore.tasks import namespace\n')
    (tmp_path / "invoke.yaml").write_text(YAML.replace("URL", aws))
    (tmp_path / "terraform" / "app").mkdir(parents=True)
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "test.tfvars").write_text('variables = { ECS_SAME = "1" }\n')
    return tmp_path


def ask(project: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    given: Any = {**CREDENTIALS, **environ}
    return run(project, *arguments, **given)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_build_is_refused_before_anything_is_touched(project: Path, command: list[str], aws: str) -> None:
    answer = ask(project, *command, **SET, **IN_BUILD)
    assert answer.returncode == 2
    for said in (
        "  FAIL variables: ECS_ variables of this process differ from the variable files",
        "ECS_RAILS_ENV is not in the variable files", "ECS_RAILS_MASTER_KEY is not in the variable files",
        "Lines to add to environments/test.tfvars:", 'ECS_RAILS_ENV = "..."',
        'RAILS_MASTER_KEY = "ssm:/shop/test/rails_master_key"', "invoke env.import -a shop -e test",
    ):  # fmt: skip
        assert said in answer.stderr
    for unsaid in ("canary", "ECS_SAME", "ECS_AGENT_URI", "Traceback"):
        assert unsaid not in answer.stdout + answer.stderr
    written = client("dynamodb", endpoint_url=aws).scan(TableName="shop-releases")["Items"]
    assert [item for item in written if "test" in item["pk"]["S"]] == []
    assert client("s3", endpoint_url=aws).list_buckets()["Buckets"] == []


def test_with_json_the_refusal_is_a_document_without_values(project: Path) -> None:
    answer = ask(project, "release", "-e", "test", "--yes", "--json", **SET, **IN_BUILD)
    assert json.loads(answer.stdout)["exit_code"] == answer.returncode == 2
    assert "ECS_RAILS_ENV is not in the variable files" in json.loads(answer.stdout)["message"]
    assert "canary" not in answer.stdout


@pytest.mark.parametrize(
    "command",
    [
        ["release", "-e", "test", "--check-env"],
        ["plan", "-e", "test", "--check-env"],
        ["promote", "--from", "other", "--to", "test", "--version", "v1.0.0", "--check-env"],
    ],
    ids=" ".join,
)
def test_elsewhere_it_is_compared_where_it_is_asked_for(project: Path, command: list[str], aws: str) -> None:
    if command[0] == "promote":
        succeeded(aws)
    answer = ask(project, *command, **SET)
    assert answer.returncode == 2
    assert "ECS_RAILS_ENV is not in the variable files" in answer.stderr
    without = ask(project, *command[:-1], **SET)
    assert "SKIP variables: compared with ECS_ variables in a build, and with --check-env" in without.stderr
    assert "ECS_RAILS_ENV" not in without.stderr


def succeeded(aws: str) -> None:
    """Lets v1.0.0 have succeeded in the other environment."""
    entry = result(environment="other", release="other-000001", verdict=Verdict.SUCCEEDED)
    Ledger(Table(client("dynamodb", endpoint_url=aws), "shop-releases"), "other").begin(entry)


def test_a_way_back_is_not_refused_for_it(project: Path) -> None:
    for command in (["rollback", "-e", "test", "--yes"], ["release", "-e", "test", "--resume", "--yes"]):
        answer = ask(project, *command, **SET, **IN_BUILD)
        assert "OK   account" in answer.stderr
        assert "ECS_RAILS_ENV" not in answer.stderr
        assert "variables" not in answer.stderr


def test_what_is_imported_agrees(project: Path) -> None:
    shown = ask(project, "env.import", "-e", "test", **SET)
    assert (shown.returncode, shown.stdout.count("ssm put-parameter")) == (0, 1)
    written = ask(project, "env.import", "-e", "test", "--write", **SET)
    assert written.returncode == 0
    assert written.stdout == (
        "aws ssm put-parameter --region eu-central-1 --type SecureString --name /shop/test/rails_master_key"
        ' --value "$ECS_RAILS_MASTER_KEY"\n'
    )
    assert CANARY not in shown.stdout + shown.stderr + written.stdout + written.stderr
    found = variable_files.read([project / "environments" / "test.tfvars"])
    assert found == {
        "variables": {"ECS_SAME": "1", "ECS_RAILS_ENV": "staging-canary"},
        "secrets": {"RAILS_MASTER_KEY": "ssm:/shop/test/rails_master_key"},
    }
    answer = ask(project, "plan", "-e", "test", **SET, **IN_BUILD)
    assert "  OK   variables: 3 ECS_ variables agree with environments/test.tfvars" in answer.stderr


def test_a_variable_file_that_cannot_be_read_is_a_finding(project: Path) -> None:
    (project / "environments" / "test.tfvars").write_text(f'variables = {{ ECS_A = "{CANARY}')
    answer = ask(project, "plan", "-e", "test", **SET, **IN_BUILD)
    assert answer.returncode == 2
    assert "FAIL variables: variable file test.tfvars: invalid HCL near line 1" in answer.stderr
    assert "canary" not in answer.stderr
