"""Verdict, cause and exit code as a table: facts and error on the left, the conclusion on the right."""

from __future__ import annotations

import signal

import pytest

from longshore import errors
from longshore.verdict import Cause, Conclusion, ExitCode, Facts, Verdict, conclude, exit_code, exit_code_of

NOTHING_MOVED = Facts(services=("not moved", "not moved"), schedules=("not moved",))
FIRST_MOVED = Facts(services=("moved", "not moved"), schedules=("not moved",))
FIRST_FAILED = Facts(services=("failed", "not moved"))
ALL_COMPLETED = Facts(services=("completed", "completed"), schedules=("moved",))
BACK = Facts(services=("moved back", "not moved"), rolled_back=True)
SCHEDULE_BACK = Facts(services=("not moved",), schedules=("moved back",), rolled_back=True)
NOTHING_TO_BRING_BACK = Facts(services=("not moved", "not moved"), rolled_back=True)
STUCK = Facts(services=("not moved back", "moved back"), rolled_back=True, stuck=True)
OVERTAKEN = Facts(services=("superseded", "moved back"), rolled_back=True, overtaken=True)
STUCK_AND_OVERTAKEN = Facts(services=("superseded", "not moved back"), rolled_back=True, stuck=True, overtaken=True)
RESUMED_BACK = Facts(services=("moved back",), rolled_back=True, first_cause=Cause.VERIFY)
RESUMED_WITH_NOTHING = Facts(services=("not moved",), first_cause=Cause.APPLY)
RESUMED_STUCK = Facts(services=("not moved back",), rolled_back=True, stuck=True, first_cause=Cause.ROLLOUT)
SCALED = Facts(services=("moved",), keeps_revisions=True)
RESTARTED = Facts(services=("completed", "failed"), keeps_revisions=True)
DONE = Facts(services=("completed",), done=True)
RECORD_INCOMPLETE = Facts(services=("completed",), done=True, record_incomplete=True)
WAITING = Facts(services=("not moved",), waiting=True)

