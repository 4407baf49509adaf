from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from longshore.aws.ecs_settings import ServiceSettings
from longshore.aws.ecs_types import Service
from longshore.commands.plan import plan
from longshore.errors import AwsError
from longshore.terminal.console import Console
from longshore.terraform.driver import SavedPlan
from tests.fakes.environments import Identity, InstalledTerraform, environment
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
    )
    assert plan(env, None)
    output = out.getvalue() + err.getvalue()
    assert "command" in output
    assert "canary" not in output
