"""Every scenario file comes out as it says, and what holds for all of them holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from longshore.verdict import Verdict
from tests.scenarios.play import NONE, play
from tests.scenarios.scenario import Scenario, read_all
from tests.scenarios.stage import Theatre

pytestmark = pytest.mark.scenario


SCENARIOS = [
    pytest.param(scenario, marks=[pytest.mark.long] if scenario.long else [], id=scenario.name)
    for scenario in read_all()
]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_it_comes_out_as_its_file_says(scenario: Scenario, theatre: Theatre, tmp_path: Path) -> None:
    played = play(theatre, scenario, tmp_path)
    found, expected = played.found, played.found.expected
    assert not played.differences, "\n".join(["", *played.differences, "", found.console])
    assert expected.verdict in {*Verdict, NONE} - {Verdict.RUNNING}
    assert not [call for call in expected.calls if "Deregister" in call]
    known = {"old", "new"} if scenario.command.startswith("release") else {"old", "earlier", "again"}
    known |= {"foreign"} if scenario.before and not scenario.shape.released else set()  # adopted, and rolled back
    assert {call.split()[2] for call in expected.calls if call.startswith("update ")} <= known
    assert found.started_one_off <= 1
    if expected.verdict == Verdict.SUCCEEDED:
        for key, roles in found.live.items():
            left = {"old"} if scenario.shape.leaves_old_tasks(key) else set()
            assert roles <= {scenario.expect.runs[key]} | left
    if expected.verdict in (Verdict.SUCCEEDED, Verdict.ROLLED_BACK):
        said = (
            scenario.expect.pending
            or any("image_tag could not be set" in warning for warning in found.warnings)
            or any("Terraform pending" in warning for warning in found.warnings)
        )
        assert found.terraform_pending == said
