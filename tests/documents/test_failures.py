"""docs/failures.md names what there is, and every promise."""

from __future__ import annotations

import re

from tests.paths import ROOT
from tests.scenarios.scenario import read_all

TEXT = (ROOT / "docs" / "failures.md").read_text()
TABLES = "\n".join(line for line in TEXT.splitlines() if line.startswith("|"))
NAMES = set(re.findall(r"`([a-z0-9_.-]+)`", "\n".join(line.rpartition(" | ")[2] for line in TABLES.splitlines())))
SCENARIOS = {scenario.name: scenario for scenario in read_all()}


def test_every_row_is_there() -> None:
    rows: set[int] = set()
    for cell in re.findall(r"^\| ([\d, to]+) \|", TABLES, re.MULTILINE):
        for part in cell.split(", "):
            first, _, last = part.partition(" to ")
            rows |= set(range(int(first), int(last or first) + 1))
    assert rows == set(range(1, 70))


def test_every_name_is_that_of_a_test_or_a_scenario() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    files = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    known = set(re.findall(r"^def (test_\w+)", source, re.MULTILINE)) | files | SCENARIOS.keys()
    assert NAMES - known == set()


def test_every_scenario_is_named() -> None:
    assert SCENARIOS.keys() - NAMES == set()


def test_bold_are_those_that_run_on_real_containers() -> None:
    bold = set(re.findall(r"\*\*`([a-z0-9-]+)`\*\*", TEXT))
    assert bold == {name for name, scenario in SCENARIOS.items() if scenario.containers}
