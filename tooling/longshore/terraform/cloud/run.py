"""One run on Terraform Cloud, as the API describes it.

Statuses: https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run#run-states. The `actions` of a run tell
whether it can be confirmed, discarded or cancelled, not its status; an unknown status means "in progress".
"""

from __future__ import annotations

from dataclasses import dataclass

from longshore.terraform.cloud.objects import Actions, CloudObject, present

SUCCEEDED = frozenset({"applied", "planned_and_finished"})
FAILED = frozenset({"errored", "discarded", "canceled", "force_canceled", "policy_soft_failed"})
HELD = frozenset({"policy_override", "post_plan_awaiting_decision"})
"""A policy has failed, and a user may override it."""


@dataclass(frozen=True)
class CloudRun:
    """A run.

    Attributes:
        id: such as ``run-CZcmD7eagjhyX0vN``.
        status: its name in the API.
        message: given when the run was created.
        position: in the workspace's queue; 0 if the run is not queued.
        confirmable: whether its plan waits to be applied.
        discardable: whether it can be ended before its apply.
        cancelable: whether its current operation can be stopped.
        has_changes: whether its plan changes something.
        plan: id of its plan; empty if there is none yet.
        apply: id of its apply; empty if there is none yet.
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
        """Whether the run has ended."""
        return self.status in SUCCEEDED | FAILED


def parse_run(data: CloudObject) -> CloudRun:
    """The run in an answer."""
    attributes = data.attributes
    actions = attributes.actions or Actions()
    return CloudRun(
        id=data.id,
        status=present(attributes.status, "data.attributes.status"),
        message=attributes.message or "",
        position=attributes.position_in_queue or 0,
        confirmable=actions.is_confirmable is True,
        discardable=actions.is_discardable is True,
        cancelable=actions.is_cancelable is True,
        has_changes=attributes.has_changes is True,
        plan=data.related("plan"),
        apply=data.related("apply"),
    )
