"""All builds of a sandbox: starting, stopping and listing them, by API calls and by pushes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from moto.codebuild.models import codebuild_backends

from longshore.sandbox import state
from longshore.sandbox.codebuild import start_build, webhooks
from longshore.sandbox.codebuild.build import Build, BuildRequest
from longshore.sandbox.codebuild.build_host import BuildHost
from longshore.sandbox.codebuild.build_log import BuildLog
from longshore.sandbox.codebuild.build_record import BuildRecord
from longshore.sandbox.codebuild.outcomes import Outcomes
from longshore.sandbox.codebuild.projects import InvalidError, check_variables
from longshore.sandbox.codebuild.repositories import Repositories, repository_name
from longshore.sandbox.codebuild.source import Sources
from longshore.sandbox.codebuild.webhooks import Push
from longshore.sandbox.ecs.logs import LogWriter, Stream

TOKEN_SECONDS = 300.0
"""How long an idempotency token of StartBuild is valid (CodeBuild API Reference)."""


class LimitError(Exception):
    """CodeBuild refuses with AccountLimitExceededException."""


class Builds:
    """The builds of a sandbox.

    Args:
        host: the host of the builds.
        clock: monotonic seconds.
        grace: seconds between SIGTERM and SIGKILL for a build that is stopped.
    """

    def __init__(self, host: BuildHost, clock: Callable[[], float] = time.monotonic, grace: float = 5.0) -> None:
        self.repositories = Repositories(host.directory / "repositories", host.directory / state.FILE)
        self.outcomes = Outcomes()
        self.minute = 60.0
        self._host = host
        self._clock = clock
        self._grace = grace
        self._sources = Sources(self.repositories, host.account_id)
        self._writer = LogWriter(host.account_id)
        self._lock = threading.RLock()
        self._requests: dict[str, BuildRequest] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._numbers: dict[str, int] = {}
        self._tokens: dict[str, tuple[float, Mapping[str, Any], str]] = {}

    def start(
        self,
        project: Mapping[str, Any],
        parameters: Mapping[str, Any],
        initiator: str,
        webhook: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Start a build, unless its idempotency token has started one.

        Args:
            project: its document in the AWS API.
            parameters: the parameters of StartBuild.
            initiator: the caller.
            webhook: variables of the push that starts it.

        Returns:
            The build's document.

        Raises:
            InvalidError: the parameters are not valid, or differ from those that the token was first used with.
            LimitError: the project's limit of concurrent builds is reached.
        """
        with self._lock:
            if started := self._of_token(parameters):
                return started.record.document()
            check_variables(parameters.get("environmentVariablesOverride") or [])
            self._check_limit(project)
            request = self._request(project, parameters, initiator, webhook or {})
            if token := parameters.get("idempotencyToken"):
                self._tokens[token] = (self._clock(), parameters, request.record.id)
            document = request.record.document()
            self._run(request, self._stream(project, request.record, request.region))
            return document

    def stop(self, build_id: str) -> dict[str, Any] | None:
        """Stop a build, and return its document; None if it does not exist."""
        with self._lock:
            request = self._requests.get(build_id)
        if request is None:
            return None
        request.stop.set()
        return request.record.document()

    def find(self, build_id: str) -> dict[str, Any] | None:
        """The document of a build, by id or ARN; None if it does not exist."""
        with self._lock:
            request = self._requests.get(build_id.rpartition(":build/")[2])
        return request.record.document() if request else None

    def ids_in(self, region: str, *, ascending: bool = False) -> list[str]:
        """The ids of a region's builds, the newest first."""
        with self._lock:
            ids = [request.record.id for request in self._requests.values() if request.region == region]
        return ids if ascending else ids[::-1]

    def ids_of(self, project_arn: str, *, ascending: bool = False) -> list[str]:
        """The ids of a project's builds, the newest first."""
        with self._lock:
            ids = [request.record.id for request in self._of(project_arn)]
        return ids if ascending else ids[::-1]

    def forget(self, project_arn: str) -> None:
        """Stop and forget the builds of a deleted project."""
        with self._lock:
            for request in self._of(project_arn):
                _stop(request)
                del self._requests[request.record.id]

    def push(self, document: Mapping[str, Any]) -> list[str]:
        """Call the webhooks of all projects with a repository, and return a line about each build.

        Args:
            document: ``{"repository": NAME, "actor": ID, "updates": [{"ref", "old", "new"}, …]}``.
        """
        name = document["repository"]
        lines = []
        for push in webhooks.read(self.repositories.path(name), document):
            called = [project for project in self.projects(name) if webhooks.matches(project["webhook"], push)]
            lines += [self._start_for_push(project, push) for project in called]
        return lines

    def rows(self) -> list[dict[str, Any]]:
        """The rows of /_sandbox/status, the newest build first."""
        with self._lock:
            return [request.record.row() for request in reversed(self._requests.values())]

    def close(self) -> None:
        """Stop all builds, and wait until their folders are removed and their logs are written."""
        with self._lock:
            threads = list(self._threads.values())
            for request in self._requests.values():
                _stop(request)
        for thread in threads:
            thread.join()
        self._writer.close()

    def _check_limit(self, project: Mapping[str, Any]) -> None:
        limit = project.get("concurrentBuildLimit")
        if limit and sum(not request.record.complete for request in self._of(project["arn"])) >= limit:
            raise LimitError(f"Cannot have more than {limit} active builds for the project")

    def _request(
        self, project: Mapping[str, Any], parameters: Mapping[str, Any], initiator: str, webhook: Mapping[str, str]
    ) -> BuildRequest:
        number = self._numbers[project["arn"]] = self._numbers.get(project["arn"], 0) + 1
        record = BuildRecord(start_build.initial_fields(project, parameters, initiator, number))
        outcome = self.outcomes.take(project["name"])
        artifacts = start_build.artifacts_of(project, parameters)["type"]
        region = project["arn"].split(":")[3]
        request = BuildRequest(record, region, outcome, webhook, self.minute, artifacts)
        self._requests[record.id] = request
        return request

    def _run(self, request: BuildRequest, stream: Stream | None) -> None:
        build = Build(request, self._host, self._sources, BuildLog(self._writer, stream), self._grace)
        name = request.record.id
        self._threads[name] = threading.Thread(target=build.run, name=f"build {name}", daemon=True)
        self._threads[name].start()

    def _of_token(self, parameters: Mapping[str, Any]) -> BuildRequest | None:
        since, former, build_id = self._tokens.get(parameters.get("idempotencyToken") or "", (0.0, {}, ""))
        if not build_id or self._clock() - since > TOKEN_SECONDS:
            return None
        if former != parameters:
            raise InvalidError("Parameter mismatch: the idempotency token was used with other parameters")
        return self._requests.get(build_id)

    def _of(self, project_arn: str) -> list[BuildRequest]:
        return [request for request in self._requests.values() if _project_arn(request) == project_arn]

    def _stream(self, project: Mapping[str, Any], record: BuildRecord, region: str) -> Stream | None:
        logs = record["logs"]
        if "groupName" not in logs:
            return None
        stream = Stream(logs["groupName"], logs["streamName"], region)
        self._writer.prepare(stream, project["name"], create_group=True)
        return stream

    def projects(self, repository: str) -> list[dict[str, Any]]:
        """The projects with a webhook whose source is a repository."""
        projects = [
            project.project_metadata
            for backend in list(codebuild_backends[self._host.account_id].values())
            for project in list(backend.codebuild_projects.values())
        ]
        with_webhook = [project for project in projects if "webhook" in project]
        return [project for project in with_webhook if repository_name(project["source"]) == repository]

    def _start_for_push(self, project: Mapping[str, Any], push: Push) -> str:
        parameters = {"projectName": project["name"], "sourceVersion": push.new}
        try:
            build = self.start(project, parameters, f"GitHub-Hookshot/{push.new[:7]}", push.variables)
        except (InvalidError, LimitError) as error:
            return f"sandbox: project {project['name']} started no build: {error}"
        return f"sandbox: started {build['id']}"


def _stop(request: BuildRequest) -> None:
    """Stop a build that is not shown any more, even if its prescribed outcome is unstoppable."""
    request.outcome.unstoppable = False
    request.stop.set()


def _project_arn(request: BuildRequest) -> str:
    prefix = str(request.record["arn"]).rpartition(":build/")[0]
    return f"{prefix}:project/{request.record.project}"
