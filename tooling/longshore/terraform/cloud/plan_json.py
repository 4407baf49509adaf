"""What a run's plan would change: its JSON where the token may read it, else what its log says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from longshore.errors import CloudError, TerraformError
from longshore.terraform.cloud.api import Api
from longshore.terraform.cloud.log import Log
from longshore.terraform.cloud.run import CloudRun
from longshore.terraform.output import Output

_COMPLETE_WITHIN = 20.0
"""Seconds after which the JSON of a plan is there that can be confirmed."""
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
"""The words of the events, as a plan has them (https://developer.hashicorp.com/terraform/internals/machine-readable-ui)."""


def download(api: Api, run: CloudRun) -> dict[str, Any] | None:
    """The plan as Terraform's JSON representation; None where the token may not read it.

    It takes a token with admin rights on the workspace. For a plan that is not complete yet the answer is empty.

    Raises:
        TerraformError: it can't be read, or was not there in time.
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
    except ValueError:
        raise TerraformError(f"the JSON of {run.plan} can't be read") from None


def from_log(run: CloudRun, log: Log) -> dict[str, Any]:
    """The same from the log's events: addresses and actions, but no values.

    Raises:
        TerraformError: the log is not whole, or has no events though the plan would change something.
    """
    changes = [event["change"] for event in Output(0, log.lines).events if event.get("type") == "planned_change"]
    summary = _summary(log.lines)
    if not log.complete or (run.has_changes and summary is None):
        raise TerraformError(
            f"what {run.id} would change can't be seen: its JSON plan may not be read, and its log is not whole"
            " or has no events",
            "Give the team of the token admin rights on the workspace, or switch structured run output on there.",
        )
    return {"resource_changes": [_change(change) for change in changes]}


def _summary(lines: Sequence[str]) -> Mapping[str, Any] | None:
    found = [event for event in Output(0, list(lines)).events if event.get("type") == "change_summary"]
    return found[-1] if found else None


def _change(change: Mapping[str, Any]) -> dict[str, Any]:
    resource = change["resource"]
    actions = _ACTIONS.get(str(change["action"]), [str(change["action"])])
    # Whether an earlier revision would stay registered is not in the log: it is taken as the contract wants it.
    values = {"skip_destroy": True} if resource["resource_type"] == "aws_ecs_task_definition" else {}
    importing = change.get("importing")
    found = {"actions": actions, "before": values if actions != ["create"] else {}, "after": {}, "importing": importing}
    return {"address": resource["addr"], "type": resource["resource_type"], "change": found}
