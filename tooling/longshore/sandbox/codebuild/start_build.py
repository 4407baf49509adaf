"""The fields that a build starts with: those of its project, and the overrides of StartBuild."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from longshore.sandbox.codebuild import variables

PART_OVERRIDES = {
    "source": {
        "type": "sourceTypeOverride",
        "location": "sourceLocationOverride",
        "buildspec": "buildspecOverride",
        "gitCloneDepth": "gitCloneDepthOverride",
        "gitSubmodulesConfig": "gitSubmodulesConfigOverride",
        "insecureSsl": "insecureSslOverride",
    },
    "environment": {
        "type": "environmentTypeOverride",
        "image": "imageOverride",
        "computeType": "computeTypeOverride",
        "privilegedMode": "privilegedModeOverride",
    },
}
"""Parameters of StartBuild that override a field within the project's source or environment."""

BUILD_OVERRIDES = {
    "sourceVersion": "sourceVersion",
    "serviceRole": "serviceRoleOverride",
    "timeoutInMinutes": "timeoutInMinutesOverride",
    "queuedTimeoutInMinutes": "queuedTimeoutInMinutesOverride",
    "encryptionKey": "encryptionKeyOverride",
    "cache": "cacheOverride",
}
"""Parameters of StartBuild that override a field of the build, by field."""

_COPIED = (
    "sourceVersion",
    "serviceRole",
    "timeoutInMinutes",
    "queuedTimeoutInMinutes",
    "encryptionKey",
    "cache",
    "vpcConfig",
    "secondarySources",
    "secondarySourceVersions",
)
"""Fields of the build that are its project's, unless StartBuild overrides them."""


def initial_fields(
    project: Mapping[str, Any], parameters: Mapping[str, Any], initiator: str, number: int
) -> dict[str, Any]:
    """The fields of a build at its start, with the AWS API's names.

    Args:
        project: its document in the AWS API.
        parameters: the parameters of StartBuild.
        initiator: the caller.
        number: the number of the build within its project.
    """
    build = f"{project['name']}:{uuid.uuid4()}"
    copied = {name: project[name] for name in _COPIED if project.get(name) is not None}
    overridden = {name: parameters[key] for name, key in BUILD_OVERRIDES.items() if parameters.get(key) is not None}
    parts = {part: {**project[part], **_overrides(names, parameters)} for part, names in PART_OVERRIDES.items()}
    override = parameters.get("environmentVariablesOverride") or []
    parts["environment"]["environmentVariables"] = variables.merge(
        project["environment"]["environmentVariables"], override
    )
    return {
        **copied,
        **overridden,
        **parts,
        "id": build,
        "arn": f"{project['arn'].rpartition(':')[0]}:build/{build}",
        "buildNumber": number,
        "projectName": project["name"],
        "artifacts": {"location": artifacts_of(project, parameters).get("location") or ""},
        "logs": _logs(project, parameters.get("logsConfigOverride") or project.get("logsConfig") or {}, build),
        "initiator": initiator,
    }


def artifacts_of(project: Mapping[str, Any], parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """The ProjectArtifacts of a build; the document of a build has no type of them (API, BuildArtifacts)."""
    artifacts: Mapping[str, Any] = parameters.get("artifactsOverride") or project["artifacts"]
    return artifacts


def _overrides(names: Mapping[str, str], parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: parameters[key] for name, key in names.items() if parameters.get(key) is not None}


def _logs(project: Mapping[str, Any], config: Mapping[str, Any], build: str) -> dict[str, Any]:
    """The location of the log: the project's group, and a stream named for the build's UUID."""
    cloudwatch = config.get("cloudWatchLogs") or {}
    off = {"s3Logs": {"status": "DISABLED", "encryptionDisabled": False}}
    if cloudwatch.get("status") == "DISABLED":
        return {"cloudWatchLogs": {"status": "DISABLED"}, **off}
    group, prefix = cloudwatch.get("groupName") or f"/aws/codebuild/{project['name']}", cloudwatch.get("streamName")
    stream = "/".join([*([prefix] if prefix else []), build.rpartition(":")[2]])
    _, partition, _, region, account = project["arn"].split(":")[:5]
    return {
        "groupName": group,
        "streamName": stream,
        "cloudWatchLogsArn": f"arn:{partition}:logs:{region}:{account}:log-group:{group}:log-stream:{stream}",
        "cloudWatchLogs": {"status": "ENABLED", **cloudwatch},
        **off,
    }
