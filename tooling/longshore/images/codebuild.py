"""One build on CodeBuild: started once, shown while it runs, and judged by its status alone."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from longshore.aws.codebuild import Build, Phase
from longshore.clock import Clock
from longshore.errors import AwsError, BuildError, InterruptError, UnknownOutcomeError
from longshore.images.ports import Builds, Lines, Logs

TOKEN = "LONGSHORE_BUILD"  # noqa: S105 - the name of a variable, by which a build of ours is found again

LINES_KEPT = 30
START_SECONDS = 120.0
"""So long a start is tried."""
STOP_SECONDS = 60.0
"""So long we wait until a build that was told to stop has stopped."""
DRAIN_SECONDS = 3.0
"""So long we look for the last lines of a build that has ended: CloudWatch gets them a moment later."""
MISSING_SECONDS = 60.0
"""So long a build that was started may be missing from reads."""

_FULL = "AccountLimitExceededException"
"""What StartBuild answers where a project or account has as many builds as it may have (its documentation)."""


def idempotency_token(application: str, release: str, attempt: int = 1) -> str:
    """The idempotency token of a build: 64 hex digits, the same for the same release and attempt.

    Args:
        application: its name.
        release: id of the release, with what tells it from one of the same id in a ledger made anew.
        attempt: counted from 1.
    """
    return hashlib.sha256(f"{application}/{release}/{attempt}".encode()).hexdigest()


@dataclass(frozen=True)
class BuildRequest:
    """The build that is wanted.

    Attributes:
        project: of CodeBuild.
        commit: the full hash.
        token: tells it from every other; see `idempotency_token`.
        variables: for the build, on top of the project's.
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


def _nothing(_build: Build) -> None:
    """Nobody wants to know which build it is."""


@dataclass(frozen=True)
class FollowOptions:
    """How a build is looked at.

    Attributes:
        queue: seconds for which it may wait for a machine.
        run: seconds for which it may run then.
        on_line: gets each line of its log.
        on_start: gets the build, once it is known which it is.
        stops: whether it is stopped where its time is over, or somebody interrupts us; else it goes on.
        mask: takes out of a line what is secret, before it becomes one of the last lines, which are recorded.
    """

    queue: float
    run: float
    on_line: Callable[[str], object]
    on_start: Callable[[Build], object] = _nothing
    stops: bool = True
    mask: Callable[[str], str] = str


@dataclass(frozen=True)
class Builder:
    """Runs builds on CodeBuild."""

    codebuild: Builds
    logs: Logs
    clock: Clock

    def run(self, request: BuildRequest, watch: FollowOptions) -> BuildOutcome:
        """Has a build run to its end, whatever that is; `refuse` judges it.

        However often this is called, and whatever answer was lost, one request is one build.

        Raises:
            BuildError: it could not be started, or followed to its end.
            UnknownOutcomeError: the same, where it goes on.
            InterruptError: a signal.
        """
        build = self._start(request, watch)
        watch.on_start(build)
        try:
            return self._follow(build, watch)
        except InterruptError:
            if watch.stops:
                self._stop(build)
            raise

    def _start(self, request: BuildRequest, watch: FollowOptions) -> Build:
        """Starts the build, or finds the one that was started before: AWS remembers a token for five minutes only."""
        refused: AwsError | None = None
        begun = self.clock.now()
        variables = {**request.variables, TOKEN: request.token}
        for _ in self.clock.polls(max(START_SECONDS, watch.queue), longest=5):
            try:
                known = self.codebuild.newest(request.project)
                if ours := [one for one in known if one.variables.get(TOKEN) == request.token]:
                    return ours[-1]
                return self.codebuild.start(request.project, request.commit, variables, request.token)
            except AwsError as error:
                refused = error
                again = error.code == _FULL or (error.transient and self.clock.now() - begun < START_SECONDS)
                if not again:
                    break
        said, hint = (refused.message, refused.hint) if refused else ("no reason given", "")
        message = f"no build of {request.project} could be started: {said}"
        if refused and refused.ambiguous:
            message += f"; one may have: look for a build with {TOKEN}={request.token}"
        raise BuildError(message, hint) from refused

    def _follow(self, build: Build, watch: FollowOptions) -> BuildOutcome:
        found, log = BuildOutcome(build), _Log(self.logs, watch)
        begun = last_seen = self.clock.now()
        running_since: float | None = None
        for _ in self.clock.polls(watch.queue + watch.run, first=0.5, longest=3):
            now = self.clock.now()
            looked = self._look(found.build, watch)
            if looked:
                found.build, last_seen = looked, now
            elif now - last_seen > MISSING_SECONDS:
                raise _lost(watch, f"CodeBuild tells nothing of {build.id} any more", _console(build))
            log.read(found)
            if found.build.complete:
                self._drain(found, log)
                return found
            running_since = None if found.build.waits else running_since or now
            late = _late(now - begun, now - running_since if running_since else None, watch)
            if late:
                break
        raise self._out_of_time(found, watch)

    def _look(self, build: Build, watch: FollowOptions) -> Build | None:
        """The build as it is, or as it was where that can't be read just now; None where CodeBuild does not know it.

        Raises:
            BuildError, UnknownOutcomeError: it never will be: AWS refuses to tell.
        """
        try:
            return self.codebuild.get(build.id)
        except AwsError as error:
            if error.transient:  # only a deadline ends the waiting: who leaves now would leave the build running
                return build
            raise _lost(watch, f"how the build {build.id} ends can't be read: {error.message}", error.hint) from error

    def _drain(self, found: BuildOutcome, log: _Log) -> None:
        """Reads on until nothing has come for a while; only then are these the last lines."""
        for _ in self.clock.polls(DRAIN_SECONDS, first=0.5, longest=1):
            log.read(found)
        # CodeBuild itself writes lines for each phase: where there are none, the stream was never found.
        silent = found.build.status == "SUCCEEDED" and not found.tail
        found.log_complete = found.log_complete and log.answered and not silent

    def _out_of_time(self, found: BuildOutcome, watch: FollowOptions) -> BuildError | UnknownOutcomeError:
        build = found.build
        waits = f"still waits for a machine after {watch.queue:.0f} s"
        what = waits if build.waits else f"still runs after {watch.run:.0f} s"
        end = self._stop(build) if watch.stops else "it goes on"
        return _lost(
            watch, f"the build {build.id} {what}; {end}", "Look why, or raise deadlines.queue or deadlines.build."
        )

    def _stop(self, build: Build) -> str:
        """Stops a build and looks whether it has stopped; what came of it, in words."""
        said = "nobody knows whether it has"
        for _ in Clock(self.clock.now, self.clock.sleep).polls(STOP_SECONDS):  # without its check: we end already
            try:
                self.codebuild.stop(build.id)
                found = self.codebuild.get(build.id)
            except AwsError as error:
                said = error.message
                continue
            if found and found.complete:
                return f"it has ended: {found.status}"
            said = "it has not ended yet"
        return f"it was told to stop; {said}"


