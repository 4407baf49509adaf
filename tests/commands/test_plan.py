"""What is only shown."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from longshore.commands.plan import plan
from longshore.console import Console
from longshore.environment.environment import Environment
from longshore.run import checks
from longshore.terraform.driver import SavedPlan


def containers(version: str) -> str:
    """A container that says its token twice."""
    token = [{"name": "API_TOKEN", "value": f"canary-{version}"}]
    return json.dumps([{"name": "web", "environment": token, "command": ["serve", f"canary-{version}"]}])


class Terraform:
    """A plan of one revision."""

    @contextmanager
    def plan(self, *_: Any, **__: Any) -> Iterator[SavedPlan]:
        yield SavedPlan(Path("plan"), changed=True)

    def show(self, _: SavedPlan) -> dict[str, Any]:
        sides = {side: {"family": "f", "container_definitions": containers(side)} for side in ("before", "after")}
        change = {"actions": ["create", "delete"], **sides}
        return {"resource_changes": [{"address": "a", "type": "aws_ecs_task_definition", "change": change}]}


def test_a_plan_shows_no_secret_of_its_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "reach", lambda *_, **__: None)
    out, told = io.StringIO(), io.StringIO()
    env = cast(Environment, SimpleNamespace(terraform=Terraform(), console=Console(out, told)))
    assert plan(env, None)
    assert "command" in out.getvalue() + told.getvalue()
    assert "canary" not in out.getvalue() + told.getvalue()
