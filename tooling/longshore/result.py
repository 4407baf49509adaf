"""The record of a run, as data: the console, the JSON document and the ledger are three views of it.

Names and values of the fields are the format of the ledger and of ``--json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from longshore.masking import Masks
from longshore.verdict import Cause, Conclusion, ExitCode, Facts, Verdict, exit_code

Kind = Literal["release", "rollback", "apply", "scale", "restart"]
"""The kinds of a run. Promoting a version is a release."""

Standing = Literal["new", "adopted", "released"]
"""Of a service or scheduled task at the beginning of a run.

A ``released`` one was part of the last good release. Of the others, a ``new`` one has never had tasks, and an
``adopted`` one was run or disabled by another tool or by an operator.
"""

Options = Mapping[str, str | bool | list[str] | None]
"""The options of a run, by their names."""


class Data(BaseModel):
    """The base of all records: mutable while the run lasts. Keys that a later version has added are kept."""

    model_config = ConfigDict(extra="allow", validate_assignment=True)
    if not TYPE_CHECKING:  # a type checker would then accept every attribute

        def __setattr__(self, name: str, value: Any) -> None:
            if name not in type(self).model_fields:  # pydantic would keep it, like a key of a later version
                raise AttributeError(f"{type(self).__name__} has no field {name!r}")
            super().__setattr__(name, value)


class Actor(Data):
    """The person or job that started a run, and its AWS identity.

    ``build`` is the id of its CodeBuild build; ``initiator`` is the identity that started the build, by CodeBuild.
    """

    arn: str
    user: str
    host: str
    ci_url: str | None = None
    build: str | None = None
    initiator: str | None = None


class ImageResult(Data):
    """An image of the release; ``reused`` if an earlier build of the same commit was tagged again.

    ``platforms`` are the digests of its manifests, one for each platform, if its digest is that of an index.
    """

    repository: str
    tag: str
    digest: str
    reused: bool = False
    platforms: list[str] = []

    def runs_as(self, digest: str | None) -> bool:
        """Whether a container with this digest runs it.

        ECS documents no digest for an image of several platforms: its agent reports the index's (amazon-ecs-agent,
        pull request 3576), and a container runtime may report the manifest that it has pulled.
        """
        return digest is not None and digest in (self.digest, *self.platforms)


class Running(Data):
    """The state of a service: its revision (ARN) and its desired count."""

    task_definition: str
    count: int


class ServiceResult(Data):
    """A service before and after the run; ``after`` is None if it was not moved.

    ``made`` is the time at which ECS created it; ``looked`` is the id of the deployment that was PRIMARY then, and
    ``deployment`` of the one that the run started; ``replaced`` is set if the apply of this run created it again, with
    no tasks. ``standing`` is None if the run needs none, such as a rollback.
    """

    name: str
    wave: int
    before: Running
    made: datetime | None = None
    looked: str | None = None
    standing: Standing | None = None
    replaced: bool = False
    after: Running | None = None
    deployment: str | None = None
    outcome: Literal["not moved", "moved", "completed", "failed", "moved back", "not moved back", "superseded"] = (
        "not moved"
    )


class ScheduleResult(Data):
    """A scheduled task: the revision (ARN) that its rule starts, before and after the run.

    ``standing`` is None if the run needs none; ``switched_on`` is set if the run enabled the rule, because it is new.
    """

    rule: str
    target_id: str
    before: str
    after: str | None = None
    standing: Standing | None = None
    switched_on: bool = False
    outcome: Literal["not moved", "moved", "moved back", "not moved back"] = "not moved"


class Failure(Data):
    """The reason why a service or the migration failed, as AWS, the container and the health URL report it.

    ``subject`` is the service, or the family of the migration; ``tasks`` counts those that stopped for the same reason;
    ``container`` is the first one to fail, and ``log`` has its last lines; ``answer`` is that of the health URL;
    ``alarms`` names those of the service that are in ALARM; ``targets`` says why its load balancer sends no requests.
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
    alarms: list[str] = []
    targets: list[str] = []


