"""The decision how an interrupted run is resumed: pure, from its entry in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from longshore.ledger.lock import Lock
from longshore.result import ReleaseResult
from longshore.verdict import Cause, Verdict

_OPEN_WITH_STALE_LOCK = (Verdict.RUNNING, Verdict.UNKNOWN, Verdict.INTERRUPTED, Verdict.ROLLBACK_FAILED)
_OPEN = (Verdict.RUNNING, Verdict.UNKNOWN)


class Resumption(Enum):
    """How an interrupted run is resumed."""

    CLOSE = auto()
    """It had ended: only its lock was left behind."""

    REPEAT_ROLLBACK = auto()
    """A rollback starts again: services that are back already are skipped."""

    REPEAT_CHANGE = auto()
    """A scale or a restart continues, or ends if it is aborted: no revision has changed."""

    COMPLETE_RECORD = auto()
    """The release was verified: only its record is incomplete."""

    ROLL_BACK = auto()
    """It was rolling back, or is aborted."""

    CONTINUE = auto()
    """It takes its steps again, and does nothing that was done already."""


def plan_resumption(entry: ReleaseResult, *, stale_lock: bool, abort: bool) -> Resumption:
    """How an interrupted run is resumed.

    Args:
        entry: its entry in the ledger.
        stale_lock: whether its lock was left behind.
        abort: whether it is to be rolled back.
    """
    if not is_open(entry, stale_lock=stale_lock):
        return Resumption.CLOSE
    if entry.kind == "rollback":
        return Resumption.REPEAT_ROLLBACK
    if entry.keeps_revisions:
        return Resumption.REPEAT_CHANGE
    if entry.verdict is Verdict.SUCCEEDED and not abort:
        return Resumption.COMPLETE_RECORD
    return Resumption.ROLL_BACK if abort or entry.going_back else Resumption.CONTINUE


def is_open(entry: ReleaseResult, *, stale_lock: bool) -> bool:
    """Whether something is left to do for a run.

    An entry without an end is open: its process was killed, even if the entry has a verdict. If the run released its
    lock, its verdict is final unless it is `unknown`; with a stale lock, `interrupted` and `rollback_failed` are not
    final either.
    """
    if entry.verdict is Verdict.SUCCEEDED:
        return entry.cause is Cause.RECORD
    return entry.ended is None or entry.verdict in (_OPEN_WITH_STALE_LOCK if stale_lock else _OPEN)


def interrupted_run(recent: Sequence[ReleaseResult], holder: ReleaseResult | None) -> ReleaseResult | None:
    """The run to resume: the holder of the stale lock; else the newest that did not end; else the newest that did.

    Args:
        recent: the entries of the ledger, newest first.
        holder: the run that the stale lock names: an approved release is not the newest if another one failed while it
            waited.
    """
    unfinished = (release for release in recent if release.unfinished)
    ended = (release for release in recent if release.verdict is not Verdict.WAITING)
    return holder or next(unfinished, None) or next(ended, None)


def lock_outlived_its_run(newest: ReleaseResult | None, lock: Lock) -> bool:
    """Whether the process that held a stale lock was killed before its run had an entry in the ledger."""
    return newest is None or (newest.ended is not None and lock.release != newest.release)
