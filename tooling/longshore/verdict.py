"""Verdict, cause and exit code of a run: one pure function of the facts that its parts recorded, and of its error.

docs/concepts.md has the table of exit codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from longshore import errors
from longshore.signals import StoppedBySignal


class ExitCode(IntEnum):
    """The exit codes of every command."""

    SUCCEEDED = 0
    FAILED = 1
    USAGE = 2
    LOCKED = 3
    BUILD = 4
    PLAN = 5
    APPLY = 6
    MIGRATION = 7
    ROLLED_BACK = 8
    ROLLBACK_FAILED = 9
    SUPERSEDED = 10
    UNKNOWN = 11
    RECORD_INCOMPLETE = 12
    APPROVAL = 13
    DIFFERENCES = 20
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


class Verdict(StrEnum):
    """The outcome of a run; a closed set."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"
    INTERRUPTED = "interrupted"
    WAITING = "waiting"

    @property
    def good(self) -> bool:
        """Whether the version runs, and was verified."""
        return self is Verdict.SUCCEEDED

    @property
    def is_conclusive(self) -> bool:
        """Whether it is a verdict on the version: some of its tasks may have run."""
        return self in (Verdict.SUCCEEDED, Verdict.ROLLED_BACK, Verdict.ROLLBACK_FAILED, Verdict.UNKNOWN)


class Cause(StrEnum):
    """The reason why a run did not succeed; a closed set."""

    CHECK = "check"
    LOCK = "lock"
    BUILD = "build"
    PLAN = "plan"
    DECLINED = "declined"
    APPLY = "apply"
    STATE = "state"
    MIGRATION = "migration"
    ROLLOUT = "rollout"
    VERIFY = "verify"
    SUPERSEDED = "superseded"
    DEADLINE = "deadline"
    RECORD = "record"
    INTERRUPT = "interrupt"
    OTHER = "other"


@dataclass(frozen=True)
class Facts:
    """The facts that the parts of a run recorded.

    Attributes:
        services: the outcome of each service (`longshore.result.ServiceResult`).
        schedules: the outcome of each scheduled task.
        keeps_revisions: the run changes counts or restarts tasks: there is no revision to roll back to.
        done: every step ended without an error.
        waiting: the run stopped after its plan, for approval.
        rolling_back: a rollback is under way, so the run has not ended.
        rolled_back: this process has run a rollback to its end.
        stuck: something could not be rolled back.
        overtaken: another deployment had replaced ours before the rollback.
        first_cause: the cause for which an earlier process of this run began to roll back.
        record_incomplete: the tag, a minimum or the entry in the ledger could not be written.
        abandoned: the process was killed, and a later run has taken its place.
    """

    services: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    keeps_revisions: bool = False
    done: bool = False
    waiting: bool = False
    rolling_back: bool = False
    rolled_back: bool = False
    stuck: bool = False
    overtaken: bool = False
    first_cause: Cause | None = None
    record_incomplete: bool = False
    abandoned: bool = False

    @property
    def moved(self) -> bool:
        """Whether a service was updated, even if it was rolled back afterwards."""
        return any(outcome != "not moved" for outcome in self.services)

    @property
    def restored(self) -> bool:
        """Whether a service or a scheduled task is back on its previous revision."""
        return "moved back" in (*self.services, *self.schedules)

    @property
    def still_moved(self) -> bool:
        """Whether a service or a scheduled task is not on its previous revision."""
        outcomes = {*self.services, *self.schedules} - {"not moved", "moved back"}
        return bool(outcomes) and not self.keeps_revisions


@dataclass(frozen=True)
class Conclusion:
    """The verdict on a run, its cause and its exit code."""

    verdict: Verdict
    cause: Cause | None
    exit_code: ExitCode


def conclude(facts: Facts, error: BaseException | None) -> Conclusion:
    """The verdict on a run, its cause and its exit code.

    Args:
        facts: recorded so far.
        error: the error that ended the run; None if there was none.
    """
    verdict = _verdict(facts, error)
    cause = _cause(facts, error, verdict)
    return Conclusion(verdict, cause, exit_code(verdict, cause, signal_of(error)))


def _verdict(facts: Facts, error: BaseException | None) -> Verdict:
    if error is None or facts.rolling_back:
        return _verdict_without_error(facts)
    if isinstance(error, errors.LongshoreError):
        return _verdict_on_failure(facts, error)
    # Anything else is a bug in Longshore: the state of the services is unknown.
    return Verdict.INTERRUPTED if isinstance(error, errors.LeaveAtOnce) else Verdict.UNKNOWN


def _verdict_without_error(facts: Facts) -> Verdict:
    if facts.abandoned:
        return Verdict.INTERRUPTED
    if facts.waiting:
        return Verdict.WAITING
    return Verdict.SUCCEEDED if facts.done else Verdict.RUNNING


def _verdict_on_failure(facts: Facts, error: errors.LongshoreError) -> Verdict:
    """The verdict on a run that failed; the first line that applies."""
    table = (
        (facts.done, Verdict.SUCCEEDED),  # the release stands: only its record could not be completed
        (facts.stuck, Verdict.ROLLBACK_FAILED),
        (facts.overtaken or isinstance(error, errors.SupersededError), Verdict.SUPERSEDED),
        (isinstance(error, errors.InterruptError), Verdict.INTERRUPTED),
        (isinstance(error, errors.UnknownOutcomeError), Verdict.UNKNOWN),
        # Another process holds the lock now, and decides about the services that have moved.
        (isinstance(error, errors.LockLostError), Verdict.UNKNOWN if facts.moved else Verdict.FAILED),
        (facts.rolled_back and facts.restored, Verdict.ROLLED_BACK),
        (facts.rolled_back or isinstance(error, errors.AbortError), Verdict.FAILED),
        # `failed` would be final, but these services still have to be resumed or rolled back.
        (facts.still_moved, Verdict.UNKNOWN),
    )
    return next((verdict for applies, verdict in table if applies), Verdict.FAILED)


