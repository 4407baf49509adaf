"""One build on CodeBuild: started exactly once, followed while it runs, and judged by its status alone."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from longshore.aws.codebuild import Build, Phase
from longshore.clock import Clock
from longshore.errors import AwsError, BuildError, InterruptError, UnknownOutcomeError
from longshore.images.ports import Builds, Lines, Logs

TOKEN = "LONGSHORE_BUILD"  # noqa: S105 - the name of a variable, by which our own build is found again

LINES_KEPT = 30
START_SECONDS = 120.0
"""How long to retry a start."""
STOP_SECONDS = 60.0
"""How long to wait for a build to stop."""
DRAIN_SECONDS = 3.0
"""How long to read the log after the build has ended: the last lines reach CloudWatch a moment later."""
MISSING_SECONDS = 60.0
"""How long a build that was started may be missing from reads."""

_FULL = "AccountLimitExceededException"
"""The answer of StartBuild if the project or the account has reached its limit of concurrent builds.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html
"""

_STATUSES = ("FAILED", "FAULT", "TIMED_OUT", "STOPPED", "SUCCEEDED")


def idempotency_token(application: str, release: str, attempt: int = 1) -> str:
    """The idempotency token of a build: 64 hex digits, the same for the same release and attempt.

    Args:
        application: its name.
        release: id of the release, extended so that it differs from the same id in a ledger that was created again.
        attempt: counted from 1.
    """
    return hashlib.sha256(f"{application}/{release}/{attempt}".encode()).hexdigest()


@dataclass(frozen=True)
class BuildRequest:
    """A build to start.

    Attributes:
        project: the CodeBuild project.
        commit: the full hash.
        token: identifies the build; see `idempotency_token`.
        variables: environment variables of the build, added to the project's.
    """

    project: str
    commit: str
    token: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass
class BuildOutcome:
    """A build that has ended, the last lines of its log, and whether all of its lines were shown."""

    build: Build
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_KEPT))
    log_complete: bool = True


def _ignore(_build: Build) -> None:
    """The default of ``on_start``."""


@dataclass(frozen=True)
class FollowOptions:
    """How a build is followed.

    Attributes:
        queue: seconds that it may wait for a machine.
        run: seconds that it may run after that.
        on_line: receives each line of its log.
        on_start: receives the build once its id is known.
        stops: whether to stop the build at its deadline and on a signal; otherwise it continues.
        mask: removes secrets from the last lines, which are kept for the record.
    """

    queue: float
    run: float
    on_line: Callable[[str], object]
    on_start: Callable[[Build], object] = _ignore
    stops: bool = True
    mask: Callable[[Sequence[str]], list[str]] = list


@dataclass(frozen=True)
class Builder:
    """Runs builds on CodeBuild."""

    codebuild: Builds
    logs: Logs
    clock: Clock

    def run(self, request: BuildRequest, options: FollowOptions) -> BuildOutcome:
        """Runs a build to its end, successful or not; `refuse_failed` judges it.

        Calling this again, even after a lost response, does not start a second build for the same request.

        Raises:
            BuildError: the build could not be started, or not followed to its end.
            UnknownOutcomeError: it could not be followed to its end, and continues.
            InterruptError: a signal.
        """
        build = self._start(request, options)
        options.on_start(build)
        try:
            return self._follow(build, options)
        except InterruptError:
            if options.stops:
                self._stop(build)
            raise

    def _start(self, request: BuildRequest, options: FollowOptions) -> Build:
        """Starts the build, or finds the one started before: AWS remembers a token for five minutes only."""
        refused: AwsError | None = None
        begun = self.clock.now()
        variables = {**request.variables, TOKEN: request.token}
        for _ in self.clock.polls(max(START_SECONDS, options.queue), longest=5):
            try:
                newest = self.codebuild.newest(request.project)
                if ours := [build for build in newest if build.variables.get(TOKEN) == request.token]:
                    return ours[-1]
                return self.codebuild.start(request.project, request.commit, variables, request.token)
            except AwsError as error:
                refused = error
                again = error.code == _FULL or (error.transient and self.clock.now() - begun < START_SECONDS)
                if not again:
                    break
        reason, hint = (refused.message, refused.hint) if refused else ("no reason given", "")
        message = f"cannot start a build of {request.project}: {reason}"
        if refused and refused.ambiguous:
            message += f"; one may have started: look for a build with {TOKEN}={request.token}"
        raise BuildError(message, hint) from refused

    def _follow(self, build: Build, options: FollowOptions) -> BuildOutcome:
        outcome, log = BuildOutcome(build), _BuildLog(self.logs, options)
        begun = last_seen = self.clock.now()
        running_since: float | None = None
        for _ in self.clock.polls(options.queue + options.run, first=0.5, longest=3):
            now = self.clock.now()
            latest = self._read(outcome.build, options)
            if latest:
                outcome.build, last_seen = latest, now
            elif now - last_seen > MISSING_SECONDS:
                raise _unfollowed(options, f"CodeBuild no longer returns build {build.id}", _hint(build))
            log.read(outcome)
            if outcome.build.complete:
                self._drain(outcome, log)
                # Masked before the lines are truncated: a truncated secret is no longer recognised.
                outcome.tail = deque(options.mask([*outcome.tail]), LINES_KEPT)
                return outcome
            running_since = None if outcome.build.waits else running_since or now
            if _overdue(now - begun, now - running_since if running_since else None, options):
                break
        raise self._out_of_time(outcome, options)

    def _read(self, build: Build, options: FollowOptions) -> Build | None:
        """The current state of the build, or the last one if it cannot be read now; None if CodeBuild does not know it.

        Raises:
            BuildError, UnknownOutcomeError: reads are refused for good.
        """
        try:
            return self.codebuild.get(build.id)
        except AwsError as error:
            if error.transient:  # only a deadline ends the wait: leaving now would leave the build running
                return build
            message = f"cannot read the outcome of build {build.id}: {error.message}"
            raise _unfollowed(options, message, error.hint) from error

    def _drain(self, outcome: BuildOutcome, log: _BuildLog) -> None:
        """Reads on until no line has come for a while; only then are these the last lines."""
        for _ in self.clock.polls(DRAIN_SECONDS, first=0.5, longest=1):
            log.read(outcome)
        # CodeBuild itself writes lines for each phase: a log without any line was never read.
        silent = outcome.build.status == "SUCCEEDED" and not outcome.tail
        outcome.log_complete = outcome.log_complete and log.readable and not silent

    def _out_of_time(self, outcome: BuildOutcome, options: FollowOptions) -> BuildError | UnknownOutcomeError:
        build = outcome.build
        waits = f"is still waiting for a machine after {options.queue:.0f} s"
        state = waits if build.waits else f"is still running after {options.run:.0f} s"
        end = self._stop(build) if options.stops else "it continues"
        key = "deadlines.queue" if build.waits else "deadlines.build"
        hint = f"{_hint(build)}. If it only needs more time, raise {key}."
        return _unfollowed(options, f"the build {build.id} {state}; {end}", hint)

    def _stop(self, build: Build) -> str:
        """Stops a build, checks whether it has stopped, and describes the result."""
        result = "no read showed whether it has"
        for _ in Clock(self.clock.now, self.clock.sleep).polls(STOP_SECONDS):  # without its check: we are leaving
            try:
                self.codebuild.stop(build.id)
                latest = self.codebuild.get(build.id)
            except AwsError as error:
                result = error.message
                continue
            if latest and latest.complete:
                return f"it has ended: {latest.status}"
            result = "it has not ended yet"
        return f"a stop was requested; {result}"


class _BuildLog:
    """The log of a build, shown as far as it can be read."""

    def __init__(self, logs: Logs, options: FollowOptions) -> None:
        self._logs, self._options = logs, options
        self._lines: Lines | None = None
        self.readable = True

    def read(self, outcome: BuildOutcome) -> None:
        """Shows new lines. An unreadable log never fails a build; the outcome records that it is incomplete."""
        if self._lines is None and outcome.build.log:
            self._lines = self._logs.follow(*outcome.build.log)
        if self._lines is None:
            return
        try:
            for line in self._lines.lines():
                text = line.rstrip("\n")
                outcome.tail.append(text)
                self._options.on_line(text)
            self.readable = True
        except AwsError as error:
            self.readable = False
            outcome.log_complete = outcome.log_complete and error.transient


def refuse_failed(outcome: BuildOutcome, commit: str) -> None:
    """Makes sure that a build has succeeded, and that it built this commit.

    Raises:
        BuildError: with the phase that failed, AWS's code and message, and the last lines of the log.
    """
    build = outcome.build
    if build.status == "SUCCEEDED":
        if build.commit != commit:
            raise BuildError(
                f"the build {build.id} built {build.commit or 'an unknown commit'}, not {commit}",
                "Check the source of the CodeBuild project. Its images were not released.",
            )
        return
    lines = "".join(f"\n  {line[:500]}" for line in outcome.tail)
    raise BuildError(f"the build {build.id} ended with {status_of(build)}{lines}", _hint(build))


def status_of(build: Build) -> str:
    """The status of a build that has ended, with AWS's messages for the phases that failed."""
    unknown = f"{build.status!r}, a status that Longshore does not know"
    return "; ".join([build.status if build.status in _STATUSES else unknown, *_failed_phases(build.phases)])


def _failed_phases(phases: Iterable[Phase]) -> Iterator[str]:
    for phase in phases:
        if phase.status not in ("", "SUCCEEDED"):
            yield f"{phase.name} {phase.status}" + "".join(f": {text}" for text in phase.messages)


def _unfollowed(options: FollowOptions, message: str, hint: str) -> BuildError | UnknownOutcomeError:
    """The error for a build that could not be followed to its end; if it continues, it may still release."""
    return BuildError(message, hint) if options.stops else UnknownOutcomeError(message, hint)


def _overdue(waited: float, ran: float | None, options: FollowOptions) -> bool:
    return waited > options.queue if ran is None else ran > options.run


def _hint(build: Build) -> str:
    return f"Look at it: aws codebuild batch-get-builds --ids {build.id}"
