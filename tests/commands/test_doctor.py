"""Which reads are tried. The checks and the ledger are real; AWS, Terraform and Docker are played."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from longshore.aws.ecr import Repository, Tagged
from longshore.aws.ecs_types import ServiceDeployment
from longshore.aws.sts import Caller
from longshore.commands.doctor import doctor
from longshore.config.contract import Contract, parse
from longshore.config.settings import load
from longshore.config.target import select
from longshore.console import Console
from longshore.environment.environment import Environment
from longshore.errors import AwsError, BuildError, ConfigError, LongshoreError, TerraformError
from longshore.images.docker import Docker
from longshore.ledger.releases import Ledger
from longshore.verdict import ExitCode, exit_code_of
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import ACTOR, WHEN, arn, deployment, moved_clock, release_output, service

ACCOUNT = "123456789012"
SETTINGS: dict[str, Any] = {
    "region": "eu-central-1",
    "terraform": {"dir": ".", "var_files": ["test.tfvars"], "foundation": None},
}
CHECKS = [
    "files", "terraform", "builder", "account", "lock", "releases", "versions", "parameter", "login", "repositories",
    "tags", "digests", "images", "state lock", "contract", "services", "revisions", "deployments", "tasks", "schedules",
    "autoscaling", "logs",
]  # fmt: skip
READS = {
    "ssm:GetParameter": ("parameter", "/shop/test/image_tag"),
    "ecr:DescribeRepositories": ("repositories", "shop/app"),
    "ecr:BatchGetImage": ("tags", "shop/app"),
    "ecr:DescribeImages": ("digests", "shop/app"),
    "ecr:ListImages": ("images", "shop/app"),
    "dynamodb:GetItem": ("lock", "shop-releases"),
    "s3:GetObject": ("state lock", "shop/test.tfstate"),
    "ecs:DescribeServices": ("services", "shop-test-worker"),
    "ecs:DescribeTaskDefinition": ("revisions", "shop-test-migrate:2"),
    "ecs:ListServiceDeployments": ("deployments", "shop-test-worker"),
    "ecs:ListTasks": ("tasks", "shop-test-worker"),
    "events:ListTargetsByRule": ("schedules", "nightly"),
    "application-autoscaling:DescribeScalableTargets": ("autoscaling", "shop-test-web"),
    "logs:GetLogEvents": ("logs", "/shop/test/migrate"),
}
"""The check that tries an action, and a resource that it needs it for."""


def denied(action: str) -> AwsError:
    """As AWS says it, without the resource."""
    return AwsError(
        f"User: {ACTOR.arn} is not authorized to perform: {action} (AccessDeniedException)",
        f"The role lacks a permission: {action}.",
        "AccessDeniedException",
    )


@dataclass
class Cloud:
    """Everything is as a release wants it, but for the errors by action."""

    folder: Path
    errors: dict[str, LongshoreError] = field(default_factory=dict)
    table: MemoryTable = field(default_factory=MemoryTable)
    account: str = ACCOUNT
    minimum: int | None = 2
    backend: dict[str, str] | None = field(default_factory=dict)
    said: io.StringIO = field(default_factory=io.StringIO)

    def does(self, action: str, answer: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*arguments: Any) -> Any:
            if action in self.errors:
                raise self.errors[action]
            return answer(*arguments)

        return asked

    def read_table(self, call: str, _pk: str) -> None:
        action = {"get": "dynamodb:GetItem", "query": "dynamodb:Query"}[call]
        if action in self.errors:
            raise self.errors[action]

    def contract(self) -> Contract:
        if "terraform" in self.errors:
            raise self.errors["terraform"]
        nightly = {"rule": "shop-test-nightly", "target_id": "task", "task_definition": arn("shop-test-nightly", 2)}
        output = release_output()
        output["services"]["web"] |= {"autoscaled": True, "min_capacity": 2}
        return parse(output | {"schedules": {"nightly": nightly}}, "shop", "test")

    def ecr(self) -> Any:
        return SimpleNamespace(
            credentials=self.does("ecr:GetAuthorizationToken", lambda: SimpleNamespace(endpoint="https://registry")),
            repository=self.does("ecr:DescribeRepositories", lambda name: Repository(name, f"host/{name}", ACCOUNT)),
            existing_tags=self.does("ecr:BatchGetImage", lambda _name, _tags: set()),
            digest=self.does("ecr:DescribeImages", lambda _name, _tag: None),
            images=self.images,
        )

    def images(self, name: str) -> Iterator[Tagged]:
        yield self.does("ecr:ListImages", lambda: Tagged("sha256:1", "v1.0.0"))()
        raise AssertionError("one page tells")

    def ecs(self) -> Any:
        running = service(deployment("one", "COMPLETED", revision=1))
        newest = ServiceDeployment("arn:one", "SUCCESSFUL", "", WHEN)
        return SimpleNamespace(
            services=self.does("ecs:DescribeServices", lambda _cluster, names: dict.fromkeys(names, running)),
            task_definition=self.does("ecs:DescribeTaskDefinition", lambda _arn: {}),
            latest_deployments=self.does("ecs:ListServiceDeployments", lambda _, names: dict.fromkeys(names, newest)),
            tasks=self.does("ecs:ListTasks", lambda _cluster, _name: []),
            stopped_tasks=self.does("ecs:ListTasks", lambda _cluster, _name: []),
        )

    def env(self) -> Environment:
        caller = Caller(self.account, ACTOR.arn)
        self.table.before = self.read_table
        aws = SimpleNamespace(
            identity=SimpleNamespace(caller=self.does("sts:GetCallerIdentity", lambda: caller)),
            parameters=SimpleNamespace(get=self.does("ssm:GetParameter", lambda _name: "v1.0.0")),
            buckets=SimpleNamespace(read=self.does("s3:GetObject", lambda _bucket, _key: None)),
            events=SimpleNamespace(task_definition=self.does("events:ListTargetsByRule", lambda *_: arn("nightly", 2))),
            scaling=SimpleNamespace(
                minimum=self.does(
                    "application-autoscaling:DescribeScalableTargets", lambda _cluster, _name: self.minimum
                )
            ),
            logs=SimpleNamespace(tail=self.does("logs:GetLogEvents", lambda _group, _stream, _lines: [])),
            ecr=self.ecr(),
            ecs=self.ecs(),
        )
        shop = SETTINGS | {"environments": {"test": {"account": ACCOUNT, "backend": self.backend}}}
        made: Any = SimpleNamespace(
            target=select(load({"applications": {"shop": shop}}), self.folder, None, "test"),
            console=Console(io.StringIO(), self.said, io.StringIO(), interactive=False),
            ledger=Ledger(self.table, "test", clock=moved_clock()),
            terraform=SimpleNamespace(check=lambda: "1.11.4"),
            contract=self.contract,
            aws=aws,
        )
        return cast(Environment, made)

    def fails(self) -> LongshoreError:
        with pytest.raises(LongshoreError) as caught:
            doctor(self.env())
        assert self.table.written == []
        return caught.value

    def marks(self) -> dict[str, str]:
        lines = [line.split(maxsplit=1) for line in self.said.getvalue().splitlines() if line.startswith("  ")]
        return {text.partition(":")[0]: mark for mark, text in lines}

    def others(self, *names: str) -> set[str]:
        return {mark for name, mark in self.marks().items() if name not in names}


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    (tmp_path / "test.tfvars").touch()
    monkeypatch.setattr(Docker, "check", lambda _: "Docker 27")
    return Cloud(tmp_path)


def test_all_can_be_read(cloud: Cloud) -> None:
    doctor(cloud.env())
    assert list(cloud.marks()) == CHECKS
    assert cloud.others() == {"OK"}
    said = cloud.said.getvalue()
    assert "OK   revisions: shop-test-migrate:2, shop-test-nightly:2, shop-test-web:1, shop-test-web:2, " in said
    assert "OK   lock: shop-releases says that nobody holds it" in said
    assert said.endswith("A release can read all that it needs.\n")


@pytest.mark.parametrize("action", READS)
def test_a_read_that_is_denied_is_named_and_keeps_no_other(cloud: Cloud, action: str) -> None:
    name, resource = READS[action]
    cloud.errors[action] = denied(action)
    error = cloud.fails()
    assert action in error.message
    assert resource in error.message
    assert error.hint == f"The role lacks a permission: {action}."
    assert exit_code_of(error) == ExitCode.FAILED
    assert list(cloud.marks()) == CHECKS
    assert (cloud.marks()[name], cloud.others(name)) == ("FAIL", {"OK"})


def test_several_that_are_denied_are_all_said(cloud: Cloud) -> None:
    cloud.errors |= {action: denied(action) for action in ("dynamodb:Query", "ecr:DescribeImages", "logs:GetLogEvents")}
    error = cloud.fails()
    assert error.message.startswith("4 checks failed; nothing was touched:")
    assert all(f"The role lacks a permission: {action}." in error.message for action in cloud.errors)
    assert cloud.others("releases", "versions", "digests", "logs") == {"OK"}


def test_without_the_contract_nothing_is_known_of_services(cloud: Cloud) -> None:
    cloud.errors["terraform"] = TerraformError("terraform init failed: Access Denied")
    assert cloud.fails() is cloud.errors["terraform"]
    after = CHECKS[CHECKS.index("contract") + 1 :]
    assert {cloud.marks()[name] for name in after} == {"SKIP"}
    assert "SKIP services: needs contract, which failed" in cloud.said.getvalue()
    assert cloud.others("contract", *after) == {"OK"}


def test_with_another_accounts_credentials_nothing_there_is_read(cloud: Cloud) -> None:
    cloud.account = "999999999999"
    assert isinstance(cloud.fails(), ConfigError)
    here = CHECKS[: CHECKS.index("account")]
    assert {cloud.marks()[name] for name in here} == {"OK"}
    assert cloud.others("account", *here) == {"SKIP"}


def test_what_is_not_there_is_said_once(cloud: Cloud) -> None:
    missing = AwsError("there is no ECR repository shop/app", code="RepositoryNotFoundException")
    cloud.errors["ecr:DescribeRepositories"] = missing
    assert cloud.fails().message == missing.message
    assert {cloud.marks()[name] for name in ("tags", "digests", "images")} == {"SKIP"}
    assert cloud.others("repositories", "tags", "digests", "images") == {"OK"}


def test_a_service_that_autoscaling_does_not_know_is_named(cloud: Cloud) -> None:
    cloud.minimum = None
    error = cloud.fails()
    assert error.message == "autoscaling does not know shop-test-web"
    assert "invoke apply --allow-infra" in error.hint


def test_the_exit_code_is_that_of_the_first(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_engine(_: Docker) -> str:
        raise BuildError("no Docker engine answers")

    monkeypatch.setattr(Docker, "check", no_engine)
    cloud.errors["ssm:GetParameter"] = denied("ssm:GetParameter")
    assert exit_code_of(cloud.fails()) == ExitCode.BUILD


def test_who_holds_the_environment_is_said_and_no_fault(cloud: Cloud) -> None:
    Ledger(cloud.table, "test").locks.hold("ann's", ACTOR, "a look at the database")
    doctor(cloud.env())
    assert "OK   lock: locked by ann on laptop" in cloud.said.getvalue()


def test_a_backend_of_the_teams_own_is_terraforms_to_look_at(cloud: Cloud) -> None:
    cloud.backend, cloud.errors["s3:GetObject"] = None, denied("s3:GetObject")
    doctor(cloud.env())
    assert (cloud.marks()["state lock"], cloud.others("state lock")) == ("SKIP", {"OK"})