_CAUSES: Mapping[type[BaseException], Cause] = {
    errors.NotReadyError: Cause.CHECK,
    errors.UsageError: Cause.CHECK,
    errors.LockedError: Cause.LOCK,
    errors.DeclinedError: Cause.DECLINED,
    errors.BuildError: Cause.BUILD,
    errors.PlanError: Cause.PLAN,
    errors.UnsavedStateError: Cause.STATE,
    errors.ApplyError: Cause.APPLY,
    errors.MigrationError: Cause.MIGRATION,
    errors.SupersededError: Cause.SUPERSEDED,
    errors.DeadlineError: Cause.DEADLINE,
    errors.VerifyError: Cause.VERIFY,
    errors.RolloutError: Cause.ROLLOUT,
    errors.UnknownOutcomeError: Cause.DEADLINE,
    errors.InterruptError: Cause.INTERRUPT,
    errors.AbortError: Cause.INTERRUPT,
    errors.LeaveAtOnce: Cause.INTERRUPT,
}
"""The first class that an error belongs to counts."""


def _cause(facts: Facts, error: BaseException | None, verdict: Verdict) -> Cause | None:
    if verdict is Verdict.SUCCEEDED:
        return Cause.RECORD if facts.record_incomplete else None
    if error is None:
        return Cause.OTHER if facts.abandoned else None
    if facts.first_cause and isinstance(error, errors.AbortError):
        return facts.first_cause
    return next((cause for kind, cause in _CAUSES.items() if isinstance(error, kind)), Cause.OTHER)


_EXIT_CODES: Mapping[Verdict, ExitCode] = {
    Verdict.SUCCEEDED: ExitCode.SUCCEEDED,
    Verdict.ROLLED_BACK: ExitCode.ROLLED_BACK,
    Verdict.ROLLBACK_FAILED: ExitCode.ROLLBACK_FAILED,
    Verdict.SUPERSEDED: ExitCode.SUPERSEDED,
    Verdict.UNKNOWN: ExitCode.UNKNOWN,
    Verdict.INTERRUPTED: ExitCode.INTERRUPTED,
    Verdict.WAITING: ExitCode.APPROVAL,
}

_EXIT_CODES_OF_FAILURES: Mapping[Cause | None, ExitCode] = {
    Cause.LOCK: ExitCode.LOCKED,
    Cause.BUILD: ExitCode.BUILD,
    Cause.PLAN: ExitCode.PLAN,
    Cause.DECLINED: ExitCode.PLAN,
    Cause.APPLY: ExitCode.APPLY,
    Cause.STATE: ExitCode.APPLY,
    Cause.MIGRATION: ExitCode.MIGRATION,
}
"""Of a run that failed before any service had moved; 1 for every other cause."""


def exit_code(verdict: Verdict, cause: Cause | None, signal: str = "") -> ExitCode:
    """The exit code of a run, by its verdict, its cause and the name of the signal that ended it."""
    if verdict is Verdict.FAILED:
        return _EXIT_CODES_OF_FAILURES.get(cause, ExitCode.FAILED)
    if verdict is Verdict.SUCCEEDED and cause is Cause.RECORD:
        return ExitCode.RECORD_INCOMPLETE
    if verdict is Verdict.INTERRUPTED and signal:
        return _exit_code_of_signal(signal)
    return _EXIT_CODES.get(verdict, ExitCode.FAILED)


_EXIT_CODES_WITHOUT_A_RUN: Mapping[type[errors.LongshoreError], ExitCode] = {
    errors.UsageError: ExitCode.USAGE,
    errors.LockedError: ExitCode.LOCKED,
    errors.BuildError: ExitCode.BUILD,
    errors.PlanError: ExitCode.PLAN,
    errors.ApplyError: ExitCode.APPLY,
    errors.UnknownOutcomeError: ExitCode.UNKNOWN,
}


def exit_code_of(error: BaseException) -> ExitCode:
    """The exit code of a command that failed before its run began, or that has no run."""
    if isinstance(error, errors.ChecksFailedError):
        return exit_code_of(error.first)
    if isinstance(error, errors.RemoteReleaseError):
        return ExitCode(error.exit_code)
    if isinstance(error, errors.InternalError):
        return ExitCode(error.exit_code or ExitCode.FAILED)
    if isinstance(error, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    if signal := signal_of(error):
        return _exit_code_of_signal(signal)
    codes = (code for kind, code in _EXIT_CODES_WITHOUT_A_RUN.items() if isinstance(error, kind))
    return next(codes, ExitCode.FAILED)


def signal_of(error: BaseException | None) -> str:
    """The name of the signal that an error stands for, such as ``SIGTERM``; empty if it stands for none."""
    signals = errors.InterruptError | errors.LeaveAtOnce | StoppedBySignal
    return error.name if isinstance(error, signals) else ""


def _exit_code_of_signal(name: str) -> ExitCode:
    """The signal's number plus 128, as shells have it."""
    return {"SIGINT": ExitCode.INTERRUPTED, "SIGHUP": ExitCode.HUNG_UP}.get(name, ExitCode.TERMINATED)
