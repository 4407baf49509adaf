"""docs/aws.md: each assumption names a source that can be looked up, and tests that exist."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from tests.conformance import models
from tests.conformance.recorded import read_all
from tests.paths import ROOT
from tests.scenarios.scenario import read_all as scenarios

PAGE = (ROOT / "docs" / "aws.md").read_text()
IDEAS = {recording.idea for recording in read_all()}
UNKNOWN = {"unknown: both are played", "unknown: only this is played"}


@dataclass(frozen=True)
class Assumption:
    """A line of a table."""

    sentence: str
    source: str
    tests: tuple[str, ...]

    @property
    def problem(self) -> str:
        """Why the source cannot be looked up; empty if it can."""
        kind, _, rest = self.source.partition(": ")
        if kind == "model":
            return "" if modelled(*rest.split(" ")) else f"botocore has no {rest}"
        if kind == "recording":
            unread = set(re.findall(r"\*([^*]+)\*", rest)) - IDEAS
            return f"there is no recording {', '.join(unread)}" if unread or not rest else ""
        if kind == "public code":
            return (
                "" if re.fullmatch(r"[\w-]+/[\w.-]+, \S.*", rest) else f"{rest!r} names no repository and place in it"
            )
        document = re.fullmatch(r"\[[^\]]+\]\(https://docs\.aws\.amazon\.com/[\w./#-]+\)", self.source)
        return "" if document or self.source in UNKNOWN else f"{self.source!r} is not a source"


def modelled(service: str, path: str) -> bool:
    """Whether a model has an operation, a shape, or a member of a shape."""
    shape, _, member = path.partition(".")
    if path in models.model(service).operation_names:
        return True
    if shape not in models.model(service).shape_names:
        return False
    members = getattr(models.model(service).shape_for(shape), "members", {})
    return not member or member in members


def assumptions() -> list[Assumption]:
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
    entries = [Assumption(a, b, tuple(re.findall(r"`([^`]+)`", c))) for a, b, c in rows]
    return [entry for entry in entries if entry.sentence != "assumption"]


ASSUMPTIONS = assumptions()


def test_each_line_of_a_table_is_an_assumption() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| assumption")]
    assert len(lines) == len(ASSUMPTIONS) > 50
    assert [entry.sentence for entry in ASSUMPTIONS if not entry.sentence.endswith(".")] == []
    assert len({entry.sentence for entry in ASSUMPTIONS}) == len(ASSUMPTIONS)


def test_the_source_of_every_assumption_can_be_looked_up() -> None:
    assert {entry.sentence: entry.problem for entry in ASSUMPTIONS if entry.problem} == {}


def test_each_assumption_is_held_by_tests_that_exist() -> None:
    texts = "\n".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
    existing = set(re.findall(r"^def (test_\w+)", texts, re.MULTILINE)) | {scenario.name for scenario in scenarios()}
    assert [entry.sentence for entry in ASSUMPTIONS if not entry.tests] == []
    assert {test for entry in ASSUMPTIONS for test in entry.tests} - existing == set()


def test_an_assumption_without_knowledge_is_played_in_both_cases() -> None:
    both = [entry for entry in ASSUMPTIONS if entry.source == "unknown: both are played"]
    assert [entry.sentence for entry in both if len(entry.tests) < 2] == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("model: ecs Service.colour", "botocore has no ecs Service.colour"),
        ("model: ecs Paint", "botocore has no ecs Paint"),
        ("recording: *a purple service*", "there is no recording a purple service"),
        ("everybody knows it", "'everybody knows it' is not a source"),
        ("[a page](https://example.com/ecs)", "'[a page](https://example.com/ecs)' is not a source"),
        ("public code: somewhere", "'somewhere' names no repository and place in it"),
        ("model: ecs Service.status", ""),
        ("model: ecs RunTask", ""),
    ],
)
def test_a_source_that_cannot_be_looked_up_is_reported(source: str, problem: str) -> None:
    assert Assumption("A sentence.", source, ()).problem == problem
