"""The application of the scenarios: what Terraform would make of it, and what stands in for Terraform."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from longshore.errors import TerraformError
from longshore.terraform.driver import PLAN_DEFAULTS, OnEvent, PlanOptions, SavedPlan, Variables
from tests.scenarios.scenario import Shape

APPLICATION, ENVIRONMENT = "storefront", "sandbox"
ACCOUNT, REGION = "123456789012", "eu-central-1"
CLUSTER = f"{APPLICATION}-{ENVIRONMENT}"
REPOSITORY = f"{APPLICATION}/app"
PARAMETER = f"/{APPLICATION}/{ENVIRONMENT}/image_tag"
TABLE = f"{APPLICATION}-releases"
MIGRATE, NIGHTLY = "migrate", "nightly"
UNBUILT = "proxy"
"""An image of which invoke.yaml knows nothing."""
PINNED = "v0.9.0"
"""The tag of an image that is written into the Terraform of a service."""

PUBLIC = "public.ecr.aws/nginx/nginx:1.29"
"""An image that is built elsewhere."""

Content = Mapping[str, Any]
"""RegisterTaskDefinition's parameters."""


def family(key: str) -> str:
    """The family of a service, of the migration or of the scheduled task; a service has the same name."""
    return f"{CLUSTER}-{key}"


def log_group(key: str) -> str:
    """Where its containers log."""
    return f"/{APPLICATION}/{ENVIRONMENT}/{key}"


def keys(shape: Shape) -> list[str]:
    """Everything that has a task definition."""
    found = list(shape.services)
    found += [MIGRATE] if shape.migration else []
    return sorted(found + ([NIGHTLY] if shape.schedule else []))


def content(shape: Shape, key: str, repository: str, tag: str, greeting: str) -> Content:
    """A revision, as the module task_definition makes it."""
    service = shape.services.get(key)
    container: dict[str, Any] = {
        "name": key,
        "image": PUBLIC if key in shape.foreign else f"{repository}:{PINNED if key in shape.pinned else tag}",
        "essential": True,
        "memory": 64,
        "environment": [{"name": "RELEASE_VERSION", "value": tag}, {"name": "GREETING", "value": greeting}],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {"awslogs-group": log_group(key), "awslogs-region": REGION, "awslogs-stream-prefix": "ecs"},
        },
    }
    if service and service.port:
        container["portMappings"] = [{"containerPort": service.port, "hostPort": 0}]
    if service and service.health_check:
        container["healthCheck"] = {"command": ["CMD", "true"]}
    return {"family": family(key), "networkMode": "bridge", "containerDefinitions": [container]}


def _containers(shape: Shape, key: str) -> dict[str, str]:
    """The image of the container of a service, unless it is a public one."""
    return {} if key in shape.foreign else {key: UNBUILT if shape.unbuilt and key in shape.added else "app"}


def contract(shape: Shape, arns: Mapping[str, str], tag: str) -> dict[str, Any]:
    """The output ``release``, with the services that there are."""
    services = {key: service for key, service in sorted(shape.services.items()) if key in arns}
    unbuilt = {UNBUILT} if shape.unbuilt and shape.added.keys() & services.keys() else set()
    return {
        "schema": 1,
        "application": APPLICATION,
        "environment": ENVIRONMENT,
        "region": REGION,
        "account_id": ACCOUNT,
        "cluster": CLUSTER,
        "image_tag": tag,
        "image_tag_parameter": PARAMETER,
        "services": {
            key: {
                "name": family(key),
                "task_definition": arns[key],
                "containers": _containers(shape, key),
                "desired_count": service.count,
                "wave": service.wave,
                "port": service.port,
                "log_group": log_group(key),
                "strategy": "ROLLING",
                "minimum_healthy_percent": 100,
                "maximum_percent": 200,
                "autoscaled": bool(service.minimum),
                "min_capacity": service.minimum or None,
            }
            for key, service in services.items()
        },
        "schedules": {NIGHTLY: {"rule": family(NIGHTLY), "target_id": "task", "task_definition": arns[NIGHTLY]}}
        if shape.schedule
        else {},
        "migration": {
            "task_definition": arns[MIGRATE],
            "container": MIGRATE,
            "log_group": log_group(MIGRATE),
            "before_wave": shape.migration,
            "launch": {"type": "EC2", "subnets": [], "security_groups": [], "assign_public_ip": False},
        }
        if shape.migration
        else None,
        "verify": [
            {"service": key, "path": "/health", "expect_status": 200, "expect_text": None}
            for key, service in services.items()
            if service.port
        ],
        "images": {key: {"repository": f"{APPLICATION}/{key}"} for key in {"app"} | unbuilt},
    }


@dataclass
class Revision:
    """A task definition in Terraform's state."""

    arn: str
    content: Content


@dataclass(frozen=True)
class _Plan:
    """A plan: what it registers by key, and whether it changes the policy, or the outputs alone."""

    tag: str
    changed: dict[str, Content]
    policy: bool
    targeted: bool
    refresh_only: bool