class MigrationResult(Data):
    """The migration task of the release; ``exit_code`` is None if its container has none."""

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
    """A CodeBuild build and its status; ``log_complete`` tells whether all lines of its log were shown."""

    id: str
    project: str
    status: str = "IN_PROGRESS"
    initiator: str = ""
    seconds: float | None = None
    log_complete: bool = True


class HealthCheck(Data):
    """A health URL that a release has passed, by the key of its service; a rollback to the release asks it again."""

    service: str
    path: str
    expect_status: int
    expect_text: str | None = None


class StepResult(Data):
    """A step and its duration in seconds, by the monotonic clock."""

    name: str
    seconds: float | None = None


class ReleaseResult(Data):
    """A run that changes an environment of an application, such as a release. Times are in UTC.

    Attributes:
        author: of the commit.
        options: of the command.
        fingerprint: of the plan.
        approved: the fingerprint of the plan that was approved in another job.
        going_back: set before the first service is rolled back.
        resumed: how often another process has resumed it.
        migration_tries: how often the migration was started again because ECS had no capacity for it.
        checks: the health URLs that have answered as expected; None if the run did not get as far.
        answers: the answers to lifecycle hooks at which services waited, one text each.
        fence: the fencing token of the lock under which it was written; only its holder may write it again.
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
    migration_tries: int = 0
    checks: list[HealthCheck] | None = None
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
    answers: list[str] = []

    def copy_source_from(self, release: ReleaseResult) -> None:
        """Copies the commit and the images of a release."""
        self.commit, self.subject, self.author = release.commit, release.subject, release.author
        self.dirty, self.images = release.dirty, release.images

    @property
    def unfinished(self) -> bool:
        """Whether its process is running, or was killed: the end is recorded last."""
        return self.ended is None and self.verdict is not Verdict.SUCCEEDED

    @property
    def keeps_revisions(self) -> bool:
        """Whether every service stays on its revision, so that there is nothing to roll back."""
        return self.kind in ("scale", "restart")

    @property
    def judges_version(self) -> bool:
        """Whether its verdict is one on the version; a change without a release fails for other reasons."""
        return self.kind in ("release", "rollback")

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that follows from the verdict and its cause."""
        return exit_code(self.verdict, self.cause, self.signal)

    @property
    def facts(self) -> Facts:
        """The facts about the services and scheduled tasks in the record."""
        services = tuple(service.outcome for service in self.services.values())
        schedules = tuple(schedule.outcome for schedule in self.schedules.values())
        return Facts(services=services, schedules=schedules, keeps_revisions=self.keeps_revisions)

    def conclude(self, conclusion: Conclusion) -> None:
        """Records the verdict and its cause; nothing else sets them."""
        self.verdict, self.cause = conclusion.verdict, conclusion.cause

    def masked(self, masks: Masks) -> ReleaseResult:
        """A copy without secrets in its texts; names, revisions and digests are identifiers and stay as they are."""
        masked = self.model_copy(deep=True)
        masked.message, masked.hint = masks.mask(self.message), masks.mask(self.hint)
        masked.subject, masked.author = (text and masks.mask(text) for text in (self.subject, self.author))
        masked.actor.ci_url = masks.mask(self.actor.ci_url) if self.actor.ci_url else None
        masked.options = masks.mask_options(self.options)
        for texts in (masked.warnings, masked.changes, masked.answers):
            texts[:] = map(masks.mask, texts)
        for failure in masked.failures:
            failure.reason, failure.answer = masks.mask_untrusted(failure.reason), masks.mask_untrusted(failure.answer)
            failure.log = masks.mask_lines(failure.log)
            failure.events, failure.targets = masks.mask_lines(failure.events), masks.mask_lines(failure.targets)
        if masked.migration:
            masked.migration.reason = masks.mask_untrusted(masked.migration.reason)
            masked.migration.log = masks.mask_lines(masked.migration.log)
        return masked

    def document(self) -> dict[str, object]:
        """The JSON document: all fields, and the exit code."""
        return {**self.model_dump(mode="json"), "exit_code": int(self.exit_code)}
