"""Everything that a person reads is plain English of this field (docs/style.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from scripts.words.__main__ import frequency
from scripts.words.rules import violations
from scripts.words.texts import DOCUMENTS, INFRASTRUCTURE, PACKAGE, SETTINGS, texts

from tests.paths import ROOT

DIALECT = (ROOT / "tests" / "documents" / "dialect.txt").read_text().splitlines()
"""Sentences that once stood in messages, help and docs."""

VAGUE = {"found", "one", "said"}
"""Names that say nothing about the thing that they hold."""


@pytest.mark.parametrize("patterns", [PACKAGE, DOCUMENTS, INFRASTRUCTURE, SETTINGS])
def test_no_text_has_a_phrase_that_the_style_guide_rules_out(patterns: tuple[str, ...]) -> None:
    assert [
        f"{text.file}:{text.line}: {phrase!r}; write: {better}"
        for text in texts(patterns)
        for phrase, better in violations(text.words)
    ] == []


def test_the_rules_find_every_sentence_of_the_dialect() -> None:
    assert [sentence for sentence in DIALECT if not list(violations(sentence))] == []


@pytest.mark.parametrize(
    "sentence",
    [
        "there is no service wbe",
        "The lock is no longer held by this process.",
        "An error says what failed, why, and what to run.",
        "What to do when the environment is locked",
        "Shows what is running.",
        "It waits as long as the deadline allows.",
        "Roll back with: invoke rollback",
    ],
)
def test_the_rules_leave_plain_english_untouched(sentence: str) -> None:
    assert list(violations(sentence)) == []


def test_a_value_of_the_record_is_not_a_text() -> None:
    """The outcome of a service is data: ledgers have it."""
    assert not [text for text in texts(("tooling/longshore/verdict.py",)) if text.words == "moved back"]


def test_the_manual_addresses_the_reader_and_has_few_headless_clauses() -> None:
    counts = frequency(texts(("README.md", "docs/**/*.md")))
    assert counts["headless clauses"] <= 5
    assert counts["nobody, somebody, whoever"] <= 1
    assert counts["you, your"] >= 80


def test_the_package_has_few_headless_clauses() -> None:
    counts = frequency(texts(("tooling/longshore/**/*.py",)))
    assert counts["headless clauses"] <= 15
    assert counts["nobody, somebody, whoever"] <= 3


def test_a_local_is_named_for_the_thing_it_holds() -> None:
    files = sorted((ROOT / "tooling").rglob("*.py"))
    vague = {str(file.relative_to(ROOT)): _names(file) & VAGUE for file in files}
    assert {file: names for file, names in vague.items() if names} == {}


def _names(file: Path) -> set[str]:
    """The arguments and variables of a file."""
    return {
        node.id if isinstance(node, ast.Name) else node.arg
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.arg) or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    }
