"""What the user wrote in invoke.yaml under ``longshore:``, checked as a whole before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from longshore.errors import ConfigError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
"""Names of applications, environments and images: they become part of AWS names and paths."""
Account = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
CloudName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9{][A-Za-z0-9_{}-]*$")]
"""Names of organizations and workspaces of Terraform Cloud: letters, digits, ``-`` and ``_``."""
Seconds = Annotated[float, Field(gt=0)]

_EXPLANATIONS = {
    "string_pattern_mismatch": "{input!r} does not match {ctx[pattern]}",
    "string_type": "must be a string, got {input!r} (put it in quotes)",
    "too_short": "must not be empty",
    "missing": "is missing",
}


class Section(BaseModel):
    """A part of the configuration: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ImageSettings(Section):
    """How one image is built. Paths are relative to the folder of invoke.yaml, ``dockerfile`` to ``context``."""

    context: str = "."
    dockerfile: str = "Dockerfile"
    platform: str = "linux/amd64"
    build_args: dict[str, str] = {}


class StackSettings(Section):
    """A Terraform stack; ``{application}`` and ``{environment}`` in its paths are filled in."""

    dir: str = "terraform/foundation"
    var_files: list[str] = ["environments/foundation.tfvars"]


class TerraformSettings(Section):
    """The stack of an environment, and which program runs it."""

    dir: str = "terraform/app"
    var_files: list[str] = ["environments/{environment}.tfvars"]
    binary: str = "terraform"
    lock_timeout: Seconds = 60
    foundation: StackSettings | None = StackSettings()


class BackendSettings(Section):
    """Where Terraform keeps its state; what is not given follows from application, account and region."""

    bucket: str | None = None
    region: str | None = None


class CloudSettings(Section):
    """A workspace of Terraform Cloud; ``{application}`` and ``{environment}`` in its names are filled in.

    ``hostname`` is ``sandbox`` for the local cloud's stand-in. ``project`` is where `bootstrap` makes the workspace.
    """

    organization: CloudName
    workspace: CloudName
    hostname: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]+$")] = "app.terraform.io"
    project: str | None = None


class EnvironmentTerraform(Section):
    """What an environment's Terraform has of its own: where it runs, if not here."""

    cloud: CloudSettings | None = None


class Deadlines(Section):
    """Seconds after which waiting ends.

    ``queue`` is for a build on CodeBuild that waits for a machine, ``build`` for one that runs. ``release`` is for all
    of the moving, the migration included; ``rollout`` for each service, unless ``services`` has one of its own. A
    roll-back has ``rollout`` for each service, whatever is left of ``release``. ``bake`` is how long the services must
    stay well after the last wave. ``terraform`` is for a run on Terraform Cloud, the queue included: until its plan is
    there, and again until that is applied; ``terraform_back`` is the first of these after a roll-back, whose verdict
    does not wait for it.
    """

    queue: Seconds = 900
    build: Seconds = 3600
    release: Seconds = 3600
    rollout: Seconds = 900
    services: dict[Name, Seconds] = {}
    migration: Seconds = 1800
    verify: Seconds = 60
    bake: Annotated[float, Field(ge=0)] = 5
    terraform: Seconds = 1800
    terraform_back: Seconds = 300


class LockSettings(Section):
    """Seconds after which a lock may be taken over whose holder gives no sign of life; it gives three in that time."""

    lease: Annotated[float, Field(ge=1)] = 60


class EnvironmentSettings(Section):
    """One environment of an application.

    ``endpoint`` is ``sandbox``, a URL that speaks AWS's API, or absent for AWS itself.
    ``base_url`` is where the verify paths of the contract are asked for. ``backend: null`` is for a root whose own
    backend block is complete. ``terraform.cloud`` is for a stack whose runs are on Terraform Cloud.
    """

    account: Account
    region: str | None = None
    endpoint: str | None = None
    base_url: str | None = None
    backend: BackendSettings | None = BackendSettings()
    terraform: EnvironmentTerraform = EnvironmentTerraform()
    deadlines: Deadlines = Deadlines()
    lock: LockSettings = LockSettings()


class ApplicationSettings(Section):
    """One application: what is built and where, the Terraform that describes it, and where it runs."""

    region: str
    build_on: Literal["local", "codebuild"] = "local"
    images: dict[Name, ImageSettings] = Field(default={"app": ImageSettings()}, min_length=1)
    terraform: TerraformSettings = TerraformSettings()
    allow_changes: list[str] = []
    environments: dict[Name, EnvironmentSettings] = Field(min_length=1)


class SandboxSettings(Section):
    """The local cloud. Port 0 takes any free one."""

    port: int = Field(default=0, ge=0, le=65535)


class Settings(Section):
    """Everything under ``longshore:``."""

    applications: dict[Name, ApplicationSettings] = Field(min_length=1)
    sandbox: SandboxSettings = SandboxSettings()


def load(raw: Mapping[str, Any]) -> Settings:
    """Checks the whole of ``longshore:``.

    Args:
        raw: the mapping as Invoke read it, environment variables included.

    Raises:
        ConfigError: lists every finding, each with the path of its key.
    """
    if not raw:
        raise ConfigError(
            "invoke.yaml has no settings under longshore:", "Start with the example in docs/configuration.md."
        )
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        findings = [_finding(detail) for detail in error.errors()]
        lines = "\n".join(f"  {finding}" for finding in findings)
        raise ConfigError(
            f"invoke.yaml has {len(findings)} error{'s' * (len(findings) > 1)}:\n{lines}",
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
        raise ConfigError(f"there is no {kind} {wanted!r}{_guess(wanted, names)}", f"Use one of: {known}.")
    return wanted


def _finding(detail: Any) -> str:
    path = ".".join(["longshore", *(str(part) for part in detail["loc"] if part != "[key]")])
    if detail["type"] == "extra_forbidden":
        *parents, key = detail["loc"]
        return f"{path}: unknown key{_guess(str(key), _keys_at(parents))}"
    explanation = _EXPLANATIONS.get(detail["type"])
    return f"{path}: {explanation.format(**detail) if explanation else detail['msg']}"


def _guess(wrong: str, known: Mapping[str, Any]) -> str:
    close = get_close_matches(wrong, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def _keys_at(path: list[Any]) -> Mapping[str, Any]:
    section: type[BaseModel] = Settings
    for part in path:
        if part in section.model_fields:
            annotation = section.model_fields[part].annotation
            section = next(_sections(annotation), section)
    return section.model_fields


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _sections(argument)
