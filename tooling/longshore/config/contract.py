"""The contract: the output ``release`` of a Terraform root, as frozen values (docs/terraform.md)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from longshore.config.findings import findings
from longshore.config.values import printable
from longshore.errors import ConfigError

TaskDefinitionArn = Annotated[str, StringConstraints(pattern=r"^arn:[^:]+:ecs:[^:]+:\d{12}:task-definition/[^:]+:\d+$")]
Percent = Annotated[int, Field(ge=0, le=400)]

UNRELEASED = "unreleased"
"""The tag before the first release: a normal state, which is never rolled out."""


class Part(BaseModel):
    """A part of the contract. Unknown keys are refused: they may have a meaning in a newer contract."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="after")
    @classmethod
    def _check_texts(cls, value: Any) -> Any:
        inner = [value] if isinstance(value, str) else value if isinstance(value, (list, dict)) else ()
        for text in inner:
            if isinstance(text, str):
                printable(text)
        return value


class Service(Part):
    """A service with its last registered revision.

    ``min_capacity`` is the lower bound of autoscaling once the service has been released; None if the service is not
    scaled, or if Terraform sets the bound.
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
    """A capacity provider's share of the tasks.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html
    """

    capacity_provider: str
    weight: Annotated[int, Field(ge=0, le=1000)] = 1
    base: Annotated[int, Field(ge=0, le=100_000)] = 0


class Launch(Part):
    """Where the migration task runs: on its capacity providers or, without any, by its launch type."""

    type: Literal["EC2", "FARGATE"]
    capacity_provider_strategy: list[CapacityProvider] = []
    subnets: list[str] = []
    security_groups: list[str] = []
    assign_public_ip: bool = False


class Migration(Part):
    """The one-off task that must exit with code 0 before the wave ``before_wave`` is rolled out."""

    task_definition: TaskDefinitionArn
    container: str
    log_group: str
    before_wave: Annotated[int, Field(ge=1)]
    launch: Launch


class Check(Part):
    """A path of a service that must respond as expected."""

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
    def _check_references(self) -> Contract:
        for check in self.verify:
            if check.service not in self.services:
                raise ValueError(f"verify: service {check.service!r} is not in services")
        for key, service in self.services.items():
            if service.min_capacity and not service.autoscaled:
                raise ValueError(f"services.{key}.min_capacity is set, but autoscaled is false")
            for container, image in service.containers.items():
                if image not in self.images:
                    raise ValueError(f"services.{key}.containers.{container}: image {image!r} is not in images")
        return self

    def task_definitions(self) -> list[str]:
        """The last registered revisions (ARNs) of services, schedules and the migration."""
        arns = [service.task_definition for service in self.services.values()]
        arns += [schedule.task_definition for schedule in self.schedules.values()]
        return arns + ([self.migration.task_definition] if self.migration else [])

    def names(self) -> list[str]:
        """The names of everything that the contract describes, and the registered version."""
        families = [arn.rpartition("/")[2].partition(":")[0] for arn in self.task_definitions()]
        return [
            *(self.application, self.environment, self.region, self.account_id),
            *(self.cluster, self.image_tag, self.image_tag_parameter, *families),
            *(name for key, s in self.services.items() for name in (key, s.name, s.log_group, *s.containers)),
            *(name for key, s in self.schedules.items() for name in (key, s.rule, s.target_id)),
            *(name for key, image in self.images.items() for name in (key, image.repository)),
        ]

    def waves(self) -> list[list[str]]:
        """The keys of the services, wave by wave, each wave sorted."""
        return [sorted(key for key, s in self.services.items() if s.wave == number) for number in self.wave_numbers()]

    def wave_numbers(self) -> list[int]:
        """The numbers of the waves, in order."""
        return sorted({service.wave for service in self.services.values()})


def parse(output: Any, application: str, environment: str) -> Contract:
    """Parses the output ``release``.

    Args:
        output: the value of the output, or None if the root has none.
        application: the application that it must describe.
        environment: the environment that it must describe.

    Raises:
        ConfigError: it is not a contract, or describes another environment; lists all problems by the path of the key.
    """
    if output is None:
        raise ConfigError(
            f"the Terraform state of {application}/{environment} has no output 'release'",
            f"Run: invoke bootstrap -e {environment}",
        )
    try:
        contract = Contract.model_validate(output)
    except ValidationError as error:
        problems = "".join(f"\n  {problem}" for problem in findings(error, "release", Contract))
        raise ConfigError(
            f"the Terraform output 'release' does not match the contract:{problems}",
            "Fix the output; docs/terraform.md describes the contract.",
        ) from None
    described = (contract.application, contract.environment)
    if described != (application, environment):
        raise ConfigError(
            f"the Terraform root describes {'/'.join(described)}, not {application}/{environment}",
            "Fix application and environment_name in the variable file.",
        )
    return contract
