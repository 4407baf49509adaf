"""The part of invoke.yaml under ``longshore:``, checked as a whole before anything runs.

docs/configuration.md is made from these models and their descriptions (``make reference``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from longshore.config.findings import findings
from longshore.config.platforms import canonical
from longshore.config.values import guess, no_boolean, printable, shown, url, url_or_sandbox
from longshore.errors import ConfigError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
"""Names of applications, environments and images: they become part of AWS names and paths."""
Account = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
CloudName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9{][A-Za-z0-9_{}-]*$")]
"""Names of organizations and workspaces of Terraform Cloud: letters, digits, ``-`` and ``_``."""
Platform = Annotated[str, AfterValidator(canonical)]
_LONGEST = 1_000_000
"""Seconds: more than eleven days. No wait of a release is longer."""
_Number = Annotated[float, BeforeValidator(no_boolean)]
Seconds = Annotated[_Number, Field(gt=0, le=_LONGEST, allow_inf_nan=False)]
Url = Annotated[str, AfterValidator(url)]


class Section(BaseModel):
    """A part of the configuration: unknown keys are refused, and texts that no name, path or URL can be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="after")
    @classmethod
    def _check_texts(cls, value: Any, info: ValidationInfo) -> Any:
        name = str(info.field_name)
        if value == "" and cls.model_fields[name].default is not None:
            raise ValueError("must not be empty")
        texts = value if isinstance(value, list) else value.values() if isinstance(value, dict) else [value]
        for text in (text for text in texts if isinstance(text, str)):
            printable(text, lines=name == "build_args")
        return value


class ImageSettings(Section):
    """How one image is built."""

    context: str = Field(
        default=".", description="Folder that is sent to Docker, relative to the folder of invoke.yaml."
    )
    dockerfile: str = Field(default="Dockerfile", description="Path of the Dockerfile, relative to `context`.")
    platform: Platform = Field(
        default="linux/amd64",
        description="Platform of the image, `linux/amd64` or `linux/arm64`; your tasks must run on the same.",
    )
    build_args: dict[str, str] = Field(
        default={}, description="Build arguments. They are visible in the image's history, so never put a secret here."
    )


class StackSettings(Section):
    """A Terraform stack; ``{application}`` and ``{environment}`` in its paths are filled in."""

    dir: str = Field(default="terraform/foundation", description="Folder of the stack that your environments share.")
    var_files: list[str] = Field(default=["environments/foundation.tfvars"], description="Its variable files.")


class TerraformSettings(Section):
    """The Terraform of an application, and the program that runs it."""

    dir: str = Field(default="terraform/app", description="Root module of one environment.")
    var_files: list[str] = Field(
        default=["environments/{environment}.tfvars"],
        description="Variable files of an environment, in order. `{application}` and `{environment}` are filled in.",
    )
    binary: str = Field(default="terraform", description="The Terraform program, as a name on your PATH or as a path.")
    lock_timeout: Seconds = Field(default=60, description="Seconds for which Terraform waits for its lock.")
    foundation: StackSettings | None = Field(
        default=StackSettings(), description="The stack that your environments share; `null` if you manage it yourself."
    )


class BackendSettings(Section):
    """The S3 bucket of Terraform's state."""

    bucket: str | None = Field(
        default=None,
        description="Bucket of the state. By default its name follows from application, account and region.",
    )
    region: str | None = Field(default=None, description="Region of the bucket; by default the environment's.")


class CloudSettings(Section):
    """A workspace of Terraform Cloud; ``{application}`` and ``{environment}`` in its names are filled in."""

    organization: CloudName = Field(description="Your organization on Terraform Cloud.")
    workspace: CloudName = Field(description="The workspace, such as `{application}-{environment}`.")
    hostname: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]+$")] = Field(
        default="app.terraform.io", description="The service's host; `sandbox` for the stand-in of the local cloud."
    )
    project: str | None = Field(default=None, description="Project in which `bootstrap` creates the workspace.")


class EnvironmentTerraform(Section):
    """Where an environment's Terraform runs."""

    cloud: CloudSettings | None = Field(
        default=None,
        description="The workspace that holds the runs or the state; without it, Terraform runs on this machine.",
    )


