from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from longshore.aws.ecs_settings import ServiceSettings
from longshore.aws.ecs_types import Service
from longshore.commands.plan import plan
from longshore.config.contract import Contract, parse
from longshore.errors import AwsError, ConfigError
from longshore.terminal.console import Console
from longshore.terraform.driver import SavedPlan
from tests.fakes.environments import ACCOUNT, SHOP, Identity, InstalledTerraform, environment
from tests.fakes.samples import deployment, release_output, service


def containers(version: str) -> str:
    """A container with a token in its environment and in its command."""
    token = [{"name": "API_TOKEN", "value": f"canary-{version}"}]
    return json.dumps([{"name": "web", "environment": token, "command": ["serve", f"canary-{version}"]}])


class Terraform(InstalledTerraform):
    """Plans a new revision of one task definition, in a stack that has no outputs yet."""

    def outputs(self) -> dict[str, Any]:
        return {}

    @contextmanager
    def plan(self, *_: Any, **__: Any) -> Iterator[SavedPlan]:
        yield SavedPlan(Path("plan"), changed=True)

    def show(self, _: SavedPlan) -> dict[str, Any]:
        sides = {side: {"family": "f", "container_definitions": containers(side)} for side in ("before", "after")}
        change = {"actions": ["create", "delete"], **sides}
        return {"resource_changes": [{"address": "a", "type": "aws_ecs_task_definition", "change": change}]}


def planned(folder: Path, aws: Any, terraform: Any) -> str:
    """What is said beside a plan of an environment."""
    err = io.StringIO()
    console = Console(io.StringIO(), err)
    made = environment(folder, console=console, aws=SimpleNamespace(identity=Identity(), ecs=aws))
    made.__dict__["terraform_of"] = lambda _stack: terraform
    assert plan(made, None)
    return err.getvalue()


class Released(Terraform):
    """Has been applied before."""

    def outputs(self) -> dict[str, Any]:
        return {"release": release_output()}


class Ecs:
    """Answers with one service, whatever its name, or with an error."""

    def __init__(self, answer: ServiceSettings | AwsError) -> None:
        self.answer = answer

    def services(self, _cluster: str, names: Sequence[str]) -> dict[str, Service]:
        if isinstance(self.answer, AwsError):
            raise self.answer
        running = service(deployment("one", "COMPLETED", revision=1))
        return {name: replace(running, name=name, settings=self.answer) for name in names}

    def task_definition(self, _arn: str) -> dict[str, Any]:
        return {}


def test_a_plan_warns_of_services_that_a_release_would_refuse(tmp_path: Path) -> None:
    output = planned(tmp_path, Ecs(ServiceSettings(scheduling="DAEMON")), Released())
    assert "a release would be refused" in output
    assert "shop-test-web: schedulingStrategy is DAEMON" in output
    assert "Create the service again" in output


def test_a_plan_says_if_the_settings_cannot_be_read(tmp_path: Path) -> None:
    output = planned(tmp_path, Ecs(AwsError("denied", "The role lacks a permission.", "AccessDenied")), Released())
    assert "could not read the settings of the services: denied. The role lacks a permission." in output


def test_a_plan_of_good_services_or_of_a_new_stack_says_nothing_of_settings(tmp_path: Path) -> None:
    assert "settings" not in planned(tmp_path, Ecs(ServiceSettings()), Released())
    assert "settings" not in planned(tmp_path, None, Terraform())


def test_a_plan_shows_no_secret_of_its_containers(tmp_path: Path) -> None:
    out, err = io.StringIO(), io.StringIO()
    env = environment(
        tmp_path,
        console=Console(out, err),
        aws=SimpleNamespace(identity=Identity()),
        terraform_of=lambda _stack: Terraform(),
        contract=not_created,
    )
    assert plan(env, None)
    output = out.getvalue() + err.getvalue()
    assert "command" in output
    assert "canary" not in output


def not_created() -> Contract:
    raise ConfigError("the Terraform state of shop/test has no output 'release'")


def shown(folder: Path, contract: Callable[[], Contract], **deadlines: Any) -> str:
    """The output of a plan of two services without a load balancer, whose target groups may not be read."""
    out = io.StringIO()
    plain = service(deployment("one", "COMPLETED", revision=1))
    ecs = SimpleNamespace(services=lambda _cluster, names: dict.fromkeys(names, plain), task_definition=lambda _arn: {})
    env = environment(
        folder,
        settings=SHOP | {"environments": {"test": {"account": ACCOUNT, "deadlines": deadlines}}},
        console=Console(io.StringIO(), out),
        aws=SimpleNamespace(identity=Identity(), ecs=ecs),
        terraform_of=lambda _stack: Terraform(),
        contract=contract,
    )
    plan(env, None)
    return out.getvalue()


def test_a_plan_says_how_long_each_service_may_take_and_why(tmp_path: Path) -> None:
    output = shown(tmp_path, lambda: parse(release_output(), "shop", "test"), services={"web": 1200})
    assert output.endswith(
        "worker may take up to 15 min: 1 batch of 2 tasks, 300 s to start, 40 s to become healthy;"
        " 300 s in reserve; no service gets less than 15 min\n"
        "web: up to 20 min (deadlines.services.web in invoke.yaml)\n"
    )


def test_a_plan_names_waves_that_may_take_longer_than_a_release(tmp_path: Path) -> None:
    output = shown(tmp_path, lambda: parse(release_output(), "shop", "test"), rollout=1200, release=1800)
    assert output.endswith("but deadlines.release rolls back after 30 min: set it to 2400 or more in invoke.yaml\n")


def test_a_plan_before_the_services_exist_is_shown_all_the_same(tmp_path: Path) -> None:
    output = shown(tmp_path, not_created)
    assert "The time that the services may take to roll out could not be determined: the Terraform state" in output
