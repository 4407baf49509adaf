"""docs/failures.toml holds every promise and names real tests and scenarios; docs/failures.md is made from it."""

from __future__ import annotations

import re

import pytest
from scripts.failures.page import DATA, PAGE, on_containers, page, read

from tests.paths import ROOT
from tests.scenarios.scenario import read_all

SECTIONS = read(DATA.read_text())
PROMISES = [promise for section in SECTIONS for promise in section.promises]
SCENARIOS = {scenario.name: scenario for scenario in read_all()}
TEXT = PAGE.read_text()


def test_the_page_is_the_generated_one() -> None:
    assert page(SECTIONS, on_containers()) == TEXT


def test_every_number_has_a_promise() -> None:
    assert {number for promise in PROMISES for number in promise.numbers} == set(range(1, 70))


def test_every_promise_is_shown_by_a_scenario_or_a_test() -> None:
    assert [promise.fault for promise in PROMISES if not promise.scenarios + promise.tests] == []


def test_every_named_test_exists() -> None:
    files = list((ROOT / "tests").rglob("test_*.py"))
    functions = set(re.findall(r"^def (test_\w+)", "\n".join(file.read_text() for file in files), re.MULTILINE))
    existing = functions | {file.name for file in files}
    assert {test for promise in PROMISES for test in promise.tests} - existing == set()


def test_the_named_scenarios_are_all_scenarios() -> None:
    assert {name for promise in PROMISES for name in promise.scenarios} == SCENARIOS.keys()


def test_scenarios_on_real_containers_are_bold() -> None:
    bold = set(re.findall(r"\*\*`([a-z0-9-]+)`\*\*", TEXT))
    assert bold == {name for name, scenario in SCENARIOS.items() if scenario.containers}


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param('numbers = [1]\nfault = "F"\npromise = "P"\nscenario = ["x"]', id="unknown key"),
        pytest.param('numbers = [1]\nfault = "F"\ntests = ["test_x"]', id="no promise"),
    ],
)
def test_a_malformed_entry_is_refused(entry: str) -> None:
    with pytest.raises(TypeError):
        read(f'[[sections]]\ntitle = "T"\n[[sections.promises]]\n{entry}\n')


def test_long_paragraphs_are_wrapped_and_code_is_kept_whole() -> None:
    entry = (
        f'numbers = []\nfault = "F"\npromise = "{"word " * 22}`invoke release --resume -e staging` now."\ntests = ["t"]'
    )
    text = page(read(f'[[sections]]\ntitle = "T"\n[[sections.promises]]\n{entry}\n'), set())
    assert "\n`invoke release --resume -e staging` now.\n" in text
    assert max(map(len, text.splitlines())) <= 120
