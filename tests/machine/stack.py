"""Terraform in memory: the stack of one environment, which registers a revision of every family for a tag."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longshore.config.contract import UNRELEASED
from longshore.errors import StalePlanError
from longshore.terraform.driver import PLAN_DEFAULTS, OnEvent, PlanOptions, SavedPlan, Variables
from tests.machine.fleet import ACCOUNT, REGION, Fleet, Revision

APPLICATION = "shop"
WAVES = {"worker": 1, "web": 2}
COUNTS = {"worker": 1, "web": 2}
MIGRATE, NIGHTLY = "migrate", "nightly"
KEYS = (*WAVES, MIGRATE, NIGHTLY)


def name_of(environment: str, key: str) -> str:
    """A family, which is also the name of its service or rule."""
    return f"{APPLICATION}-{environment}-{key}"


def parameter_of(environment: str) -> str:
    """The parameter that says which tag is released."""
    return f"/{APPLICATION}/{environment}/image_tag"


def content(environment: str, key: str, tag: str) -> dict[str, Any]:
    """A revision as RegisterTaskDefinition takes it."""
    options = {"awslogs-group": f"/{environment}/{key}", "awslogs-stream-prefix": "ecs"}
    container = {
        "name": key,
        "image": f"registry/{APPLICATION}/app:{tag}",
        "essential": True,
        "environment": [{"name": "RELEASE_VERSION", "value": tag}],
        "logConfiguration": {"logDriver": "awslogs", "options": options},
    }
    return {"family": name_of(environment, key), "containerDefinitions": [container]}


@dataclass
class State:
    """What Terraform's state of an environment has: revisions by key, the tag, and how often it was changed."""

    environment: str
    revisions: dict[str, Revision]
    tag: str = UNRELEASED
    serial: int = 0
    plans: dict[Path, tuple[str, list[str], int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Stack:
    """A driver of Terraform (longshore.terraform.driver) in memory.

    Args:
        state: of the environment.
        fleet: where revisions are registered.
        released: reads the parameter.
        about_to: told of each registration before it is made.
    """

    state: State
    fleet: Fleet
    released: Callable[[], str]
    about_to: Callable[[str, str], None]

    def check(self) -> str:
        """The version."""
        return "1.11.4"

    @contextmanager
    def plan(self, variables: Variables | None = None, options: PlanOptions = PLAN_DEFAULTS) -> Iterator[SavedPlan]:
        """Makes a plan; without a tag it takes the parameter's."""
        state = self.state
        tag = (variables or {}).get("image_tag") or self.released()
        changed = [key for key in KEYS if state.revisions[key].tag != tag]
        file = Path(f"plan-{len(state.plans)}")
        state.plans[file] = tag, changed, state.serial
        yield SavedPlan(file, changed=bool(changed) or tag != state.tag)

    def show(self, plan: SavedPlan) -> dict[str, Any]:
        """The plan as JSON."""
        tag, changed, _ = self.state.plans[plan.file]
        return {"resource_changes": [self._change(key, tag) for key in changed]}

    def apply(self, plan: SavedPlan, on_event: OnEvent | None = None) -> dict[str, Any]:
        """Registers what the plan would change.

        Raises:
            StalePlanError: the state has changed since.
        """
        state = self.state
        tag, changed, serial = state.plans[plan.file]
        if serial != state.serial:
            raise StalePlanError("Saved plan is stale")
        for key in changed:
            self.about_to(key, tag)
            state.revisions[key] = self.fleet.register(
                state.environment, key, tag, content(state.environment, key, tag)
            )
        state.tag, state.serial = tag, serial + 1
        return self.outputs()

    def outputs(self) -> dict[str, Any]:
        """All outputs."""
        return {"release": contract(self.state)}

    def _change(self, key: str, tag: str) -> dict[str, Any]:
        before, after = self.state.revisions[key].content, content(self.state.environment, key, tag)
        change = {"actions": ["create", "delete"], "before": _values(before), "after": _values(after)}
        return {"address": f"aws_ecs_task_definition.{key}", "type": "aws_ecs_task_definition", "change": change}


def _values(made: Mapping[str, Any]) -> dict[str, Any]:
    containers = json.dumps(made["containerDefinitions"])
    return {"family": made["family"], "skip_destroy": True, "container_definitions": containers}


def contract(state: State) -> dict[str, Any]:
    """The output ``release``."""
    environment, arns = state.environment, {key: revision.arn for key, revision in state.revisions.items()}
    launch = {"type": "EC2", "subnets": [], "security_groups": [], "assign_public_ip": False}
    return {
        "schema": 1,
        "application": APPLICATION,
        "environment": environment,
        "region": REGION,
        "account_id": ACCOUNT,
        "cluster": f"{APPLICATION}-{environment}",
        "image_tag": state.tag,
        "image_tag_parameter": parameter_of(environment),
        "services": {
            key: {
                "name": name_of(environment, key),
                "task_definition": arns[key],
                "containers": {key: "app"},
                "desired_count": COUNTS[key],
                "wave": wave,
                "port": 8080 if key == "web" else None,
                "log_group": f"/{environment}/{key}",
                "strategy": "ROLLING",
                "minimum_healthy_percent": 100,
                "maximum_percent": 200,
                "autoscaled": False,
            }
            for key, wave in WAVES.items()
        },
        "schedules": {
            NIGHTLY: {
                "rule": name_of(environment, NIGHTLY),
                "target_id": "task",
                "task_definition": arns[NIGHTLY],
            }
        },
        "migration": {
            "task_definition": arns[MIGRATE],
            "container": MIGRATE,
            "log_group": f"/{environment}/{MIGRATE}",
            "before_wave": 1,
            "launch": launch,
        },
        "verify": [{"service": "web", "path": "/health", "expect_status": 200, "expect_text": None}],
        "images": {"app": {"repository": f"{APPLICATION}/app"}},
    }
