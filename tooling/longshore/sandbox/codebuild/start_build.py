"""What a build is submitted with: the project, and what StartBuild says in its host."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from longshore.sandbox.codebuild import variables

OVERRIDDEN = {
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
"""Parameters of StartBuild, by the project's field that each takes the place of."""

TAKEN = {
    "sourceVersion": "sourceVersion",
    "serviceRole": "serviceRoleOverride",
    "timeoutInMinutes": "timeoutInMinutesOverride",
    "queuedTimeoutInMinutes": "queuedTimeoutInMinutesOverride",
    "encryptionKey": "encryptionKeyOverride",
    "cache": "cacheOverride",
}
"""Fields of a build that StartBuild says, by the parameter."""

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
"""Fields of a build that are the project's, unless StartBuild says otherwise."""


def fields(project: Mapping[str, Any], given: Mapping[str, Any], initiator: str, number: int) -> dict[str, Any]:
    """The fields of the AWS API that a build has at its start.

    Args:
        project: as BatchGetProjects shows it.
        given: the parameters of StartBuild.
        initiator: who asks.
        number: the build's number in its project.
    """
    build = f"{project['name']}:{uuid.uuid4()}"
    copied = {name: project[name] for name in _COPIED if project.get(name) is not None}
    taken = {name: given[key] for name, key in TAKEN.items() if given.get(key) is not None}
    parts = {part: {**project[part], **_overrides(names, given)} for part, names in OVERRIDDEN.items()}
    override = given.get("environmentVariablesOverride") or []
    parts["environment"]["environmentVariables"] = variables.merge(
        project["environment"]["environmentVariables"], override
    )
    return {
        **copied,
        **taken,
        **parts,
        "id": build,
        "arn": f"{project['arn'].rpartition(':')[0]}:build/{build}",
        "buildNumber": number,
        "projectName": project["name"],
        "artifacts": given.get("artifactsOverride") or project["artifacts"],
        "logs": _logs(project, given.get("logsConfigOverride") or project.get("logsConfig") or {}, build),
        "initiator": initiator,
    }


def _overrides(names: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given[key] for name, key in names.items() if given.get(key) is not None}


def _logs(project: Mapping[str, Any], config: Mapping[str, Any], build: str) -> dict[str, Any]:
    """Where the log is: in the project's group, in a stream called as the build's uuid."""
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
