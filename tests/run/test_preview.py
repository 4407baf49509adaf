from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longshore.commands.dry_run import Forecast
from longshore.errors import LockedError, LockLostError, LongshoreError, NotReadyError, PlanError, UsageError
from longshore.ledger.releases import Ledger
from longshore.run.options import ReleaseOptions
from longshore.run.preview import Preview, Refusals
from longshore.verdict import ExitCode
from tests.fakes.environments import environment
from tests.fakes.memory_table import MemoryTable
from tests.fakes.runs import contract
from tests.fakes.samples import result


def test_a_preview_refuses_every_side_effect_and_records_no_step(tmp_path: Path) -> None:
    table = MemoryTable()
    run = Preview.of(environment(tmp_path, ledger=Ledger(table, "test")), result(), contract())
    with run.step("inspect"):
        run.warn("a warning")
    with pytest.raises(LockLostError, match="a dry run"), run.effect("update web"):
        raise AssertionError("the side effect took place")
    with pytest.raises(LockLostError):
        run.note("resumed")
    run.write_or_warn()
    assert table.written == []
    assert [step.name for step in run.result.steps] == ["inspect"]


def fail(error: LongshoreError) -> None:
    raise error


def test_every_refusal_is_collected_once() -> None:
    refusals = Refusals()
    for error in (NotReadyError("in flight"), UsageError("older"), NotReadyError("in flight")):
        refusals.collect(lambda error=error: fail(error))  # type: ignore[misc]
    refusals.collect(lambda: None)
    assert [error.message for error in refusals.errors] == ["in flight", "older"]


@pytest.mark.parametrize(
    ("planned", "refusals", "code"),
    [
        (True, [], ExitCode.DIFFERENCES),
        (False, [], ExitCode.SUCCEEDED),
        (True, [LockedError("locked"), PlanError("gate")], ExitCode.LOCKED),
        (True, [PlanError("gate")], ExitCode.PLAN),
        (False, [NotReadyError("alarm")], ExitCode.FAILED),
    ],
)
def test_the_exit_code_is_that_of_the_first_refusal_or_of_the_plan(
    planned: object, refusals: list[LongshoreError], code: ExitCode
) -> None:
    assert Forecast(result(), (), bool(planned), (), refusals).exit_code == code


@pytest.mark.parametrize("other", ["resume", "remote"])
def test_a_dry_run_is_of_a_new_release_from_here(other: str) -> None:
    given: dict[str, Any] = {"dry_run": True, other: True}
    with pytest.raises(UsageError, match=f"--dry-run shows a new release from here .* --{other}"):
        ReleaseOptions.of(**given)
