"""A plan that is reconstructed from the events of a run's log."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from longshore.errors import PlanError
from longshore.terraform import gate, plan
from longshore.terraform.cloud.log import Log
from longshore.terraform.cloud.plan_json import from_log
from longshore.terraform.cloud.run import CloudRun


def shown(*changes: dict[str, Any]) -> dict[str, Any]:
    events = [{"type": "planned_change", "change": change} for change in changes]
    lines = [json.dumps(event) for event in [*events, {"type": "change_summary"}]]
    log = cast(Log, SimpleNamespace(lines=lines, complete=True))
    return from_log(cast(CloudRun, SimpleNamespace(id="run-1", has_changes=True)), log)


def test_an_import_alone_must_be_allowed() -> None:
    bucket = {"addr": "aws_s3_bucket.logs", "resource_type": "aws_s3_bucket"}
    changes = plan.changes(shown({"resource": bucket, "action": "import", "importing": {"id": "logs"}}))
    with pytest.raises(PlanError, match="import of logs"):
        gate.check(changes, gate.Allowed())
    assert plan.changes(shown({"resource": bucket, "action": "noop"})) == []
