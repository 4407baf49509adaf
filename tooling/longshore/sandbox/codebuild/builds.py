"""All builds of a sandbox: starting, stopping and listing them, and what a push starts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from moto.codebuild.models import codebuild_backends

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
"""For so long an idempotency token of StartBuild holds (CodeBuild API Reference)."""


class LimitError(Exception):
    """CodeBuild refuses with AccountLimitExceededException."""


class Builds:
    """The builds of a sandbox.

    Args:
        host: where they run.
        clock: seconds that only go forward.
        grace: seconds between SIGTERM and SIGKILL for a build that is ended.
    """

    def __init__(self, host: BuildHost, clock: Callable[[], float] = time.monotonic, grace: float = 5.0) -> None:
        self.repositories = Repositories(host.directory / "repositories", host.endpoint)
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
        given: Mapping[str, Any],
        initiator: str,
        webhook: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Start a build; one for an idempotency token, however often it is asked for.

        Args:
            project: as BatchGetProjects shows it.
            given: the parameters of StartBuild.
            initiator: who asks.
            webhook: variables of the push that starts it.

        Returns:
            The build.

        Raises:
            InvalidError: the parameters are not as they must be, or not those that came with the token before.
            LimitError: as many builds of the project run as may run.
        """
        with self._lock:
            if known := self._of_token(given):
                return known.record.document()
            check_variables(given.get("environmentVariablesOverride") or [])
            limit = project.get("concurrentBuildLimit")
            if limit and sum(not request.record.complete for request in self._of(project["arn"])) >= limit:
                raise LimitError(f"Cannot have more than {limit} active builds for the project")
            number = self._numbers[project["arn"]] = self._numbers.get(project["arn"], 0) + 1
            record = BuildRecord(start_build.fields(project, given, initiator, number))
            outcome = self.outcomes.take(project["name"])
            request = BuildRequest(record, project["arn"].split(":")[3], outcome, webhook or {}, self.minute)
            self._requests[record.id] = request
            if token := given.get("idempotencyToken"):
                self._tokens[token] = (self._clock(), given, record.id)
            log = BuildLog(self._writer, self._stream(project, record, request.region))
            run = Build(request, self._host, self._sources, log, self._grace)
            thread = threading.Thread(target=run.run, name=f"build {record.id}", daemon=True)
            self._threads[record.id] = thread
            answer = record.document()
            thread.start()
            return answer

    def stop(self, build_id: str) -> dict[str, Any] | None:
        """Have a build end; None where there is none."""
        with self._lock:
            request = self._requests.get(build_id)
        if request is None:
            return None
        request.stop.set()
        return request.record.document()

    def find(self, build_id: str) -> dict[str, Any] | None:
        """A build by id or ARN; None where there is none."""
        with self._lock:
            request = self._requests.get(build_id.rpartition(":build/")[2])
        return request.record.document() if request else None

    def ids_in(self, region: str, *, ascending: bool = False) -> list[str]:
        """The ids of a region's builds; the newest first."""
        with self._lock:
            found = [request.record.id for request in self._requests.values() if request.region == region]
        return found if ascending else found[::-1]

    def ids_of(self, project_arn: str, *, ascending: bool = False) -> list[str]:
        """The ids of one project's builds; the newest first."""
        with self._lock:
            found = [request.record.id for request in self._of(project_arn)]
        return found if ascending else found[::-1]

    def forget(self, project_arn: str) -> None:
        """End the builds of a project that is deleted; nobody sees them any more."""
        with self._lock:
            for request in self._of(project_arn):
                _end(request)
                del self._requests[request.record.id]

    def push(self, document: Mapping[str, Any]) -> list[str]:
        """Call the webhooks of all projects with a repository; what came of it, a line each.

        Args:
            document: ``{"repository": NAME, "actor": ID, "updates": [{"ref", "old", "new"}, …]}``.
        """
        name = document["repository"]
        lines = []
        for push in webhooks.read(self.repositories.path(name), document):
            called = [each for each in self.projects(name) if webhooks.matches(each["webhook"], push)]
            lines += [self._pushed(project, push) for project in called]
        return lines

    def rows(self) -> list[dict[str, Any]]:
        """What /_sandbox/status shows: the builds, the newest first."""
        with self._lock:
            return [request.record.row() for request in reversed(self._requests.values())]

    def close(self) -> None:
        """End all builds, and wait until their folders are removed and their logs written."""
        with self._lock:
            threads = list(self._threads.values())
            for request in self._requests.values():
                _end(request)
        for thread in threads:
            thread.join()
        self._writer.close()

    def _of_token(self, given: Mapping[str, Any]) -> BuildRequest | None:
        since, former, build_id = self._tokens.get(given.get("idempotencyToken") or "", (0.0, {}, ""))
        if not build_id or self._clock() - since > TOKEN_SECONDS:
            return None
        if former != given:
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
        """The projects with a webhook whose source a repository stands for."""
        found = [
            project.project_metadata
            for backend in list(codebuild_backends[self._host.account_id].values())
            for project in list(backend.codebuild_projects.values())
        ]
        return [each for each in found if "webhook" in each and repository_name(each["source"]) == repository]

    def _pushed(self, project: Mapping[str, Any], push: Push) -> str:
        given = {"projectName": project["name"], "sourceVersion": push.new}
        try:
            build = self.start(project, given, f"GitHub-Hookshot/{push.new[:7]}", push.variables)
        except (InvalidError, LimitError) as error:
            return f"sandbox: project {project['name']} builds nothing: {error}"
        return f"sandbox: started {build['id']}"


def _end(request: BuildRequest) -> None:
    """Have a build end that nobody is to see any more, whatever is prescribed for it."""
    request.outcome.unstoppable = False
    request.stop.set()


def _project_arn(request: BuildRequest) -> str:
    prefix = str(request.record["arn"]).rpartition(":build/")[0]
    return f"{prefix}:project/{request.record.project}"
