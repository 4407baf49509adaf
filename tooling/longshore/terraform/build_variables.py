"""Whether the `ECS_` variables of a process agree with the variable files, from which alone containers get theirs.

In the system that Longshore descends from, the build project's variables went into the containers. Here every machine
plans the same: so a variable that somebody sets on a build project is compared, and not taken over.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from longshore.errors import ConfigError
from longshore.masking import SECRET_VALUE, Masks, is_secret
from longshore.terraform import hcl, variable_files

PREFIX = "ECS_"
SET_BY_ECS = frozenset({"ECS_AGENT_URI", "ECS_CONTAINER_METADATA_URI", "ECS_CONTAINER_METADATA_URI_V4"})
"""What the platform itself sets in every container."""
ABSENT = "is not there"
"""What is said of a variable that no file has."""
NOT_NEEDED = ("REPO_URL", "TASK_DEFINITION_WEB", "TASK_DEFINITION_SIDEKIQ", "CI_REGION")
"""What the builds of the original needed, and ours do not."""


@dataclass(frozen=True)
class VariableScope:
    """Where variables belong: the application, its environment, and the names of its variable files."""

    application: str
    environment: str
    files: str

    def parameter(self, name: str) -> str:
        """The parameter that holds a secret; the execution roles may read all below this path."""
        return f"/{self.application}/{self.environment}/" + re.sub(r"[^a-z0-9_.-]", "-", name.lower())

    @property
    def task(self) -> str:
        """The task that writes what is missing."""
        return f"invoke env.import -a {self.application} -e {self.environment}"


@dataclass(frozen=True)
class MissingVariables:
    """What the variable files lack.

    Attributes:
        variables: plain values, by their name with ECS_.
        secrets: references, by their name without it.
    """

    variables: Mapping[str, str]
    secrets: Mapping[str, str]

    def text(self) -> str:
        """The lines to add to a variable file; empty if there are none."""
        blocks = (("variables", self.variables), ("secrets", self.secrets))
        return "\n".join(f"{name} = {{\n{hcl.lines(entries)}}}\n" for name, entries in blocks if entries)

    def without_values(self) -> MissingVariables:
        """The same with dots in the place of values: a reference is none."""
        return MissingVariables(dict.fromkeys(self.variables, "..."), self.secrets)


def in_codebuild(environ: Mapping[str, str]) -> bool:
    """Whether this process runs in a build of CodeBuild."""
    return bool(environ.get("CODEBUILD_BUILD_ID"))


def of_process(environ: Mapping[str, str]) -> dict[str, str]:
    """The process's ECS_ variables, by the name that a container would get: without ECS_."""
    return {
        name.removeprefix(PREFIX): environ[name]
        for name in sorted(environ)
        if name.startswith(PREFIX) and name != PREFIX and name not in SET_BY_ECS
    }


def differences(process: Mapping[str, str], files: Mapping[str, Any]) -> dict[str, str]:
    """The variables that the files say otherwise, each with what there is of it; never a value.

    Args:
        process: what `of_process` found.
        files: what `variable_files.read` found. A reference under ``secrets`` agrees with any value.
    """
    plain = {
        **{(f"variables.{key}"): value for key, value in variable_files.texts(files, "variables").items()},
        **{(f"environment.{key}"): value for key, value in variable_files.texts(files, "environment").items()},
    }
    referred = variable_files.texts(files, "secrets")
    found = {}
    for name, value in process.items():
        # As in terraform/app/environment.tf: an entry of environment wins over one of variables.
        paths = [path for path in (f"environment.{name}", f"variables.{PREFIX}{name}") if path in plain]
        if name in referred or (paths and _same(plain[paths[0]], value)):
            continue
        found[name] = _otherwise(paths[0], plain[paths[0]]) if paths else ABSENT
    return found


def missing(
    process: Mapping[str, str], said: Mapping[str, str], place: VariableScope, masks: Masks
) -> MissingVariables:
    """What the files lack of these variables, plain ones apart from secrets.

    Args:
        process: what `of_process` found.
        said: what `differences` said of them.
        place: whose files they are.
        masks: what is a secret elsewhere is one here.
    """
    missing = {name: process[name] for name, what in said.items() if what == ABSENT}
    masks.hide(value for name, value in process.items() if looks_secret(name, value))
    secret = {name for name, value in missing.items() if looks_secret(name, value) or _shows(masks, name, value)}
    return MissingVariables(
        {f"{PREFIX}{name}": value for name, value in missing.items() if name not in secret},
        {name: f"ssm:{place.parameter(name)}" for name in missing if name in secret},
    )


def check(environ: Mapping[str, str], files: Mapping[str, Any], place: VariableScope, masks: Masks) -> str:
    """Compares a process with the variable files.

    Returns:
        What was compared.

    Raises:
        ConfigError: they differ: every finding by name, and the lines to add. No value is said.
    """
    process = of_process(environ)
    said = differences(process, files)
    if not said:
        return f"{len(process)} {PREFIX} variables agree with {place.files}" if process else f"no {PREFIX} variables"
    findings = "".join(f"\n    {PREFIX}{name} {what}" for name, what in said.items())
    to_add = missing(process, said, place, masks).without_values().text()
    lines = f"\n  Lines to add to {place.files}:\n{_indented(to_add)}" if to_add else ""
    raise ConfigError(
        f"containers get what the variable files say, and this process has other {PREFIX} variables:{findings}{lines}",
        f"{place.task} shows the lines with their values, and --write adds them. Or take the variables off the build.",
    )


def _same(there: object, value: str) -> bool:
    # Terraform keeps texts in this form: the container gets it so, whatever the bytes in the file are.
    return isinstance(there, str) and unicodedata.normalize("NFC", there) == unicodedata.normalize("NFC", value)


def _otherwise(path: str, there: object) -> str:
    return f"has another value in {path}" if isinstance(there, str) else f"is no plain text in {path}: write it out"


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable holds a secret, by its name or by its value: by our own rules and by those of Terraform."""
    return is_secret(name) or bool(re.search(SECRET_VALUE, value))


def _shows(masks: Masks, name: str, value: str) -> bool:
    """Whether the console would mask a part of it: its line would not be what the file needs."""
    line = f"{PREFIX}{name} = {hcl.to_hcl(value)}"
    return masks.mask(value) != value or masks.mask(line) != line


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
