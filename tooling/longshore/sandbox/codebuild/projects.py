"""Projects, as the AWS API returns them after CreateProject and UpdateProject."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from longshore.sandbox.codebuild import roles
from longshore.sandbox.codebuild.repositories import repository_name
from longshore.sandbox.codebuild.roles import RoleError
from longshore.sandbox.codebuild.variables import TYPES

SOURCES = (
    "BITBUCKET",
    "CODECOMMIT",
    "CODEPIPELINE",
    "GITHUB",
    "GITHUB_ENTERPRISE",
    "GITLAB",
    "GITLAB_SELF_MANAGED",
    "NO_SOURCE",
    "S3",
)
LIMITS = {"timeoutInMinutes": (5, 2160), "queuedTimeoutInMinutes": (5, 480)}
"""Minimum and maximum of the minutes (CodeBuild API Reference, CreateProject)."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-_]{1,254}")
_FIELDS = (
    "description",
    "source",
    "secondarySources",
    "sourceVersion",
    "secondarySourceVersions",
    "artifacts",
    "secondaryArtifacts",
    "cache",
    "environment",
    "serviceRole",
    "timeoutInMinutes",
    "queuedTimeoutInMinutes",
    "encryptionKey",
    "tags",
    "vpcConfig",
    "logsConfig",
    "fileSystemLocations",
    "buildBatchConfig",
    "concurrentBuildLimit",
    "autoRetryLimit",
)


class InvalidError(Exception):
    """CodeBuild refuses the call with InvalidInputException."""


def create(parameters: Mapping[str, Any], arn: str, key: str) -> dict[str, Any]:
    """A new project.

    Args:
        parameters: the parameters of CreateProject.
        arn: the project's ARN.
        key: ARN of the default key for artifacts.

    Raises:
        InvalidError: CodeBuild refuses the parameters.
    """
    if not _NAME.fullmatch(parameters.get("name") or ""):
        raise InvalidError("Project name: only letters, digits, dashes and underscores are supported, 2 to 255 of them")
    defaults = {
        "name": parameters["name"],
        "arn": arn,
        "encryptionKey": key,
        "cache": {"type": "NO_CACHE"},
        "timeoutInMinutes": 60,
        "queuedTimeoutInMinutes": 480,
        "tags": [],
        "badge": {"badgeEnabled": False},
        "projectVisibility": "PRIVATE",
        "created": datetime.now(UTC),
    }
    return update(defaults, parameters)


def update(project: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A project after the parameters of CreateProject or UpdateProject.

    Raises:
        InvalidError: CodeBuild refuses the parameters.
    """
    changed = dict(project) | {name: parameters[name] for name in _FIELDS if parameters.get(name) is not None}
    if parameters.get("badgeEnabled") is not None:
        changed["badge"] = {"badgeEnabled": parameters["badgeEnabled"]}
    # -1 removes the limit
    if changed.get("concurrentBuildLimit") == -1:
        del changed["concurrentBuildLimit"]
    changed["environment"] = _environment(changed["environment"])
    changed["source"] = _source(changed["source"])
    _check(changed)
    return changed | {"lastModified": datetime.now(UTC)}


def check_variables(variables: list[Mapping[str, Any]]) -> None:
    """Check the form of variables.

    Raises:
        InvalidError: a variable has no name, or an unknown type.
    """
    for variable in variables:
        if not variable.get("name"):
            raise InvalidError("Invalid environment variable: its name is missing")
        if variable.get("type", TYPES[0]) not in TYPES:
            raise InvalidError(f"Invalid environment variable type: {variable['type']}")


def _environment(environment: Mapping[str, Any]) -> dict[str, Any]:
    typed = [{"type": TYPES[0], **variable} for variable in environment.get("environmentVariables") or []]
    defaults = {"privilegedMode": False, "imagePullCredentialsType": "CODEBUILD"}
    return {**defaults, **environment, "environmentVariables": typed}


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    in_git = source.get("type") not in ("NO_SOURCE", "S3", "CODEPIPELINE")
    return {"insecureSsl": False, **({"gitCloneDepth": 0} if in_git else {}), **source}


def _check(project: Mapping[str, Any]) -> None:
    _check_source(project["source"])
    for name, (least, most) in LIMITS.items():
        if not least <= project[name] <= most:
            raise InvalidError(f"Invalid {name}: it must be between {least} and {most}")
    check_variables(project["environment"]["environmentVariables"])
    try:
        roles.check(project["serviceRole"])
    except RoleError as error:
        raise InvalidError(str(error)) from error


def _check_source(source: Mapping[str, Any]) -> None:
    if source.get("type") not in SOURCES:
        raise InvalidError(f"Invalid type provided: {source.get('type')} is not a project source type")
    if source["type"] in ("NO_SOURCE", "CODEPIPELINE"):
        if source.get("location"):
            raise InvalidError(f"Invalid project source: source type {source['type']} should not have a location")
    elif not source.get("location"):
        raise InvalidError("Invalid project source: location is required")
    if source["type"] == "NO_SOURCE" and not source.get("buildspec"):
        raise InvalidError("Invalid project source: a buildspec is required with source type NO_SOURCE")
    try:
        repository_name(source)
    except ValueError as error:
        raise InvalidError(f"Invalid project source: {error}") from error
