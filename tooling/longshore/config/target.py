"""The target of a command: an application in an environment, with all names and paths derived from them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from longshore.config.settings import ApplicationSettings, EnvironmentSettings, Settings, StackSettings, choose
from longshore.errors import ConfigError


@dataclass(frozen=True)
class Workspace:
    """A workspace of Terraform Cloud, which runs a stack and keeps its state."""

    hostname: str
    organization: str
    name: str
    project: str | None = None

    def __str__(self) -> str:
        return f"{self.organization}/{self.name}"


@dataclass(frozen=True)
class Stack:
    """A Terraform root with its variable files and the settings that complete its backend block.

    A stack with a ``workspace`` runs on Terraform Cloud and has no backend. All environments of the application use a
    ``shared`` one.
    """

    name: str
    directory: Path
    var_files: tuple[Path, ...]
    data_dir: Path
    backend: Mapping[str, str]
    workspace: Workspace | None = None
    shared: bool = False

    @property
    def loaded_files(self) -> tuple[Path, ...]:
        """The variable files in the root that Terraform loads without being told, in its order, before `var_files`.

        https://developer.hashicorp.com/terraform/language/values/variables#variable-definition-precedence
        """
        named = [self.directory / f"terraform.tfvars{suffix}" for suffix in ("", ".json")]
        automatic = sorted(file for suffix in ("", ".json") for file in self.directory.glob(f"*.auto.tfvars{suffix}"))
        return tuple(file for file in [*named, *automatic] if file.is_file())

    @property
    def all_var_files(self) -> tuple[Path, ...]:
        """Every variable file that Terraform loads, in its order."""
        return (*self.loaded_files, *self.var_files)

    def check(self) -> list[str]:
        """The folders and files that are missing on disk, one per line."""
        missing = [] if _is(self.directory.is_dir) else [f"terraform folder {self.directory} does not exist"]
        return missing + [f"variable file {file} does not exist" for file in self.var_files if not _is(file.is_file)]


def _is(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except OSError:  # a name that is too long, or a folder that may not be read
        return False


@dataclass(frozen=True)
class Target:
    """One application in one environment."""

    root: Path
    application: str
    environment: str
    app: ApplicationSettings
    env: EnvironmentSettings

    @property
    def region(self) -> str:
        """The region of the environment, by default the application's."""
        return self.env.region or self.app.region

    @property
    def work_dir(self) -> Path:
        """Longshore's folder for this application and environment, which git ignores."""
        return self.root / ".longshore" / self.application / self.environment

    @property
    def ledger_table(self) -> str:
        """The DynamoDB table of the module ``ledger``."""
        return f"{self.application}-releases"

    @property
    def tag_parameter(self) -> str:
        """The SSM parameter that holds the released tag (docs/concepts.md)."""
        return f"/{self.application}/{self.environment}/image_tag"

    @property
    def state_bucket(self) -> str | None:
        """The S3 bucket of the Terraform state, or None if the backend block of the root is complete."""
        if self.env.backend is None:
            return None
        return self.env.backend.bucket or f"{self.application}-{self.env.account}-{self.region}-tfstate"

    @property
    def state_region(self) -> str:
        """The region of the state bucket."""
        return (self.env.backend and self.env.backend.region) or self.region

    @property
    def build_project(self) -> str:
        """The CodeBuild project that builds the images (module ``build`` of the foundation)."""
        return f"{self.application}-build"

    @property
    def release_project(self) -> str:
        """The CodeBuild project that releases to this environment (module ``build`` of the app stack)."""
        return f"{self.application}-{self.environment}-release"

    def repository(self, image: str) -> str:
        """The ECR repository of an image."""
        return f"{self.application}/{image}"

    @property
    def stack(self) -> Stack:
        """The stack of this environment."""
        return self._stack(self.environment, self.app.terraform.dir, self.app.terraform.var_files)

    @property
    def foundation(self) -> Stack | None:
        """The stack of the application, or None if it is managed elsewhere."""
        foundation: StackSettings | None = self.app.terraform.foundation
        return self._stack("foundation", foundation.dir, foundation.var_files) if foundation else None

    @property
    def workspace(self) -> Workspace | None:
        """The Terraform Cloud workspace of this environment, or None if Terraform runs on this machine."""
        cloud = self.env.terraform.cloud
        if cloud is None:
            return None
        return Workspace(
            cloud.hostname,
            self._format(cloud.organization),
            self._format(cloud.workspace),
            cloud.project and self._format(cloud.project),
        )

    @property
    def names(self) -> list[str]:
        """The names in invoke.yaml, and those derived from them, such as the cluster's."""
        workspace, projects = self.workspace, (self.build_project, self.release_project)
        return [
            *(self.application, self.environment, f"{self.application}-{self.environment}", *self.app.environments),
            *(self.region, self.state_region, self.env.account, self.state_bucket or ""),
            *(self.ledger_table, self.tag_parameter, *projects, *map(self.repository, self.app.images)),
            *((workspace.hostname, workspace.organization, workspace.name) if workspace else ()),
        ]

    def users(self, stack: Stack) -> list[str]:
        """The environments that use a stack: this one, or all environments that have the same foundation."""
        if not stack.shared:
            return [self.environment]
        here = (self.env.endpoint, self.env.account, self.region)
        return [
            name
            for name, env in self.app.environments.items()
            if (env.endpoint, env.account, env.region or self.app.region) == here
        ]

    def variables_digest(self) -> str:
        """The SHA-256 digest of all variable files that Terraform loads for the environment, for the record."""
        digest = hashlib.sha256()
        for file in self.stack.all_var_files:
            digest.update(file.read_bytes())
        return f"sha256:{digest.hexdigest()}"

    def _stack(self, name: str, directory: str, var_files: list[str]) -> Stack:
        def path(text: str) -> Path:
            return (self.root / self._format(text)).resolve()

        workspace = self.workspace if name == self.environment else None
        return Stack(
            name=name,
            directory=path(directory),
            var_files=tuple(path(file) for file in var_files),
            data_dir=self.work_dir / ("terraform" if name == self.environment else "foundation"),
            backend={} if workspace else self._backend(f"{self.application}/{name}.tfstate"),
            workspace=workspace,
            shared=name != self.environment,
        )

    def _format(self, text: str) -> str:
        return text.format(application=self.application, environment=self.environment)

    def _backend(self, key: str) -> dict[str, str]:
        bucket = self.state_bucket
        return {"bucket": bucket, "key": key, "region": self.state_region} if bucket else {}


def select(settings: Settings, root: Path, application: str | None, environment: str) -> Target:
    """The target that ``-a`` and ``-e`` name.

    Raises:
        ConfigError: no such application or environment, or an unknown placeholder in a path or name.
    """
    name = choose("application", settings.applications, application)
    app = settings.applications[name]
    choose(f"environment of {name}", app.environments, environment)
    target = Target(root, name, environment, app, app.environments[environment])
    try:
        _ = (target.stack, target.foundation)
    except (KeyError, IndexError, ValueError) as error:
        raise ConfigError(
            f"longshore.applications.{name}: a path or name of Terraform has an unknown placeholder {error}",
            "Use {application} and {environment} only.",
        ) from None
    return target
