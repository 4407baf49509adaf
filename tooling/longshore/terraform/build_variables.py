"""Compares the `ECS_` variables of a process with the variable files, the only source of containers' variables.

The system from which Longshore descends passed the build project's variables to the containers. Longshore makes the
same plan on every machine, so it only reports variables of a build project that differ from the files.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from longshore.errors import ConfigError
from longshore.masking import Masks, looks_secret
from longshore.terraform import hcl, variable_files

PREFIX = "ECS_"
SET_BY_ECS = frozenset({"ECS_AGENT_URI", "ECS_CONTAINER_METADATA_URI", "ECS_CONTAINER_METADATA_URI_V4"})
"""Variables that ECS sets in every container."""
ABSENT = "is not in the variable files"
"""The difference of a variable that no file assigns."""
NOT_NEEDED = ("REPO_URL", "TASK_DEFINITION_WEB", "TASK_DEFINITION_SIDEKIQ", "CI_REGION")
"""Variables that only the builds of the original system needed."""


@dataclass(frozen=True)
class VariableScope:
    """The owner of variables: an application and its environment, with the names of its variable files."""

    application: str
    environment: str
    files: str

    def parameter(self, name: str) -> str:
        """The SSM parameter for a secret; the execution roles may read every parameter below this path."""
        return f"/{self.application}/{self.environment}/" + re.sub(r"[^a-z0-9_.-]", "-", name.lower())

    @property
    def task(self) -> str:
        """The command that adds missing variables."""
        return f"invoke env.import -a {self.application} -e {self.environment}"


@dataclass(frozen=True)
class MissingVariables:
    """Variables that no variable file assigns.

    Attributes:
        variables: plain values, by name with ECS_.
        secrets: references, by name without ECS_.
    """

    variables: Mapping[str, str]
    secrets: Mapping[str, str]

    def text(self) -> str:
        """The lines to add to a variable file; may be empty."""
        blocks = (("variables", self.variables), ("secrets", self.secrets))
        return "\n".join(f"{name} = {{\n{hcl.lines(entries)}}}\n" for name, entries in blocks if entries)

    def without_values(self) -> MissingVariables:
        """The same variables with dots instead of values; references are not values."""
        return MissingVariables(dict.fromkeys(self.variables, "..."), self.secrets)


def in_codebuild(environ: Mapping[str, str]) -> bool:
    """Whether this process runs in a CodeBuild build."""
    return bool(environ.get("CODEBUILD_BUILD_ID"))


def of_process(environ: Mapping[str, str]) -> dict[str, str]:
    """The process's ECS_ variables, by their names in a container: without ECS_."""
    return {
        name.removeprefix(PREFIX): environ[name]
        for name in sorted(environ)
        if name.startswith(PREFIX) and name != PREFIX and name not in SET_BY_ECS
    }


def differences(process: Mapping[str, str], files: Mapping[str, Any]) -> dict[str, str]:
    """The variables that differ from the files, each with its difference; never a value.

    Args:
        process: from `of_process`.
        files: from `variable_files.read`. A reference under ``secrets`` agrees with any value.
    """
    plain = {
        **{(f"variables.{key}"): value for key, value in variable_files.strings(files, "variables").items()},
        **{(f"environment.{key}"): value for key, value in variable_files.strings(files, "environment").items()},
    }
    references = variable_files.strings(files, "secrets")
    differing = {}
    for name, value in process.items():
        # As in terraform/app/environment.tf: an entry of environment overrides one of variables.
        paths = [path for path in (f"environment.{name}", f"variables.{PREFIX}{name}") if path in plain]
        if name in references or (paths and _same(plain[paths[0]], value)):
            continue
        differing[name] = _difference(paths[0], plain[paths[0]]) if paths else ABSENT
    return differing


def missing(
    process: Mapping[str, str], differing: Mapping[str, str], scope: VariableScope, masks: Masks
) -> MissingVariables:
    """The variables that no file assigns, with secrets separate from plain values.

    Args:
        process: from `of_process`.
        differing: from `differences`.
        scope: the owner of the files.
        masks: a value that is masked elsewhere is a secret here, too.
    """
    values = {name: process[name] for name, difference in differing.items() if difference == ABSENT}
    masks.hide(value for name, value in process.items() if looks_secret(name, value))
    secrets = {name for name, value in values.items() if looks_secret(name, value) or _is_masked(masks, name, value)}
    return MissingVariables(
        {f"{PREFIX}{name}": value for name, value in values.items() if name not in secrets},
        {name: f"ssm:{scope.parameter(name)}" for name in values if name in secrets},
    )


def check(environ: Mapping[str, str], files: Mapping[str, Any], scope: VariableScope, masks: Masks) -> str:
    """Compares the variables of a process with the variable files, and describes the comparison.

    Raises:
        ConfigError: they differ; lists every variable by name, and the lines to add, without values.
    """
    process = of_process(environ)
    differing = differences(process, files)
    if not differing:
        return f"{len(process)} {PREFIX} variables agree with {scope.files}" if process else f"no {PREFIX} variables"
    findings = "".join(f"\n    {PREFIX}{name} {difference}" for name, difference in differing.items())
    to_add = missing(process, differing, scope, masks).without_values().text()
    lines = f"\n  Lines to add to {scope.files}:\n{_indented(to_add)}" if to_add else ""
    raise ConfigError(
        f"{PREFIX} variables of this process differ from the variable files,"
        f" and containers get only those of the files:{findings}{lines}",
        f"To see the lines with their values, run: {scope.task} (with --write, it adds them)."
        " Or remove the variables from the build project.",
    )


def _same(in_file: object, value: str) -> bool:
    # Terraform normalizes strings to NFC, so a container always gets that form.
    return isinstance(in_file, str) and unicodedata.normalize("NFC", in_file) == unicodedata.normalize("NFC", value)


def _difference(path: str, in_file: object) -> str:
    if isinstance(in_file, str):
        return f"has a different value in {path}"
    return f"is not a plain string in {path}: write the value out"


def _is_masked(masks: Masks, name: str, value: str) -> bool:
    """Whether the console would mask part of the variable's line, which could then not be copied into the file."""
    line = f"{PREFIX}{name} = {hcl.to_hcl(value)}"
    return masks.mask(value) != value or masks.mask(line) != line


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
