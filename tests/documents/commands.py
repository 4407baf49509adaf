"""The commands of the manual, and the commands that tests run.

A page shows commands in ```console blocks, and mentions them in backticks. A test runs a command if it calls the same
task with the same flags: on a page that a test follows, in an end-to-end test, in the demo, in a buildspec, or in CI.
A block that no test can run says so on the page: "(not run in our tests: needs an AWS account)".
"""

from __future__ import annotations

import ast
import re
import shlex
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from invoke.parser.context import ParserContext
from invoke.parser.parser import Parser
from scripts.reference.commands import copies

from tests.documents.markdown import Page, pages
from tests.e2e.walkthrough import PAGES
from tests.paths import ROOT

PROGRAMS = ("invoke", "longshore", "make")
_COMMAND = re.compile(r"(?:^|[|;(]|&&)\s*((?:invoke|longshore|make) (?:(?!\s\d?>)[^|;)&#\n])*)", re.MULTILINE)
"""A command in a line of a shell: it ends at a pipe, a redirection, a comment or a bracket."""

_MENTIONED = re.compile(r"`((?:invoke|longshore|make) [^`\n]+)`")
_NOTE = re.compile(r"\(not\s+run\s+in\s+our\s+tests:\s[^)]+\)", re.IGNORECASE)
_EVERYWHERE = {"-a", "--app", "-e", "--env", "-y", "--yes", "-j", "--json"}
"""Flags that mean the same in every task."""

_RUNNERS = {"invoke", "begin"}
"""The functions with which the end-to-end tests and the demo run a task."""


@dataclass(frozen=True)
class Command:
    """A command of a page.

    Attributes:
        page: name of the page.
        line: number of its line.
        text: as it stands there.
        excused: whether the page says why no test runs it.
    """

    page: str
    line: int
    text: str
    excused: bool = False

    @property
    def program(self) -> str:
        """One of ``PROGRAMS``."""
        return self.words[0]

    @property
    def words(self) -> list[str]:
        """Program, task or target, and arguments."""
        return shlex.split(self.text)

    @property
    def name(self) -> str:
        """Task or target."""
        return self.words[1]

    @property
    def flags(self) -> set[str]:
        """The flags that matter, without their values."""
        return flags_of(self.words)

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def flags_of(words: list[str]) -> set[str]:
    """The flags of a command that matter, without their values."""
    return {word.partition("=")[0] for word in words if word.startswith("-")} - _EVERYWHERE


def shown(page: Page) -> Iterator[Command]:
    """The commands in the console blocks of a page."""
    for block in page.blocks("console"):
        before, after = page.text[: block.start()].rstrip(), page.text[block.end() :].lstrip()
        excused = bool(_NOTE.search(before.rpartition("\n\n")[2]) or _NOTE.search(after.partition("\n\n")[0]))
        for found in _COMMAND.finditer(block[3]):
            yield Command(page.name, page.line(block.start(3) + found.start(1)), found[1].strip(), excused)


def mentioned(page: Page) -> Iterator[Command]:
    """The commands in backticks in the text of a page."""
    for number, line in enumerate(page.prose.splitlines(), 1):
        yield from (Command(page.name, number, text) for text in _MENTIONED.findall(line))


def parse(command: Command) -> None:
    """Gives a command to the parser of Invoke, or looks for the target of make.

    Raises:
        Exception: of the parser, or ValueError: there is no such target.
    """
    if command.program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        unknown = [word for word in command.words[1:] if "=" not in word and word not in targets]
        if unknown:
            raise ValueError(f"Makefile has no target {unknown[0]}")
    else:
        Parser(contexts=_contexts(), initial=ParserContext()).parse_argv(command.words[1:])


@cache
def _contexts() -> tuple[ParserContext, ...]:
    return tuple(ParserContext(name=name, args=task.get_arguments()) for name, task in copies())


def run_by_tests() -> dict[str, set[str]]:
    """The tasks and targets that a test runs, each with all flags that it is run with."""
    flags: dict[str, set[str]] = defaultdict(set)
    for words in (*_on_pages(), *_in_tests(), *_in_pipelines()):
        flags[words[0]] |= flags_of(words)
    return flags


def _on_pages() -> Iterator[list[str]]:
    followed = {str(path.relative_to(ROOT)) for path in PAGES}
    commands = (command for page in pages() if page.name in followed for command in shown(page))
    return (command.words[1:] for command in commands if not command.excused)


def _in_tests() -> Iterator[list[str]]:
    for folder in ("tests/e2e", "scripts/demo"):
        for file in sorted((ROOT / folder).glob("*.py")):
            yield from _calls(file)


def _calls(file: Path) -> Iterator[list[str]]:
    """The calls of a file; one with ``*options`` may have every flag that stands in the file."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    flags = [text for text in texts if re.fullmatch(r"--[a-z-]+", text)]
    for node in nodes:
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            words = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if name in _RUNNERS and words:
                yield [*words, *(flags if any(isinstance(a, ast.Starred) for a in node.args) else [])]


def _in_pipelines() -> Iterator[list[str]]:
    for name in ("buildspec.yml", "buildspec.image.yml", ".ci/run"):
        for line in _COMMAND.findall((ROOT / name).read_text().replace("- ", "\n").replace('"', "")):
            yield line.split()[1:]
