"""Scripted faults: each affects one run or call, the next that it applies to."""

from __future__ import annotations

RUN_FAULTS = {
    "well": "no fault: the next one is left to the run after this",
    "policy_soft": "a policy fails, and may be overridden",
    "policy_hard": "a policy fails, and may not be overridden",
    "discarded": "another user discards the run when it is to be applied",
    "queued": "the run never leaves the queue",
    "unknown": "after its plan, the run enters a status that is not documented",
    "unknown_apply": "instead of its apply, the run enters a status that is not documented",
    "canceled": "another user cancels the apply",
    "log_cut": "the log of the plan has no end",
    "json_forbidden": "the JSON plan must not be read",
    "log_cut_and_json_forbidden": "both of these",
}
"""Faults of a run, each with its effect."""

CALL_FAULTS = {
    "throttled": "the call is refused as one of too many",
    "lost": "the call creates a run, but its response is lost",
}
"""Faults of a call, each with its effect."""

ALL_FAULTS = RUN_FAULTS | CALL_FAULTS
