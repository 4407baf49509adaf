"""Scenarios on real containers: the same files as on the scripted stage, the same expectations.

The quick run has a crash and a migration that fails on real containers, too: in the journey.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e import rehearsal
from tests.e2e.project import Answer, make
from tests.e2e.rehearsal import Rehearsal
from tests.scenarios.scenario import Scenario, read_all

pytestmark = [pytest.mark.e2e, pytest.mark.long]

LAST = ("variables-changed", "superseded", "rollback-target-inactive")
"""Those after which something else is registered than runs, or a way back is gone."""


def _in_order() -> list[Scenario]:
    chosen = [scenario for scenario in read_all() if scenario.containers]
    return sorted(chosen, key=lambda s: (s.name in LAST, LAST.index(s.name) if s.name in LAST else 0, s.name))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    project = make(tmp_path_factory.mktemp("rehearsal"))
    rehearsal.prepare(project)
    found = Rehearsal(project)
    try:
        found.begin()
        yield found
    finally:
        project.invoke("sandbox.down", expect=None)


@pytest.mark.parametrize("scenario", _in_order(), ids=lambda scenario: scenario.name)
def test_real_containers_come_out_as_the_file_says(scenario: Scenario, played: Rehearsal) -> None:
    try:
        said, printed = played.play(scenario)
        assert not said, "\n".join(["", *said, "", printed])
        if scenario.shape.variables_changed:
            assert "configuration registered" in played.status()
        assert played.secrets_in(printed) == []
    finally:
        played.mend(scenario)


def test_a_secret_is_found_nowhere(played: Rehearsal) -> None:
    """The tests before have looked for it; here, that there was something to find."""
    assert played.secrets_in(f"password={rehearsal.CANARY}-variable") == ["the output"]
    log = played.log_of("web")
    assert f"starts with password={rehearsal.CANARY}-variable" in log


def test_an_operator_sets_lists_and_clears_faults(played: Rehearsal) -> None:
    def fault(*options: str, expect: int = 0) -> Answer:
        return played.project.invoke("sandbox.fault", *options, expect=expect)

    fault("--operation", "ecs:UpdateService", "--kind", "throttle", "--times", "3", "--window", "2.5")
    found = fault("--json").json()
    assert [(row["operation"], row["kind"], row["times"], row["struck"]) for row in found["faults"]] == [
        ("ecs:UpdateService", "throttle", 3, 0)
    ]
    assert found["settings"]["rollback_window"] == 2.5
    assert "ecs:UpdateService  throttle" in fault().out
    mistyped = fault("--operation", "ecs:UpdateServices", "--kind", "throttle", expect=2)
    assert "Did you mean UpdateService?" in mistyped.err
    assert "times: 'often' is not a whole number" in fault("--times", "often", expect=2).err
    assert "kind: 'rain' is not one of" in fault("--operation", "ecs:*", "--kind", "rain", expect=2).err
    assert fault("--clear", "--window", "0", "--json").json()["faults"] == []
