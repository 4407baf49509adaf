"""The promises as data, and the page that shows them."""

from __future__ import annotations

import re
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.setup.machine import PROJECT

DATA = PROJECT / "docs" / "failures.toml"
PAGE = PROJECT / "docs" / "failures.md"
SCENARIOS = PROJECT / "tests" / "scenarios"

_WIDTH = 120
_HEAD = """# Failures

<!-- `make failures` writes this page from docs/failures.toml. -->

This page is for you if you want to know how a release ends when something fails, and how sure you can be of it. Each
entry is a fault and a promise. Below it stand the scenarios and tests that show it.

A scenario such as `crash-at-start` is the file `tests/scenarios/crash-at-start.toml`, which lists every event and every
call. Scenarios in **bold** are also played on real containers (`tests/e2e/test_rehearsals.py`). You can play one
yourself: see [Scenario files](sandbox.md#scenario-files).
"""


@dataclass(frozen=True)
class Promise:
    """A fault, the promise for it, and the scenarios and tests that show it.

    Attributes:
        numbers: in the list of faults, to which the scenarios refer; several promises may share one.
        fault: the heading.
        promise: one to three sentences.
        scenarios: by their names.
        tests: functions, or whole files.
    """

    numbers: tuple[int, ...]
    fault: str
    promise: str
    scenarios: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """The promises about one part of a release."""

    title: str
    promises: tuple[Promise, ...]


def read(text: str) -> list[Section]:
    """The sections of docs/failures.toml.

    Raises:
        TypeError: a promise has an unknown key, or lacks one.
    """
    return [
        Section(section["title"], tuple(_promise(**entry) for entry in section["promises"]))
        for section in tomllib.loads(text)["sections"]
    ]


def on_containers(folder: Path = SCENARIOS) -> set[str]:
    """The scenarios that are played on real containers as well."""
    return {file.stem for file in folder.glob("*.toml") if tomllib.loads(file.read_text()).get("containers")}


def page(sections: list[Section], bold: set[str]) -> str:
    """The page in Markdown.

    Args:
        sections: the promises.
        bold: the scenarios that are played on real containers as well.
    """
    head = "\n\n".join(_filled(paragraph) for paragraph in _HEAD.strip().split("\n\n"))
    return "\n\n".join([head, *(_section(section, bold) for section in sections)]) + "\n"


def _promise(numbers: list[int], fault: str, promise: str, **shown_by: list[str]) -> Promise:
    named = {kind: tuple(names) for kind, names in shown_by.items()}
    return Promise(tuple(numbers), fault, " ".join(promise.split()), **named)


def _section(section: Section, bold: set[str]) -> str:
    return "\n\n".join([f"## {section.title}", *(_entry(promise, bold) for promise in section.promises)])


def _entry(promise: Promise, bold: set[str]) -> str:
    numbers = ", ".join(map(str, promise.numbers))
    heading = f"### {numbers}. {promise.fault}" if numbers else f"### {promise.fault}"
    return "\n\n".join([heading, _filled(promise.promise), "\n".join(_shown_by(promise, bold))])


def _shown_by(promise: Promise, bold: set[str]) -> Iterator[str]:
    scenarios = [f"**`{name}`**" if name in bold else f"`{name}`" for name in promise.scenarios]
    for kind, names in (("scenario", scenarios), ("test", [f"`{name}`" for name in promise.tests])):
        if names:
            title = kind.capitalize() + ("s" if len(names) > 1 else "")
            yield _filled(f"- {title}: {', '.join(names)}", indent="  ")


def _filled(text: str, indent: str = "") -> str:
    """A paragraph in lines of at most 120 characters; code and comments are not broken."""
    joined = re.sub(r"`[^`]+`", lambda code: code[0].replace(" ", "\0"), text)
    lines = textwrap.fill(joined, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return lines.replace("\0", " ")
