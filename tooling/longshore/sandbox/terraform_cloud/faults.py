"""Faults that a test, or somebody who rehearses, scripts: each strikes once, the next run or call that it fits."""

from __future__ import annotations

RUN_FAULTS = frozenset(
    {
        "well",
        "policy_soft",
        "policy_hard",
        "discarded",
        "queued",
        "unknown",
        "unknown_apply",
        "canceled",
        "log_cut",
        "json_forbidden",
        "log_cut_and_json_forbidden",
    }
)
"""What becomes of a run: nothing, so that the next fault is for the next run; a policy fails that may be overridden, or
not; somebody discards it once it is to be applied; it never gets its turn; it goes into a state that nobody knows,
after its plan or instead of its apply; somebody cancels its apply; the log of its plan never shows its end; its JSON
plan may not be read."""

CALL_FAULTS = frozenset({"throttled", "lost"})
"""A call is refused because there were too many; a run is created and the answer never comes."""

ALL_FAULTS = RUN_FAULTS | CALL_FAULTS
