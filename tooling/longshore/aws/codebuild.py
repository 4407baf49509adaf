"""CodeBuild: starts, reads and stops builds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from longshore.aws.translate import call
from longshore.errors import AwsError, NotReadyError

if TYPE_CHECKING:
    from mypy_boto3_codebuild import CodeBuildClient
    from mypy_boto3_codebuild.type_defs import EnvironmentVariableTypeDef

_BUILDS_A_CALL = 100
"""The limit of BatchGetBuilds, and of a page of ListBuildsForProject.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetBuilds.html
"""
_QUEUED = ("SUBMITTED", "QUEUED")
"""The phases before a build has a machine."""


@dataclass(frozen=True)
class Phase:
    """A phase of a build; ``status`` is empty while it runs. Each of ``messages`` has a code and a message of AWS."""

    name: str
    status: str = ""
    messages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Build:
    """A build.

    Attributes:
        id: ``<project>:<uuid>``.
        project: name of its project.
        status: SUCCEEDED, FAILED, FAULT, TIMED_OUT, STOPPED or IN_PROGRESS; AWS may add others.
        complete: whether it has ended.
        phase: the current phase, such as ``QUEUED`` or ``BUILD``.
        phases: its phases in order.
        commit: the commit that is built, once the source has been fetched.
        log: group and stream of its log, once they are known.
        variables: its plain-text variables.
        exported: the variables that it has exported.
        initiator: the identity that started it.
    """

    id: str
    project: str = ""
    status: str = "IN_PROGRESS"
    complete: bool = False
    phase: str = ""
    phases: Sequence[Phase] = ()
    commit: str | None = None
    log: tuple[str, str] | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    exported: Mapping[str, str] = field(default_factory=dict)
    initiator: str = ""

    @property
    def waits(self) -> bool:
        """Whether it still waits for a machine."""
        return not self.complete and self.phase in _QUEUED


class CodeBuild:
    """Starts, reads and stops builds."""

    def __init__(self, client: CodeBuildClient) -> None:
        self._client = client

    def start(self, project: str, commit: str, variables: Mapping[str, str], token: str) -> Build:
        """Starts a build; with the same token within five minutes, returns the build that was started before.

        https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html

        Args:
            project: name of the project.
            commit: the full hash, because a branch may move.
            variables: plain-text variables, added to those of the project.
            token: at most 64 letters and digits.

        Raises:
            AwsError: AWS refused, or did not answer; without an answer, the build may have started.
        """
        overrides: list[EnvironmentVariableTypeDef] = [
            {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()
        ]
        answer = call(
            self._client.start_build,
            projectName=project,
            sourceVersion=commit,
            environmentVariablesOverride=overrides,
            idempotencyToken=token,
        )
        return _build(answer["build"])

    def get(self, build: str) -> Build | None:
        """The build with this id; None if CodeBuild does not know it, or does not know it yet."""
        builds = call(self._client.batch_get_builds, ids=[build])["builds"]
        return _build(builds[0]) if builds else None

    def newest(self, project: str) -> list[Build]:
        """The newest builds of a project, at most 100, newest first.

        Raises:
            NotReadyError: there is no such project.
            AwsError: AWS refused, or did not answer.
        """
        ids = self.ids(project)
        builds = call(self._client.batch_get_builds, ids=ids)["builds"] if ids else []
        places = {build: place for place, build in enumerate(ids)}
        return [_build(raw) for raw in sorted(builds, key=lambda raw: places.get(raw["id"], 0))]

    def ids(self, project: str) -> list[str]:
        """The ids of the newest builds of a project, newest first; raises the errors of `newest`.

        Newest first is the default. An order must not be given: a project with more than 100 builds refuses it.
        https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListBuildsForProject.html
        """
        try:
            answer = call(self._client.list_builds_for_project, projectName=project)
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            raise NotReadyError(
                f"there is no CodeBuild project {project}",
                "Describe it in the variable file (docs/codebuild.md), then run: invoke bootstrap",
            ) from error
        return answer.get("ids", [])[:_BUILDS_A_CALL]

    def stop(self, build: str) -> None:
        """Asks CodeBuild to stop a build, which ends a few seconds later."""
        call(self._client.stop_build, id=build)


def _build(raw: Any) -> Build:
    logs = raw.get("logs") or {}
    group, stream = logs.get("groupName"), logs.get("streamName")
    variables = (raw.get("environment") or {}).get("environmentVariables") or []
    exported = raw.get("exportedEnvironmentVariables") or []
    return Build(
        id=raw["id"],
        project=raw.get("projectName", ""),
        status=raw.get("buildStatus", ""),
        complete=bool(raw.get("buildComplete")),
        phase=raw.get("currentPhase", ""),
        phases=tuple(_phase(phase) for phase in raw.get("phases") or []),
        commit=raw.get("resolvedSourceVersion"),
        log=(group, stream) if group and stream else None,
        variables={v["name"]: v["value"] for v in variables if v.get("type", "PLAINTEXT") == "PLAINTEXT"},
        exported={v["name"]: v["value"] for v in exported},
        initiator=raw.get("initiator", ""),
    )


def _phase(raw: Mapping[str, Any]) -> Phase:
    contexts = cast("list[dict[str, str]]", raw.get("contexts") or [])
    messages = (" ".join(filter(None, [f"{c.get('statusCode', '')}:", c.get("message", "")])) for c in contexts)
    return Phase(raw.get("phaseType", ""), raw.get("phaseStatus", ""), tuple(text for text in messages if text != ":"))
