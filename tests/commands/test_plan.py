from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from longshore.commands.plan import plan
from longshore.terminal.console import Console
from longshore.terraform.driver import SavedPlan
from tests.fakes.environments import Identity, InstalledTerraform, environment


def containers(version: str) -> str:
    """A container with a token in its environment and in its command."""
    token = [{"name": "API_TOKEN", "value": f"canary-{version}"}]
    return json.dumps([{"name": "web", "environment": token, "command": ["serve", f"canary-{version}"]}])


class Terraform(InstalledTerraform):
    """Plans a new revision of one task definition."""

    @contextmanager
    def plan(self, *_: Any, **__: Any) -> Iterator[SavedPlan]:
        yield SavedPlan(Path("plan"), changed=True)

    def show(self, _: SavedPlan) -> dict[str, Any]:
        sides = {side: {"family": "f", "container_definitions": containers(side)} for side in ("before", "after")}
        change = {"actions": ["create", "delete"], **sides}
        return {"resource_changes": [{"address": "a", "type": "aws_ecs_task_definition", "change": change}]}


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
