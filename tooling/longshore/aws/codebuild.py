"""CodeBuild: builds are started, looked at and stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from longshore.aws.translate import call
from longshore.errors import AwsError, NotReadyError

if TYPE_CHECKING:
    from mypy_boto3_codebuild import CodeBuildClient
    from mypy_boto3_codebuild.type_defs import EnvironmentVariableTypeDef

_LOOKED_AT = 100
"""BatchGetBuilds takes no more, and a page of ListBuildsForProject has no more (CodeBuild's API reference)."""
_WAITING = ("SUBMITTED", "QUEUED")
"""The phases before a build has got a machine."""


@dataclass(frozen=True)
class Phase:
    """A phase that has ended, or runs: ``status`` is empty then. ``said`` is AWS's code and message, one text each."""

    name: str
    status: str = ""
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class Build:
    """One build.

    Attributes:
        id: ``<project>:<uuid>``.
        status: SUCCEEDED, FAILED, FAULT, TIMED_OUT, STOPPED, IN_PROGRESS, or what AWS has invented since.
        complete: whether it has ended, however.
        phase: the current one, such as ``QUEUED`` or ``BUILD``.
        phases: in their order.
        commit: what was really built, once the source was fetched.
        log: group and stream of CloudWatch Logs, once they are known.
        variables: those that are plain text.
        exported: the variables that the build has exported.
        initiator: who started it, as CodeBuild has it.
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
        """Whether it has no machine yet."""
        return not self.complete and self.phase in _WAITING


class CodeBuild:
    """What a release does with CodeBuild."""

    def __init__(self, client: CodeBuildClient) -> None:
        self._client = client

    def start(self, project: str, commit: str, variables: Mapping[str, str], token: str) -> Build:
        """Starts a build, or finds the one that was started with this token less than five minutes ago.

        Args:
            project: its name.
            commit: the full hash: a branch may move meanwhile.
            variables: plain text, on top of the project's.
            token: at most 64 letters and digits (StartBuild's documentation).

        Raises:
            AwsError: AWS refused, or did not answer: then it may have been started.
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
        """A build by its id; None where CodeBuild does not know it (yet)."""
        found = call(self._client.batch_get_builds, ids=[build])["builds"]
        return _build(found[0]) if found else None

    def newest(self, project: str) -> list[Build]:
        """The newest builds of a project, at most 100, newest first.

        Raises:
            NotReadyError: there is no such project.
            AwsError: AWS refused to tell.
        """
        ids = self.ids(project)
        found = call(self._client.batch_get_builds, ids=ids)["builds"] if ids else []
        return [_build(one) for one in sorted(found, key=lambda one: ids.index(one["id"]))]

    def ids(self, project: str) -> list[str]:
        """The ids of its newest builds; errors as in `newest`."""
        try:
            answer = call(self._client.list_builds_for_project, projectName=project, sortOrder="DESCENDING")
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            raise NotReadyError(
                f"there is no CodeBuild project {project}",
                "Describe it in the variable file (docs/codebuild.md), then run: invoke bootstrap",
            ) from error
        return answer.get("ids", [])[:_LOOKED_AT]

    def stop(self, build: str) -> None:
        """Asks that a build be stopped; it ends some seconds later."""
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
        phases=tuple(_phase(one) for one in raw.get("phases") or []),
        commit=raw.get("resolvedSourceVersion"),
        log=(group, stream) if group and stream else None,
        variables={one["name"]: one["value"] for one in variables if one.get("type", "PLAINTEXT") == "PLAINTEXT"},
        exported={one["name"]: one["value"] for one in exported},
        initiator=raw.get("initiator", ""),
    )


def _phase(raw: Mapping[str, Any]) -> Phase:
    contexts = cast("list[dict[str, str]]", raw.get("contexts") or [])
    said = (" ".join(filter(None, [f"{c.get('statusCode', '')}:", c.get("message", "")])) for c in contexts)
    return Phase(raw.get("phaseType", ""), raw.get("phaseStatus", ""), tuple(text for text in said if text != ":"))