@dataclass
class Stack:
    """Stands in for Terraform (longshore.terraform.driver) with the stack terraform/app.

    Its apply registers every revision whose content differs from the state's, and does nothing else: services and
    targets ignore their task definition. A plan without a tag takes the one of the parameter.

    Args:
        shape: the application.
        repository: URI of the repository.
        ecs: a boto3 client, with the retries of Terraform's provider.
        ssm: likewise.
        folder: where plans are kept.
    """

    shape: Shape
    repository: str
    ecs: Any
    ssm: Any
    folder: Path
    scaled: Callable[[str, int], None]
    greeting: str = "hello"
    revisions: dict[str, Revision] = field(default_factory=dict)
    deregistered: set[str] = field(default_factory=set)
    written: dict[str, Any] = field(default_factory=dict)
    applied: bool = False
    _plans: dict[Path, _Plan] = field(default_factory=dict)

    def check(self) -> str:
        """The version."""
        return "1.11.4"

    @contextmanager
    def plan(self, variables: Variables | None = None, options: PlanOptions = PLAN_DEFAULTS) -> Iterator[SavedPlan]:
        """Makes a plan."""
        tag = (variables or {}).get("image_tag") or self._read_tag()
        targets, refresh_only = options.targets, options.refresh_only
        wanted = {key: content(self.shape, key, self.repository, tag, self.greeting) for key in keys(self.shape)}
        changed = {
            key: new
            for key, new in wanted.items()
            if (
                key not in self.revisions
                or self.revisions[key].content != new
                or self.revisions[key].arn in self.deregistered  # the provider creates it again
            )
            and not refresh_only
            and (not targets or _address(key) in targets)
        }
        policy = self.shape.unapplied and not self.applied and not targets and not refresh_only
        file = self.folder / f"plan-{len(self._plans)}"
        self._plans[file] = _Plan(tag, changed, policy, bool(targets), refresh_only)
        resources = bool(changed) or policy
        yield SavedPlan(file, changed=resources or (not targets and self._outputs(tag) != self.written))

    def show(self, plan: SavedPlan) -> dict[str, Any]:
        """The plan as JSON."""
        made = self._plans[plan.file]
        changes = [_change(key, self.revisions.get(key), new) for key, new in sorted(made.changed.items())]
        changes += [
            _creation(key) for key in sorted(self.shape.added) if key not in self.revisions and key in made.changed
        ]
        unknown = {key: {"name": True} for key in self.shape.added if key not in self.revisions}
        return {
            "resource_changes": changes + ([_POLICY] if made.policy else []),
            "output_changes": {
                "release": {
                    "actions": ["update"],
                    "after": {"services": {key: {"min_capacity": s.minimum} for key, s in self.shape.services.items()}},
                    "after_unknown": {"services": unknown},
                }
            },
        }

    def state(self) -> dict[str, Any]:
        """What is registered, as JSON."""
        resources = [
            {"address": _address(key), "mode": "managed", "type": "aws_ecs_task_definition", "values": {"arn": one.arn}}
            for key, one in self.revisions.items()
        ]
        return {"values": {"root_module": {"child_modules": [{"resources": resources}]}}}

    def apply(self, plan: SavedPlan, on_event: OnEvent | None = None) -> dict[str, Any]:
        """Registers what the plan would change; goes on after an error, as Terraform does with what stands alone.

        Raises:
            TerraformError: one could not be registered; the others are.
        """
        made = self._plans[plan.file]
        errors = []
        for key, new in sorted(made.changed.items()):
            try:
                answer = self.ecs.register_task_definition(**new)
            except (ClientError, BotoCoreError) as error:
                errors.append(f"  creating ECS Task Definition ({new['family']}) ({_address(key)}): {error}")
            else:
                arn = answer["taskDefinition"]["taskDefinitionArn"]
                if key in self.shape.added and key not in self.revisions:
                    self.ecs.create_service(
                        cluster=CLUSTER, serviceName=family(key), taskDefinition=arn, desiredCount=0
                    )
                    self.scaled(key, 0)
                self.revisions[key] = Revision(arn, new)
        if errors:
            raise TerraformError(f"terraform apply of {ENVIRONMENT} failed:\n" + "\n".join(errors))
        self.applied = self.applied or made.policy
        if not made.targeted:  # root outputs depend on more than a target
            self.written = self._outputs(made.tag)
        return self.outputs()

    def outputs(self) -> dict[str, Any]:
        """All outputs."""
        return self.written

    def _outputs(self, tag: str) -> dict[str, Any]:
        return {"release": contract(self.shape, {key: found.arn for key, found in self.revisions.items()}, tag)}

    def pending(self) -> bool:
        """Whether a plan without a tag would change something."""
        with self.plan() as saved:
            return saved.changed

    def _read_tag(self) -> str:
        return str(self.ssm.get_parameter(Name=PARAMETER)["Parameter"]["Value"])


_POLICY = {
    "address": "aws_iam_role_policy.somebody_elses",
    "type": "aws_iam_role_policy",
    "change": {"actions": ["update"], "before": {"policy": "{}"}, "after": {"policy": "{ }"}},
}


def _address(key: str) -> str:
    return f'module.tasks["{key}"].aws_ecs_task_definition.this'


def _change(key: str, before: Revision | None, after: Content) -> dict[str, Any]:
    return {
        "address": _address(key),
        "type": "aws_ecs_task_definition",
        "change": {
            "actions": ["create", "delete"] if before else ["create"],
            "before": _values(before.content) if before else None,
            "after": _values(after),
        },
    }


def _creation(key: str) -> dict[str, Any]:
    change = {"actions": ["create"], "before": None, "after": {"name": family(key)}}
    return {"address": f'module.services["{key}"].aws_ecs_service.this', "type": "aws_ecs_service", "change": change}


def _values(made: Content) -> dict[str, Any]:
    containers: Sequence[Any] = made["containerDefinitions"]
    return {"family": made["family"], "skip_destroy": True, "container_definitions": json.dumps(containers)}
