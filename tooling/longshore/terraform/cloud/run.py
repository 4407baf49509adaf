"""One run on Terraform Cloud: what the API says of it, and what that means.

States: https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run#run-states. What may be done with a run is
decided by its `actions`, not by the name of its state; a state that nobody knows is "in progress".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GOOD = frozenset({"applied", "planned_and_finished"})
BAD = frozenset({"errored", "discarded", "canceled", "force_canceled", "policy_soft_failed"})
HELD = frozenset({"policy_override", "post_plan_awaiting_decision"})
"""A policy has failed that a person may override."""
WAITING = frozenset({"pending", "fetching", "queuing", "plan_queued", "apply_queued", "queuing_apply"})


@dataclass(frozen=True)
class CloudRun:
    """A run.

    Attributes:
        id: such as ``run-CZcmD7eagjhyX0vN``.
        status: the name of its state.
        message: what it was created with.
        position: its place in the workspace's queue; 0 where it is not in it.
        confirmable: whether its plan waits to be applied.
        discardable: whether it can be ended before its apply.
        cancelable: whether what it does can be stopped.
        has_changes: whether its plan would change something.
        plan: id of its plan; empty while there is none.
        apply: id of its apply, likewise.
    """

    id: str
    status: str
    message: str
    position: int
    confirmable: bool
    discardable: bool
    cancelable: bool
    has_changes: bool
    plan: str
    apply: str

    @property
    def final(self) -> bool:
        """Whether nothing will come of it any more."""
        return self.status in GOOD | BAD


def parse_run(data: Mapping[str, Any]) -> CloudRun:
    """The run in a document's ``data``."""
    attributes = data["attributes"]
    actions = attributes.get("actions") or {}
    return CloudRun(
        id=str(data["id"]),
        status=str(attributes["status"]),
        message=str(attributes.get("message") or ""),
        position=int(attributes.get("position-in-queue") or 0),
        confirmable=actions.get("is-confirmable") is True,
        discardable=actions.get("is-discardable") is True,
        cancelable=actions.get("is-cancelable") is True,
        has_changes=attributes.get("has-changes") is True,
        plan=related_id(data, "plan"),
        apply=related_id(data, "apply"),
    )


def related_id(data: Mapping[str, Any], name: str) -> str:
    """The id of what a document is related to; empty where there is none."""
    found = ((data.get("relationships") or {}).get(name) or {}).get("data")
    return str(found["id"]) if isinstance(found, Mapping) else ""
