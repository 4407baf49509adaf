"""A run's plan in Terraform's JSON representation: downloaded, or reconstructed from the events of its log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from longshore.errors import CloudError, TerraformError
from longshore.terraform.cloud.api import Api
from longshore.terraform.cloud.log import Log
from longshore.terraform.cloud.run import CloudRun
from longshore.terraform.documents import Document, Text, parse
from longshore.terraform.output import Output

_COMPLETE_WITHIN = 20.0
"""Seconds until the JSON of a plan that can be confirmed is ready."""
_ACTIONS = {
    "create": ["create"],
    "read": ["read"],
    "update": ["update"],
    "replace": ["delete", "create"],
    "delete": ["delete"],
    "remove": ["forget"],
    "noop": ["no-op"],
    "move": ["no-op"],
    "import": ["no-op"],
}
"""Actions in a plan, by the names in events (https://developer.hashicorp.com/terraform/internals/machine-readable-ui)."""


class _PlannedResource(Document):
    addr: Text
    resource_type: Text


class _PlannedChange(Document):
    resource: _PlannedResource
    action: Text
    importing: dict[str, Any] | None = None


def download(api: Api, run: CloudRun) -> dict[str, Any] | None:
    """The plan in JSON; None if the token may not read it, which takes admin rights on the workspace.

    The API returns an empty document for a plan that is not complete yet.

    Raises:
        TerraformError: the JSON is invalid, or was not ready in time.
    """
    text = b""
    for _ in api.clock.polls(_COMPLETE_WITHIN, longest=2.0):
        try:
            text = api.download(f"plans/{run.plan}/json-output")
        except CloudError as error:
            if error.status in (401, 403, 404):
                return None
            raise
        if text.strip():
            break
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        raise TerraformError(f"cannot read the JSON of {run.plan}", "Try again in a few minutes.") from None


def from_log(run: CloudRun, log: Log) -> dict[str, Any]:
    """The plan from the events of its log: addresses and actions, without values.

    Raises:
        TerraformError: the log is incomplete, or has no events although the plan changes something.
    """
    events = (event for event in Output(0, log.lines).events if event.get("type") == "planned_change")
    changes = [parse(_PlannedChange, event.get("change"), f"the log of {run.id}") for event in events]
    if not log.complete or (run.has_changes and not _has_summary(log.lines)):
        raise TerraformError(
            f"cannot determine the changes of {run.id}: the token may not read the JSON plan, and the log is incomplete"
            " or has no events",
            "Give the token's team admin rights on the workspace, or turn on structured run output there.",
        )
    return {"resource_changes": [_change(change) for change in changes]}


def _has_summary(lines: Sequence[str]) -> bool:
    return any(event.get("type") == "change_summary" for event in Output(0, list(lines)).events)


def _change(event: _PlannedChange) -> dict[str, Any]:
    actions = _ACTIONS.get(event.action, [event.action])
    # The log does not contain skip_destroy; assume true, as the contract requires.
    values = {"skip_destroy": True} if event.resource.resource_type == "aws_ecs_task_definition" else {}
    before = values if actions != ["create"] else {}
    change = {"actions": actions, "before": before, "after": {}, "importing": event.importing}
    return {"address": event.resource.addr, "type": event.resource.resource_type, "change": change}