SIGINT, SIGTERM, SIGHUP = (errors.InterruptError(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
ABORT = errors.AbortError("aborted by ann")
AWS, AWS_SILENT = errors.AwsError("denied", code="AccessDenied"), errors.AwsError("no answer")
BUG = ZeroDivisionError("division by zero")

TABLE = [
    # No error
    (Facts(), None, Verdict.RUNNING, None, 1),
    (FIRST_MOVED, None, Verdict.RUNNING, None, 1),
    (WAITING, None, Verdict.WAITING, None, 13),
    (DONE, None, Verdict.SUCCEEDED, None, 0),
    (RECORD_INCOMPLETE, None, Verdict.SUCCEEDED, Cause.RECORD, 12),
    (Facts(abandoned=True), None, Verdict.INTERRUPTED, Cause.OTHER, 130),
    (Facts(services=("moved",), abandoned=True), None, Verdict.INTERRUPTED, Cause.OTHER, 130),
    # Before anything moved: the cause decides the exit code
    (Facts(), errors.NotReadyError(""), Verdict.FAILED, Cause.CHECK, 1),
    (Facts(), errors.UsageError(""), Verdict.FAILED, Cause.CHECK, 1),
    (Facts(), errors.ConfigError(""), Verdict.FAILED, Cause.CHECK, 1),
    (Facts(), errors.LockedError(""), Verdict.FAILED, Cause.LOCK, 3),
    (NOTHING_MOVED, errors.LockLostError(""), Verdict.FAILED, Cause.LOCK, 3),
    (NOTHING_MOVED, errors.BuildError(""), Verdict.FAILED, Cause.BUILD, 4),
    (NOTHING_MOVED, errors.PlanError(""), Verdict.FAILED, Cause.PLAN, 5),
    (NOTHING_MOVED, errors.DeclinedError(""), Verdict.FAILED, Cause.DECLINED, 5),
    (NOTHING_MOVED, errors.ApplyError(""), Verdict.FAILED, Cause.APPLY, 6),
    (NOTHING_MOVED, errors.UnsavedStateError(""), Verdict.FAILED, Cause.STATE, 6),
    (NOTHING_MOVED, errors.MigrationError(""), Verdict.FAILED, Cause.MIGRATION, 7),
    (NOTHING_MOVED, errors.DeadlineError(""), Verdict.FAILED, Cause.DEADLINE, 1),
    (NOTHING_MOVED, errors.TerraformError(""), Verdict.FAILED, Cause.OTHER, 1),
    (NOTHING_MOVED, errors.CloudError(""), Verdict.FAILED, Cause.OTHER, 1),
    (NOTHING_MOVED, errors.GitError(""), Verdict.FAILED, Cause.OTHER, 1),
    (NOTHING_MOVED, AWS, Verdict.FAILED, Cause.OTHER, 1),
    (NOTHING_MOVED, errors.LongshoreError(""), Verdict.FAILED, Cause.OTHER, 1),
    # A rollback that brought everything back
    (BACK, errors.RolloutError(""), Verdict.ROLLED_BACK, Cause.ROLLOUT, 8),
    (BACK, errors.CrashLoopError(""), Verdict.ROLLED_BACK, Cause.ROLLOUT, 8),
    (BACK, errors.DeadlineError(""), Verdict.ROLLED_BACK, Cause.DEADLINE, 8),
    (BACK, errors.VerifyError(""), Verdict.ROLLED_BACK, Cause.VERIFY, 8),
    (BACK, errors.MigrationError(""), Verdict.ROLLED_BACK, Cause.MIGRATION, 8),
    (BACK, errors.ApplyError(""), Verdict.ROLLED_BACK, Cause.APPLY, 8),
    (BACK, AWS, Verdict.ROLLED_BACK, Cause.OTHER, 8),
    (BACK, errors.LongshoreError("a bug"), Verdict.ROLLED_BACK, Cause.OTHER, 8),
    (SCHEDULE_BACK, AWS, Verdict.ROLLED_BACK, Cause.OTHER, 8),
    (BACK, ABORT, Verdict.ROLLED_BACK, Cause.INTERRUPT, 8),
    (RESUMED_BACK, ABORT, Verdict.ROLLED_BACK, Cause.VERIFY, 8),
    (NOTHING_TO_BRING_BACK, AWS, Verdict.FAILED, Cause.OTHER, 1),
    (NOTHING_TO_BRING_BACK, errors.RolloutError(""), Verdict.FAILED, Cause.ROLLOUT, 1),
    (NOTHING_MOVED, ABORT, Verdict.FAILED, Cause.INTERRUPT, 1),
    (RESUMED_WITH_NOTHING, ABORT, Verdict.FAILED, Cause.APPLY, 6),
    # A rollback that could not bring everything back
    (STUCK, errors.RolloutError(""), Verdict.ROLLBACK_FAILED, Cause.ROLLOUT, 9),
    (STUCK, errors.VerifyError(""), Verdict.ROLLBACK_FAILED, Cause.VERIFY, 9),
    (STUCK, errors.SupersededError(""), Verdict.ROLLBACK_FAILED, Cause.SUPERSEDED, 9),
    (STUCK, SIGINT, Verdict.ROLLBACK_FAILED, Cause.INTERRUPT, 9),
    (STUCK, SIGTERM, Verdict.ROLLBACK_FAILED, Cause.INTERRUPT, 9),
    (RESUMED_STUCK, ABORT, Verdict.ROLLBACK_FAILED, Cause.ROLLOUT, 9),
    (STUCK_AND_OVERTAKEN, errors.RolloutError(""), Verdict.ROLLBACK_FAILED, Cause.ROLLOUT, 9),
    # Another deployment replaced ours
    (BACK, errors.SupersededError(""), Verdict.SUPERSEDED, Cause.SUPERSEDED, 10),
    (NOTHING_MOVED, errors.SupersededError(""), Verdict.SUPERSEDED, Cause.SUPERSEDED, 10),
    (SCALED, errors.SupersededError(""), Verdict.SUPERSEDED, Cause.SUPERSEDED, 10),
    (OVERTAKEN, errors.SupersededError(""), Verdict.SUPERSEDED, Cause.SUPERSEDED, 10),
    (OVERTAKEN, errors.RolloutError(""), Verdict.SUPERSEDED, Cause.ROLLOUT, 10),
    (OVERTAKEN, SIGINT, Verdict.SUPERSEDED, Cause.INTERRUPT, 10),
    # The outcome is unknown
    (FIRST_MOVED, errors.UnknownOutcomeError(""), Verdict.UNKNOWN, Cause.DEADLINE, 11),
    (NOTHING_MOVED, errors.UnknownOutcomeError(""), Verdict.UNKNOWN, Cause.DEADLINE, 11),
    (SCALED, errors.UnknownOutcomeError(""), Verdict.UNKNOWN, Cause.DEADLINE, 11),
    (FIRST_MOVED, errors.LockLostError(""), Verdict.UNKNOWN, Cause.LOCK, 11),
    (SCALED, errors.LockLostError(""), Verdict.UNKNOWN, Cause.LOCK, 11),
    (Facts(services=("moved back",)), errors.LockLostError(""), Verdict.UNKNOWN, Cause.LOCK, 11),
    (ALL_COMPLETED, AWS_SILENT, Verdict.UNKNOWN, Cause.OTHER, 11),
    (FIRST_FAILED, errors.PlanError(""), Verdict.UNKNOWN, Cause.PLAN, 11),
    (Facts(schedules=("moved",)), AWS, Verdict.UNKNOWN, Cause.OTHER, 11),
    (Facts(services=("superseded",)), AWS, Verdict.UNKNOWN, Cause.OTHER, 11),
    (NOTHING_MOVED, BUG, Verdict.UNKNOWN, Cause.OTHER, 11),
    (ALL_COMPLETED, BUG, Verdict.UNKNOWN, Cause.OTHER, 11),
    # A signal
    (NOTHING_MOVED, SIGINT, Verdict.INTERRUPTED, Cause.INTERRUPT, 130),
    (NOTHING_MOVED, SIGTERM, Verdict.INTERRUPTED, Cause.INTERRUPT, 143),
    (NOTHING_MOVED, SIGHUP, Verdict.INTERRUPTED, Cause.INTERRUPT, 129),
    (FIRST_MOVED, SIGINT, Verdict.INTERRUPTED, Cause.INTERRUPT, 130),  # the operator declined the rollback
    (BACK, SIGINT, Verdict.INTERRUPTED, Cause.INTERRUPT, 130),
    (BACK, SIGTERM, Verdict.INTERRUPTED, Cause.INTERRUPT, 143),
    (SCALED, SIGINT, Verdict.INTERRUPTED, Cause.INTERRUPT, 130),
    (FIRST_MOVED, errors.LeaveAtOnce(signal.SIGINT), Verdict.INTERRUPTED, Cause.INTERRUPT, 130),
    (STUCK, errors.LeaveAtOnce(signal.SIGTERM), Verdict.INTERRUPTED, Cause.INTERRUPT, 143),
    (DONE, errors.LeaveAtOnce(signal.SIGHUP), Verdict.INTERRUPTED, Cause.INTERRUPT, 129),
    # A scale or a restart has nothing to roll back to
    (RESTARTED, errors.RolloutError(""), Verdict.FAILED, Cause.ROLLOUT, 1),
    (RESTARTED, errors.DeadlineError(""), Verdict.FAILED, Cause.DEADLINE, 1),
    (SCALED, errors.DeadlineError(""), Verdict.FAILED, Cause.DEADLINE, 1),
    (SCALED, errors.DeclinedError(""), Verdict.FAILED, Cause.DECLINED, 5),
    (SCALED, ABORT, Verdict.FAILED, Cause.INTERRUPT, 1),
    # A verified release stands, whatever prevents its record
    (RECORD_INCOMPLETE, errors.NotReadyError(""), Verdict.SUCCEEDED, Cause.RECORD, 12),
    (RECORD_INCOMPLETE, errors.LockLostError(""), Verdict.SUCCEEDED, Cause.RECORD, 12),
    (RECORD_INCOMPLETE, SIGTERM, Verdict.SUCCEEDED, Cause.RECORD, 12),
]


@pytest.mark.parametrize(("facts", "error", "verdict", "cause", "code"), TABLE)
def test_facts_and_error_decide_verdict_cause_and_exit_code(
    facts: Facts, error: BaseException | None, verdict: Verdict, cause: Cause | None, code: int
) -> None:
    assert conclude(facts, error) == Conclusion(verdict, cause, ExitCode(code))


@pytest.mark.parametrize("error", [errors.RolloutError(""), errors.SupersededError(""), SIGTERM, ABORT])
def test_a_run_that_rolls_back_still_runs_and_says_why(error: errors.LongshoreError) -> None:
    rolling_back = Facts(services=("failed",), rolling_back=True)
    conclusion = conclude(rolling_back, error)
    assert conclusion.verdict is Verdict.RUNNING
    assert conclusion.cause is conclude(Facts(), error).cause


def test_a_rollback_that_is_resumed_keeps_its_first_cause() -> None:
    facts = Facts(rolling_back=True, first_cause=Cause.DEADLINE)
    assert conclude(facts, ABORT).cause is Cause.DEADLINE


def test_every_verdict_and_every_cause_is_in_the_table() -> None:
    assert {row[2] for row in TABLE} == set(Verdict)
    assert {row[3] for row in TABLE} - {None} == set(Cause)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError(""), 2),
        (errors.ConfigError(""), 2),
        (errors.LockedError(""), 3),
        (errors.LockLostError(""), 3),
        (errors.BuildError(""), 4),
        (errors.PlanError(""), 5),
        (errors.DeclinedError(""), 5),
        (errors.ApplyError(""), 6),
        (errors.UnsavedStateError(""), 6),
        (errors.UnknownOutcomeError(""), 11),
        (errors.AwsError(""), 1),
        (errors.NotReadyError(""), 1),
        (errors.SandboxError(""), 1),
        (SIGINT, 130),
        (SIGTERM, 143),
        (errors.LeaveAtOnce(signal.SIGHUP), 129),
        (KeyboardInterrupt(), 130),
        (errors.ChecksFailedError([errors.LockedError(""), errors.UsageError("")]), 3),
        (errors.RemoteReleaseError("", 7), 7),
    ],
)
def test_a_command_without_a_run_ends_with_the_exit_code_of_its_error(error: BaseException, code: int) -> None:
    assert exit_code_of(error) == ExitCode(code)


def test_an_entry_of_the_ledger_has_the_exit_code_that_its_run_ended_with() -> None:
    for facts, error, verdict, cause, code in TABLE:
        signalled = getattr(error, "name", "")
        assert exit_code(verdict, cause, signalled) == code, (facts, error)