class _Log:
    """The log of a build, shown as far as it can be read."""

    def __init__(self, logs: Logs, watch: FollowOptions) -> None:
        self._logs, self._watch = logs, watch
        self._lines: Lines | None = None
        self.answered = True

    def read(self, found: BuildOutcome) -> None:
        """Shows what has come. That lines can't be read never fails a build: it is said at the end."""
        if self._lines is None and found.build.log:
            self._lines = self._logs.follow(*found.build.log)
        if self._lines is None:
            return
        try:
            for line in self._lines.lines():
                shown = line.rstrip("\n")
                found.tail.append(self._watch.mask(shown))  # before it is cut: a part of a secret is not recognised
                self._watch.on_line(shown)
            self.answered = True
        except AwsError as error:
            self.answered = False
            found.log_complete = found.log_complete and error.transient


def refuse(found: BuildOutcome, commit: str) -> None:
    """Makes sure that a build has succeeded, and has built this commit.

    Raises:
        BuildError: with the phase that failed, AWS's code and message, and the last lines.
    """
    build = found.build
    if build.status == "SUCCEEDED":
        if build.commit != commit:
            raise BuildError(
                f"{build.id} has built {build.commit or 'nobody knows what'}, not {commit}",
                "Look at the source of the CodeBuild project; its images are not released.",
            )
        return
    lines = "".join(f"\n  {line[:500]}" for line in found.tail)
    raise BuildError(f"the build {build.id} ended with {status_of(build)}{lines}", _console(build))


def status_of(build: Build) -> str:
    """How a build ended, in words: its status, and what AWS says of the phases that failed."""
    known = ("FAILED", "FAULT", "TIMED_OUT", "STOPPED", "SUCCEEDED")
    status = build.status if build.status in known else f"{build.status!r}, which Longshore does not know"
    return "; ".join([status, *_failed(build.phases)])


def _failed(phases: Iterable[Phase]) -> Iterator[str]:
    for phase in phases:
        if phase.status not in ("", "SUCCEEDED"):
            yield f"{phase.name} {phase.status}" + "".join(f": {text}" for text in phase.said)


def _lost(watch: FollowOptions, message: str, hint: str) -> BuildError | UnknownOutcomeError:
    """The error for a build whose end is not seen: what only builds has done nothing; what goes on may do anything."""
    return BuildError(message, hint) if watch.stops else UnknownOutcomeError(message, hint)


def _late(waited: float, ran: float | None, watch: FollowOptions) -> bool:
    return waited > watch.queue if ran is None else ran > watch.run


def _console(build: Build) -> str:
    return f"Look at it: aws codebuild batch-get-builds --ids {build.id}"
