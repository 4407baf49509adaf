"""The result of a release: data first. The console, the JSON and the ledger are three views of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from longshore.masking import Masks
from longshore.verdict import Cause, Conclusion, ExitCode, Facts, Verdict, exit_code

Kind = Literal["release", "rollback", "apply", "scale", "restart"]
"""What a run is; promoting a version is a release of it."""

STAYING = ("scale", "restart")
"""The kinds that leave every service on its revision."""


Options = Mapping[str, str | bool | list[str] | None]
"""The options that a run was ordered with, by their names."""


class Data(BaseModel):
    """Base of what is recorded. Mutable while the release runs; unknown keys of later versions are read over."""

    model_config = ConfigDict(extra="ignore", validate_assignment=True)


class Actor(Data):
    """Who releases: the AWS identity, the person or job behind it.

    ``build`` is the id of the CodeBuild build that this process runs in, ``initiator`` who started that build, in
    CodeBuild's words.
    """

    arn: str
    user: str
    host: str
    ci_url: str | None = None
    build: str | None = None
    initiator: str | None = None


class ImageResult(Data):
    """An image of this release; ``reused`` if an earlier build of the same commit got the tag."""

    repository: str
    tag: str
    digest: str
    reused: bool = False


class Running(Data):
    """What a service runs: revision (ARN) and wanted count."""

    task_definition: str
    count: int


class ServiceResult(Data):
    """A service before and after; ``after`` stays None if it was never moved.

    ``made`` is when ECS made it; ``replaced`` says that this apply has made it anew, with no task.
    """

    name: str
    wave: int
    before: Running
    made: datetime | None = None
    replaced: bool = False
    after: Running | None = None
    deployment: str | None = None
    outcome: Literal["not moved", "moved", "completed", "failed", "moved back", "not moved back", "superseded"] = (
        "not moved"
    )


class ScheduleResult(Data):
    """A scheduled task: the revision (ARN) that its rule started before, and after.

    ``switched_on`` says that this run has switched the rule on, as it had never been released.
    """

    rule: str
    target_id: str
    before: str
    after: str | None = None
    switched_on: bool = False
    outcome: Literal["not moved", "moved", "moved back", "not moved back"] = "not moved"


class Failure(Data):
    """Why a service, or the migration, did not get there: what AWS, the container and the health URL said.

    ``container`` is the first one to fail, ``log`` its last lines; ``tasks`` is how many stopped like this one.
    """

    subject: str
    task: str | None = None
    tasks: int = 0
    stop_code: str = ""
    reason: str = ""
    exit_codes: dict[str, int | None] = {}
    container: str | None = None
    log: list[str] = []
    events: list[str] = []
    answer: str = ""


class MigrationResult(Data):
    """The migration task of this release; exit_code is None where the container has none."""

    task: str
    task_definition: str
    before_wave: int
    exit_code: int | None = None
    exit_codes: dict[str, int | None] = {}
    succeeded: bool = False
    stop_code: str = ""
    reason: str = ""
    seconds: float = 0.0
    log: list[str] = []
    log_complete: bool = True


class BuildResult(Data):
    """A build on CodeBuild: its id, and what became of it; ``log_complete`` says whether all its lines were shown."""

    id: str
    project: str
    status: str = "IN_PROGRESS"
    initiator: str = ""
    seconds: float | None = None
    log_complete: bool = True


class StepResult(Data):
    """A step with its duration by the monotonic clock, in seconds."""

    name: str
    seconds: float | None = None


class ReleaseResult(Data):
    """One release (or roll-back) of one application to one environment. Times are UTC.

    ``author`` is the commit's; ``options`` are those it was ordered with; ``going_back`` is set before the first
    service moves back; ``resumed`` counts how often another process went on with it; ``fence`` is the fencing token of
    the lock under which it was written, without which nobody writes it again; ``fingerprint`` is the plan's,
    ``approved`` that of the plan that was approved elsewhere.
    """

    release: str
    sequence: int
    kind: Kind
    application: str
    environment: str
    version: str
    previous_version: str
    commit: str | None = None
    subject: str | None = None
    author: str | None = None
    dirty: bool = False
    variables_digest: str
    actor: Actor
    options: dict[str, str | bool | list[str] | None] = {}
    promoted_from: str | None = None
    fingerprint: str = ""
    approved: str = ""
    going_back: bool = False
    resumed: int = 0
    fence: int = 0
    images: dict[str, ImageResult] = {}
    build: BuildResult | None = None
    services: dict[str, ServiceResult] = {}
    schedules: dict[str, ScheduleResult] = {}
    migration: MigrationResult | None = None
    changes: list[str] = []
    steps: list[StepResult] = []
    started: datetime
    ended: datetime | None = None
    seconds: float | None = None
    verdict: Verdict = Verdict.RUNNING
    cause: Cause | None = None
    message: str = ""
    hint: str = ""
    signal: str = ""
    failures: list[Failure] = []
    warnings: list[str] = []

    def copy_source_from(self, other: ReleaseResult) -> None:
        """Takes over what another entry says of what is released: the commit and the images."""
        self.commit, self.subject, self.author = other.commit, other.subject, other.author
        self.dirty, self.images = other.dirty, other.images

    @property
    def left_behind(self) -> bool:
        """Whether its process died, or still runs: the end is written down last."""
        return self.ended is None and self.verdict is not Verdict.SUCCEEDED

    @property
    def keeps_revisions(self) -> bool:
        """Whether every service stays on its revision, so that there is nothing to go back from."""
        return self.kind in STAYING

    @property
    def judges_version(self) -> bool:
        """Whether its end tells something of its version; what is changed without a release fails for other reasons."""
        return self.kind in ("release", "rollback")

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of this verdict and cause."""
        return exit_code(self.verdict, self.cause, self.signal)

    @property
    def facts(self) -> Facts:
        """What the entry says of its services and scheduled tasks."""
        return Facts(
            services=tuple(service.outcome for service in self.services.values()),
            schedules=tuple(schedule.outcome for schedule in self.schedules.values()),
            keeps_revisions=self.keeps_revisions,
        )

    def conclude(self, conclusion: Conclusion) -> None:
        """Takes over a verdict and its cause: the only place that sets them."""
        self.verdict, self.cause = conclusion.verdict, conclusion.cause

    def masked(self, masks: Masks) -> ReleaseResult:
        """A copy whose texts show no secrets. Names, revisions and digests stay as they are: others look them up."""
        found = self.model_copy(deep=True)
        found.message, found.hint = masks.mask(self.message), masks.mask(self.hint)
        found.subject = masks.mask(self.subject) if self.subject else None
        found.author = masks.mask(self.author) if self.author else None
        found.warnings = [masks.mask(text) for text in self.warnings]
        found.changes = [masks.mask(text) for text in self.changes]
        for failure in found.failures:
            failure.reason, failure.answer = masks.mask_untrusted(failure.reason), masks.mask_untrusted(failure.answer)
            failure.log = [masks.mask_untrusted(line) for line in failure.log]
            failure.events = [masks.mask_untrusted(line) for line in failure.events]
        if found.migration:
            found.migration.reason = masks.mask_untrusted(found.migration.reason)
            found.migration.log = [masks.mask_untrusted(line) for line in found.migration.log]
        return found

    def shorten(self, lines: int, characters: int) -> None:
        """Cuts the tails of logs to so many lines of so many characters."""
        for failure in self.failures:
            failure.log = [line[:characters] for line in failure.log[-lines:]]
            failure.events = [line[:characters] for line in failure.events[-lines:]]
        if self.migration:
            self.migration.log = [line[:characters] for line in self.migration.log[-lines:]]

    def document(self) -> dict[str, object]:
        """The JSON document: every field, and the exit code."""
        return {**self.model_dump(mode="json"), "exit_code": int(self.exit_code)}
