"""What a Terraform root promises in its output ``release``, as frozen values."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from longshore.errors import ConfigError

TaskDefinitionArn = Annotated[str, StringConstraints(pattern=r"^arn:[^:]+:ecs:[^:]+:\d{12}:task-definition/[^:]+:\d+$")]
Percent = Annotated[int, Field(ge=0, le=400)]

UNRELEASED = "unreleased"
"""The tag before the first release: a normal state, never rolled out."""


class Part(BaseModel):
    """A part of the contract: unknown keys are refused, for a newer contract may mean something by them."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Service(Part):
    """A service, and the revision registered last.

    ``min_capacity`` is the count that autoscaling shall not go below once the service was released; None where nothing
    scales it, or where it is Terraform that sets this bound.
    """

    name: str
    task_definition: TaskDefinitionArn
    containers: dict[str, str]
    desired_count: Annotated[int, Field(ge=0)]
    wave: Annotated[int, Field(ge=1)]
    port: int | None = None
    log_group: str
    strategy: Literal["ROLLING"]
    minimum_healthy_percent: Percent
    maximum_percent: Percent
    autoscaled: bool
    min_capacity: Annotated[int, Field(ge=1)] | None = None


class Schedule(Part):
    """A scheduled task: the EventBridge target that a release moves."""

    rule: str
    target_id: str
    task_definition: TaskDefinitionArn


class CapacityProvider(Part):
    """A capacity provider's part of the tasks, as ECS weighs it (ECS API, CapacityProviderStrategyItem)."""

    capacity_provider: str
    weight: Annotated[int, Field(ge=0, le=1000)] = 1
    base: Annotated[int, Field(ge=0, le=100_000)] = 0


class Launch(Part):
    """Where the migration task runs: by its capacity providers, or where there are none by its launch type."""

    type: Literal["EC2", "FARGATE"]
    capacity_provider_strategy: list[CapacityProvider] = []
    subnets: list[str] = []
    security_groups: list[str] = []
    assign_public_ip: bool = False


class Migration(Part):
    """The one-off task that must exit 0 before wave ``before_wave`` moves."""

    task_definition: TaskDefinitionArn
    container: str
    log_group: str
    before_wave: Annotated[int, Field(ge=1)]
    launch: Launch


class Check(Part):
    """A path of a service that must answer."""

    service: str
    path: Annotated[str, StringConstraints(pattern=r"^/")]
    expect_status: int = 200
    expect_text: str | None = None


class Image(Part):
    """The repository of an image, by name."""

    repository: str


class Contract(Part):
    """The output ``release``."""

    schema_: Literal[1] = Field(alias="schema")
    application: str
    environment: str
    region: str
    account_id: str
    cluster: str
    image_tag: str
    image_tag_parameter: str
    services: dict[str, Service] = Field(min_length=1)
    schedules: dict[str, Schedule] = {}
    migration: Migration | None = None
    verify: list[Check] = []
    images: dict[str, Image] = Field(min_length=1)

    @model_validator(mode="after")
    def _refer_to_what_exists(self) -> Contract:
        for check in self.verify:
            if check.service not in self.services:
                raise ValueError(f"verify names service {check.service!r}, which services does not have")
        for key, service in self.services.items():
            if service.min_capacity and not service.autoscaled:
                raise ValueError(f"services.{key} has min_capacity, and autoscaled is false")
            for container, image in service.containers.items():
                if image not in self.images:
                    raise ValueError(f"services.{key}.containers.{container} names image {image!r}, not in images")
        return self

    def task_definitions(self) -> list[str]:
        """The revisions (ARNs) that are registered last: of services, schedules and the migration."""
        found = [service.task_definition for service in self.services.values()]
        found += [schedule.task_definition for schedule in self.schedules.values()]
        return found + ([self.migration.task_definition] if self.migration else [])

    def waves(self) -> list[list[str]]:
        """The keys of the services, wave by wave, each wave sorted."""
        return [sorted(key for key, s in self.services.items() if s.wave == number) for number in self.wave_numbers()]

    def wave_numbers(self) -> list[int]:
        """The waves in their order."""
        return sorted({service.wave for service in self.services.values()})


def parse(output: Any, application: str, environment: str) -> Contract:
    """Makes a contract of the output ``release``.

    Args:
        output: the value of the output, or None where the root has none.
        application: the application it must be for.
        environment: the environment it must be for.

    Raises:
        ConfigError: it does not fit; every finding with the path of its key.
    """
    if output is None:
        raise ConfigError(
            f"Terraform's state of {application}/{environment} has no output 'release'",
            f"Run: invoke bootstrap -e {environment}",
        )
    try:
        contract = Contract.model_validate(output)
    except ValidationError as error:
        findings = [f"  {'.'.join(['release', *map(str, e['loc'])])}: {e['msg']}" for e in error.errors()]
        raise ConfigError(
            "Terraform's output 'release' is not the contract that Longshore reads:\n" + "\n".join(findings),
            "docs/terraform.md describes the output.",
        ) from None
    given = (contract.application, contract.environment)
    if given != (application, environment):
        raise ConfigError(
            f"the Terraform root describes {'/'.join(given)}, not {application}/{environment}",
            "Look at application and environment_name in the variable file.",
        )
    return contract