class Deadlines(Section):
    """How long Longshore waits, in seconds."""

    queue: Seconds = Field(default=900, description="For a build on CodeBuild to get a machine.")
    build: Seconds = Field(default=3600, description="For a build on CodeBuild to finish.")
    release: Seconds = Field(
        default=3600,
        description="For the whole roll-out, the migration included. It wins over the deadlines of the services.",
    )
    rollout: Seconds | None = Field(
        default=None,
        description="For one service to complete. By default, it follows from the service, and `invoke plan` shows it."
        " A rollback gets the same time, even if `release` has run out.",
    )
    services: dict[Name, Seconds] = Field(
        default={}, description="`rollout` for single services, which wins: `{web: 1200}`."
    )
    migration: Seconds = Field(default=1800, description="For the migration to end.")
    verify: Seconds = Field(default=60, description="For the tasks to be verified, and for each health URL.")
    bake: Annotated[_Number, Field(ge=0, le=_LONGEST, allow_inf_nan=False)] = Field(
        default=5, description="How long everything must stay healthy after the last wave."
    )
    terraform: Seconds = Field(
        default=1800,
        description="For a Terraform Cloud run to finish planning, and again to finish applying; the queue counts.",
    )
    terraform_back: Seconds = Field(
        default=300, description="For the planning after a rollback. Your verdict does not wait longer than this."
    )


class LockSettings(Section):
    """The lock of an environment."""

    lease: Annotated[_Number, Field(ge=1, le=_LONGEST, allow_inf_nan=False)] = Field(
        default=60,
        description="Seconds without a heartbeat after which you may take over a lock. A release sends three "
        "in that time.",
    )


class EnvironmentSettings(Section):
    """One environment of an application."""

    account: Account = Field(description="The AWS account, twelve digits in quotes.")
    region: str | None = Field(default=None, description="The AWS region; by default the application's.")
    endpoint: Annotated[str, AfterValidator(url_or_sandbox)] | None = Field(
        default=None, description="`sandbox`, or a URL that answers AWS's API; by default AWS itself."
    )
    base_url: Url | None = Field(
        default=None, description="URL to which the paths of `verify` in your variable file are appended."
    )
    backend: BackendSettings | None = Field(
        default=BackendSettings(),
        description="Where the state is; `null` if your root's own `backend` block is complete.",
    )
    terraform: EnvironmentTerraform = Field(default=EnvironmentTerraform(), description="Where Terraform runs.")
    deadlines: Deadlines = Field(default=Deadlines(), description="How long to wait.")
    lock: LockSettings = Field(default=LockSettings(), description="The lock of this environment.")


class ApplicationSettings(Section):
    """One application."""

    region: str = Field(description="The AWS region of its registry, and of its environments by default.")
    build_on: Literal["local", "codebuild"] = Field(
        default="local", description="Where images are built, unless you pass `--on`."
    )
    images: dict[Name, ImageSettings] = Field(
        default={"app": ImageSettings()}, min_length=1, description="The images, by name; by default one, named `app`."
    )
    terraform: TerraformSettings = Field(default=TerraformSettings(), description="The Terraform of this application.")
    allow_changes: list[str] = Field(
        default=[],
        description="Addresses or types that a release may change besides task definitions. `*` stands for any text.",
    )
    environments: dict[Name, EnvironmentSettings] = Field(min_length=1, description="The environments, by name.")


class SandboxSettings(Section):
    """The local cloud."""

    port: Annotated[int, BeforeValidator(no_boolean)] = Field(
        default=0, ge=0, le=65535, description="Port of its AWS API on 127.0.0.1; 0 takes any free one."
    )


class Settings(Section):
    """Everything under ``longshore:``."""

    applications: dict[Name, ApplicationSettings] = Field(min_length=1, description="Your applications, by name.")
    sandbox: SandboxSettings = Field(default=SandboxSettings(), description="The local cloud.")


def load(raw: Any) -> Settings:
    """Checks the whole of ``longshore:``.

    Args:
        raw: a mapping as Invoke read it, environment variables included; None if there is no such key.

    Raises:
        ConfigError: lists every mistake, each with the path of its key.
    """
    if not raw:
        raise ConfigError(
            "invoke.yaml has no settings under longshore:", "Start with the example in docs/configuration.md."
        )
    if not isinstance(raw, Mapping):
        raise ConfigError(
            f"invoke.yaml: longshore must be a mapping of keys to values, not {shown(raw)}",
            "Start with the example in docs/configuration.md.",
        )
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        problems = findings(error, "longshore", Settings)
        lines = "\n".join(f"  {problem}" for problem in problems)
        raise ConfigError(
            f"invoke.yaml has {len(problems)} error{'s' * (len(problems) > 1)}:\n{lines}",
            "Fix invoke.yaml (or the INVOKE_… variable that sets the key) and run the command again.",
        ) from None


def choose(kind: str, names: Mapping[str, Any], wanted: str | None) -> str:
    """The wanted name, or the only one there is.

    Raises:
        ConfigError: unknown, or several and none wanted; the message lists them.
    """
    known = ", ".join(sorted(names))
    if wanted is None:
        if len(names) == 1:
            return next(iter(names))
        raise ConfigError(f"there are several {kind}s: {known}", "Choose one with -a.")
    if wanted not in names:
        raise ConfigError(f"there is no {kind} {shown(wanted)}{guess(wanted, names)}", f"Use one of: {known}.")
    return wanted
