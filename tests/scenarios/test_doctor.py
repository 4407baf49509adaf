"""`invoke doctor` on the stage: its reads reach the sandbox over HTTP, where a log sees all of them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from longshore.commands.doctor import doctor
from longshore.errors import LongshoreError
from longshore.images.docker import Docker
from longshore.terminal.console import Console
from tests.scenarios import shop
from tests.scenarios.play import record_releases, staged
from tests.scenarios.scenario import FOLDER, Fault, read
from tests.scenarios.stage import Theatre

pytestmark = pytest.mark.scenario


def looked_at(theatre: Theatre, folder: Path, *actions: str) -> tuple[list[str], LongshoreError | None, set[str]]:
    """The findings, the error, and the reads that were made, where IAM denies some actions."""
    faults = tuple(Fault(operation=action, kind="denied") for action in actions)
    with theatre.stage(read(FOLDER / "schedule.toml").model_copy(update={"faults": faults}), folder) as stage:
        env = staged(stage)
        record_releases(env)
        said = io.StringIO()
        object.__setattr__(env, "console", Console(io.StringIO(), said, io.StringIO(), interactive=False))
        error, begun = None, stage.log.since(0)["next"]
        with stage.command():
            try:
                doctor(env)
            except LongshoreError as caught:
                error = caught
        made = stage.log.since(begun)["requests"]
    assert [call["operation"] for call in made if call["mutating"]] == []
    return said.getvalue().splitlines()[1:], error, {f"{call['service']}:{call['operation']}" for call in made}


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Docker, "check", lambda _: "Docker")


def test_every_read_is_made_and_nothing_is_written(theatre: Theatre, tmp_path: Path) -> None:
    findings, error, made = looked_at(theatre, tmp_path)
    assert error is None
    assert [line for line in findings[:-1] if not line.startswith("  OK ")] == []
    assert made == {
        "sts:GetCallerIdentity", "dynamodb:GetItem", "dynamodb:Query", "ssm:GetParameter",
        "ecr:GetAuthorizationToken", "ecr:DescribeRepositories", "ecr:BatchGetImage", "ecr:DescribeImages",
        "ecr:ListImages", "ecs:DescribeServices", "ecs:DescribeTaskDefinition", "ecs:ListServiceDeployments",
        "ecs:DescribeServiceDeployments", "ecs:ListTasks", "ecs:DescribeTasks", "events:ListTargetsByRule",
        "logs:GetLogEvents", "s3:GetObject",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("dynamodb:GetItem", shop.TABLE),
        ("ecr:ListImages", shop.REPOSITORY),
        ("ecs:DescribeServiceDeployments", shop.family("web")),
        ("events:ListTargetsByRule", shop.NIGHTLY),
        ("logs:GetLogEvents", shop.log_group("migrate")),
    ],
)
def test_a_denied_read_is_found_and_nothing_is_written(
    theatre: Theatre, tmp_path: Path, action: str, resource: str
) -> None:
    findings, error, made = looked_at(theatre, tmp_path, action)
    assert error is not None
    assert f"perform: {action} on resource" in error.message
    assert resource in error.message
    assert error.hint == f"The role lacks a permission: {action}."
    assert sum(line.startswith("  FAIL") for line in findings) == 1
    assert sum(line.startswith("  SKIP") for line in findings) == 0
    assert action in made


def test_each_of_the_denied_reads_is_found_in_one_go(theatre: Theatre, tmp_path: Path) -> None:
    findings, error, _ = looked_at(theatre, tmp_path, "ecs:reads", "ssm:GetParameter")
    failed = [line.split()[1].rstrip(":") for line in findings if line.startswith("  FAIL")]
    assert failed == ["parameter", "services", "revisions", "deployments", "tasks"]
    assert error is not None
    assert all(shop.family(key) in error.message for key in ("web", "worker"))
