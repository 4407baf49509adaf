"""The reads that `doctor` tries. The checks and the ledger are real; AWS, Terraform and Docker are fakes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from longshore.aws.circuit_breaker import CircuitBreaker
from longshore.aws.ecr import Repository, Tagged
from longshore.aws.ecs_settings import EarlySuccess, ServiceSettings
from longshore.aws.ecs_types import ServiceDeployment
from longshore.aws.elbv2 import TargetGroup
from longshore.aws.target_health import TargetHealth
from longshore.commands.doctor import doctor
from longshore.config.contract import Contract, parse
from longshore.environment.environment import Environment
from longshore.errors import AwsError, BuildError, ConfigError, LongshoreError, TerraformError
from longshore.images.docker import Docker
from longshore.ledger.releases import Ledger
from longshore.terminal.console import Console
from longshore.verdict import ExitCode, exit_code_of
from tests.fakes.environments import ACCOUNT, SHOP, Identity, InstalledTerraform, environment
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import ACTOR, WHEN, arn, deployment, moved_clock, release_output, service

CHECKS = [
    "files", "terraform", "builder", "account", "lock", "releases", "versions", "parameter", "login", "repositories",
    "tags", "digests", "images", "state lock", "contract", "services", "settings", "alarms", "targets",
    "revisions", "target groups", "deadlines", "deployments", "tasks", "schedules",
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
    "cloudwatch:DescribeAlarms": ("alarms", "errors"),
    "elasticloadbalancing:DescribeTargetHealth": ("targets", "targetgroup/web/1"),
    "elasticloadbalancing:DescribeTargetGroups": ("target groups", "targetgroup/web/1"),
    "ecs:DescribeTaskDefinition": ("revisions", "shop-test-migrate:2"),
    "ecs:ListServiceDeployments": ("deployments", "shop-test-worker"),
    "ecs:DescribeServiceDeployments": ("deployments", "DescribeServiceDeployments"),
    "ecs:ListTasks": ("tasks", "shop-test-worker"),
    "events:ListTargetsByRule": ("schedules", "nightly"),
    "application-autoscaling:DescribeScalableTargets": ("autoscaling", "shop-test-web"),
    "logs:GetLogEvents": ("logs", "/shop/test/migrate"),
}
"""The check that tries each action, and a resource that it reads with it."""

GROUP = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/1"

WATCHED = ServiceSettings(alarms=("errors", "slow"), target_groups=(GROUP,))


def denied(action: str) -> AwsError:
    """The error of AWS, which does not name the resource."""
    return AwsError(
        f"User: {ACTOR.arn} is not authorized to perform: {action} (AccessDeniedException)",
        f"The role lacks a permission: {action}.",
        "AccessDeniedException",
    )


@dataclass
class Cloud:
    """An environment that has everything a release needs, except for the errors by action."""

    folder: Path
    errors: dict[str, LongshoreError] = field(default_factory=dict)
    table: MemoryTable = field(default_factory=MemoryTable)
    account: str = ACCOUNT
    minimum: int | None = 2
    settings: ServiceSettings = field(
        default_factory=lambda: ServiceSettings(alarms=("errors", "slow"), target_groups=(GROUP,))
    )
    burning: tuple[str, ...] = ()
    backend: dict[str, str] | None = field(default_factory=dict)
    deadlines: dict[str, float] = field(default_factory=dict)
    output: io.StringIO = field(default_factory=io.StringIO)

    def api(self, action: str, answer: Callable[..., Any]) -> Callable[..., Any]:
        """A function that raises the error of an action, if there is one, and otherwise answers."""

        def call(*arguments: Any) -> Any:
            if action in self.errors:
                raise self.errors[action]
            return answer(*arguments)

        return call

    def read_table(self, call: str, _pk: str) -> None:
        self.api({"get": "dynamodb:GetItem", "query": "dynamodb:Query"}[call], lambda: None)()

    def contract(self) -> Contract:
        self.api("terraform", lambda: None)()
        nightly = {"rule": "shop-test-nightly", "target_id": "task", "task_definition": arn("shop-test-nightly", 2)}
        output = release_output()
        output["services"]["web"] |= {"autoscaled": True, "min_capacity": 2}
        return parse(output | {"schedules": {"nightly": nightly}}, "shop", "test")

    def ecr(self) -> Any:
        return SimpleNamespace(
            credentials=self.api("ecr:GetAuthorizationToken", lambda: SimpleNamespace(endpoint="https://registry")),
            repository=self.api("ecr:DescribeRepositories", lambda name: Repository(name, f"host/{name}", ACCOUNT)),
            existing_tags=self.api("ecr:BatchGetImage", lambda _name, _tags: set()),
            digest=self.api("ecr:DescribeImages", lambda _name, _tag: None),
            images=self.images,
        )

    def images(self, name: str) -> Iterator[Tagged]:
        yield self.api("ecr:ListImages", lambda: Tagged("sha256:1", "v1.0.0"))()
        raise AssertionError("one page is enough")

    def ecs(self) -> Any:
        running = replace(service(deployment("one", "COMPLETED", revision=1)), settings=self.settings)
        newest = ServiceDeployment("arn:one", "SUCCESSFUL", "", WHEN)
        return SimpleNamespace(
            services=self.api("ecs:DescribeServices", lambda _cluster, names: dict.fromkeys(names, running)),
            task_definition=self.api("ecs:DescribeTaskDefinition", lambda _arn: {}),
            service_deployments=self.api("ecs:DescribeServiceDeployments", lambda arns: dict.fromkeys(arns, newest)),
            latest_deployments=self.api("ecs:ListServiceDeployments", lambda _, names: dict.fromkeys(names, newest)),
            tasks=self.api("ecs:ListTasks", lambda _cluster, _name: []),
            stopped_tasks=self.api("ecs:ListTasks", lambda _cluster, _name: []),
        )

    def aws(self) -> Any:
        scalable_targets = "application-autoscaling:DescribeScalableTargets"
        return SimpleNamespace(
            identity=Identity(self.account),
            parameters=SimpleNamespace(get=self.api("ssm:GetParameter", lambda _name: "v1.0.0")),
            buckets=SimpleNamespace(read=self.api("s3:GetObject", lambda _bucket, _key: None)),
            events=SimpleNamespace(task_definition=self.api("events:ListTargetsByRule", lambda *_: arn("nightly", 2))),
            alarms=SimpleNamespace(in_alarm=self.api("cloudwatch:DescribeAlarms", lambda _names: [*self.burning])),
            target_groups=SimpleNamespace(
                read=self.api("elasticloadbalancing:DescribeTargetGroups", self.groups),
                health=self.api(
                    "elasticloadbalancing:DescribeTargetHealth", lambda _: [TargetHealth("10.0.0.1", 8080, "healthy")]
                ),
            ),
            scaling=SimpleNamespace(minimum=self.api(scalable_targets, lambda _cluster, _name: self.minimum)),
            logs=SimpleNamespace(tail=self.api("logs:GetLogEvents", lambda _group, _stream, _lines: [])),
            ecr=self.ecr(),
            ecs=self.ecs(),
        )

    def settings_of_environment(self) -> dict[str, Any]:
        return {"account": ACCOUNT, "backend": self.backend, "deadlines": self.deadlines}

    def groups(self, arns: Sequence[str]) -> dict[str, TargetGroup]:
        return dict.fromkeys(arns, TargetGroup(drain=60))

    def env(self) -> Environment:
        self.table.before = self.read_table
        return environment(
            self.folder,
            settings=SHOP | {"environments": {"test": self.settings_of_environment()}},
            console=Console(io.StringIO(), self.output, io.StringIO(), interactive=False),
            ledger=Ledger(self.table, "test", clock=moved_clock()),
            terraform_of=lambda _stack: InstalledTerraform(),
            contract=self.contract,
            aws=self.aws(),
        )

    def fails(self) -> LongshoreError:
        with pytest.raises(LongshoreError) as caught:
            doctor(self.env())
        assert self.table.written == []
        return caught.value

    def marks(self) -> dict[str, str]:
        """OK, SKIP or FAIL by check."""
        lines = [line.split(maxsplit=1) for line in self.output.getvalue().splitlines() if line.startswith("  ")]
        return {text.partition(":")[0]: mark for mark, text in lines}

    def marks_except(self, *names: str) -> set[str]:
        return {mark for name, mark in self.marks().items() if name not in names}


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    monkeypatch.setattr(Docker, "check", lambda _: "Docker 27")
    return Cloud(tmp_path)


def test_every_check_passes_if_everything_can_be_read(cloud: Cloud) -> None:
    doctor(cloud.env())
    assert list(cloud.marks()) == CHECKS
    assert cloud.marks_except() == {"OK"}
    output = cloud.output.getvalue()
    assert "OK   revisions: shop-test-migrate:2, shop-test-nightly:2, shop-test-web:1, shop-test-web:2, " in output
    assert "OK   targets: 1 healthy" in output
    assert "OK   lock: test is not locked, according to shop-releases" in output
    assert output.endswith("A release can read everything that it needs.\n")


@pytest.mark.parametrize("action", READS)
def test_a_denied_read_is_named_and_the_other_checks_run(cloud: Cloud, action: str) -> None:
    name, resource = READS[action]
    cloud.errors[action] = denied(action)
    error = cloud.fails()
    assert action in error.message
    assert resource in error.message
    assert error.hint == f"The role lacks a permission: {action}."
    assert exit_code_of(error) == ExitCode.FAILED
    assert list(cloud.marks()) == CHECKS
    assert (cloud.marks()[name], cloud.marks_except(name)) == ("FAIL", {"OK"})


def test_all_denied_reads_are_reported_together(cloud: Cloud) -> None:
    cloud.errors |= {action: denied(action) for action in ("dynamodb:Query", "ecr:DescribeImages", "logs:GetLogEvents")}
    error = cloud.fails()
    assert error.message.startswith("4 checks failed; nothing was touched:")
    assert all(f"The role lacks a permission: {action}." in error.message for action in cloud.errors)
    assert cloud.marks_except("releases", "versions", "digests", "logs") == {"OK"}


def test_without_the_contract_the_checks_of_services_are_skipped(cloud: Cloud) -> None:
    cloud.errors["terraform"] = TerraformError("terraform init failed: Access Denied")
    assert cloud.fails() is cloud.errors["terraform"]
    skipped = CHECKS[CHECKS.index("contract") + 1 :]
    assert {cloud.marks()[name] for name in skipped} == {"SKIP"}
    assert "SKIP services: needs contract, which failed" in cloud.output.getvalue()
    assert cloud.marks_except("contract", *skipped) == {"OK"}


def test_with_credentials_of_another_account_nothing_is_read_there(cloud: Cloud) -> None:
    cloud.account = "999999999999"
    assert isinstance(cloud.fails(), ConfigError)
    local = CHECKS[: CHECKS.index("account")]
    assert {cloud.marks()[name] for name in local} == {"OK"}
    assert cloud.marks_except("account", *local) == {"SKIP"}


def test_a_missing_resource_is_reported_once(cloud: Cloud) -> None:
    missing = AwsError("there is no ECR repository shop/app", code="RepositoryNotFoundException")
    cloud.errors["ecr:DescribeRepositories"] = missing
    assert cloud.fails().message == missing.message
    assert {cloud.marks()[name] for name in ("tags", "digests", "images")} == {"SKIP"}
    assert cloud.marks_except("repositories", "tags", "digests", "images") == {"OK"}


def test_a_service_without_an_autoscaling_target_is_named(cloud: Cloud) -> None:
    cloud.minimum = None
    error = cloud.fails()
    assert error.message == "there is no autoscaling target for shop-test-web"
    assert "invoke apply --allow-infra" in error.hint


def test_a_service_that_cannot_be_released_is_named_with_its_setting(cloud: Cloud) -> None:
    cloud.settings = ServiceSettings(strategy="BLUE_GREEN")
    error = cloud.fails()
    assert "shop-test-web: deploymentConfiguration.strategy is BLUE_GREEN" in error.message
    assert (cloud.marks()["settings"], cloud.marks_except("settings")) == ("FAIL", {"OK"})


def test_the_settings_of_a_service_are_shown(cloud: Cloud) -> None:
    breaker = CircuitBreaker(enabled=True, rolls_back=True, resets=False, threshold_value=30)
    cloud.settings = ServiceSettings(breaker=breaker, early_success=EarlySuccess(60, "DEFERRED"))
    doctor(cloud.env())
    assert (
        "shop-test-web: rolling, circuit breaker rolls back at 30 %, keeps counting after a healthy task,"
        " early success at 60 %, clean-up DEFERRED" in cloud.output.getvalue()
    )
    assert "OK   alarms: none" in cloud.output.getvalue()


def test_the_deadlines_of_the_services_are_shown_with_their_reasons(cloud: Cloud) -> None:
    cloud.settings = ServiceSettings(target_groups=(GROUP,))
    doctor(cloud.env())
    output = cloud.output.getvalue()
    assert "OK   target groups: 150 s to become healthy, 60 s to drain" in output
    assert "OK   deadlines: worker may take up to 15 min: " in output
    assert "; web may take up to 15 min: 1 batch of " in output


def test_waves_that_may_take_longer_than_a_release_are_named(cloud: Cloud) -> None:
    cloud.deadlines = {"release": 1200}
    doctor(cloud.env())
    assert "but deadlines.release rolls back after 20 min: set it to " in cloud.output.getvalue()


def test_an_alarm_in_alarm_fails_the_check(cloud: Cloud) -> None:
    cloud.burning = ("errors",)
    error = cloud.fails()
    assert error.message == "alarms are in ALARM: shop-test-web: errors"
    assert "--allow-alarm" in error.hint


def test_the_exit_code_is_that_of_the_first_error(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_engine(_: Docker) -> str:
        raise BuildError("no Docker engine answers")

    monkeypatch.setattr(Docker, "check", no_engine)
    cloud.errors["ssm:GetParameter"] = denied("ssm:GetParameter")
    assert exit_code_of(cloud.fails()) == ExitCode.BUILD


def test_a_locked_environment_passes_and_its_holder_is_shown(cloud: Cloud) -> None:
    Ledger(cloud.table, "test").locks.hold("ann's", ACTOR, "a look at the database")
    doctor(cloud.env())
    assert "OK   lock: locked by ann on laptop" in cloud.output.getvalue()


def test_the_state_lock_of_your_own_backend_is_skipped(cloud: Cloud) -> None:
    cloud.backend, cloud.errors["s3:GetObject"] = None, denied("s3:GetObject")
    doctor(cloud.env())
    assert (cloud.marks()["state lock"], cloud.marks_except("state lock")) == ("SKIP", {"OK"})
