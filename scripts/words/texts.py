"""Every text that a person reads, by file and line."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PACKAGE = ("tooling/longshore/**/*.py", "scripts/**/*.py", "tasks.py")
DOCUMENTS = (
    "README.md",
    "CHANGELOG.md",
    "docs/**/*.md",
    "terraform/**/*.md",
    "examples/**/*.md",
    "tests/scenarios/*.md",
)
INFRASTRUCTURE = (
    "terraform/**/*.tf",
    "terraform/**/*.toml",
    "examples/**/*.tf",
    "environments/*.tfvars",
    "**/*.tftest.hcl",
)
SETTINGS = (
    "Makefile",
    "invoke.yaml",
    "buildspec*.yml",
    "pyproject.toml",
    "examples/**/invoke.yaml",
    "tests/scenarios/*.toml",
)

_EXEMPT = {"docs/style.md", "scripts/words/rules.py", "scripts/words/__main__.py"}
"""They quote the words that they rule out."""

_VALUES = {"moved back", "not moved back"}
"""Outcomes in the record: a format, not a text."""


@dataclass(frozen=True)
class Text:
    """A piece of text and where it stands: the path below the project, the line that it begins on."""

    file: str
    line: int
    words: str


def texts(patterns: tuple[str, ...], below: str = "") -> Iterator[Text]:
    """The texts of the files that match, without those of caches and hidden folders.

    Args:
        patterns: globs below the project.
        below: only files whose path begins so.
    """
    for file in sorted({file for pattern in patterns for file in ROOT.glob(pattern)}):
        name = str(file.relative_to(ROOT))
        hidden = any(part.startswith(".") for part in Path(name).parts)
        if name.startswith(below) and name not in _EXEMPT and not hidden:
            yield from _of_file(name, file)


def _of_file(name: str, file: Path) -> Iterator[Text]:
    source = file.read_text()
    if file.suffix == ".py":
        yield from _of_python(name, source)
    elif file.suffix == ".md":
        yield from _of_markdown(name, source)
    else:
        yield from _of_comments_and_strings(name, source)


def _of_python(name: str, source: str) -> Iterator[Text]:
    """Comments, and the strings that have a space: messages, help and docstrings."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    yield from _joined(name, [(t.start[0], t.string.lstrip("# ")) for t in tokens if t.type == tokenize.COMMENT])
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            values = [str(v.value) if isinstance(v, ast.Constant) else "{…}" for v in node.values]
            yield from _paragraphs(name, node.lineno, "".join(values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_prose(node.value):
            yield from _paragraphs(name, node.lineno, node.value)


def _of_markdown(name: str, source: str) -> Iterator[Text]:
    """Prose, without blocks of code and without words in backticks."""
    prose = re.sub(r"```.*?```", lambda block: "\n" * block[0].count("\n"), source, flags=re.DOTALL)
    yield from _paragraphs(name, 1, re.sub(r"`[^`\n]*`", "`…`", prose))


def _of_comments_and_strings(name: str, source: str) -> Iterator[Text]:
    lines = source.splitlines()
    yield from _joined(
        name, [(n, m[1]) for n, line in enumerate(lines, 1) if (m := re.search(r"(?:^|\s)#+ ?(.*)", line))]
    )
    for number, line in enumerate(lines, 1):
        for text in re.findall(r'"((?:[^"\\]|\\.)*)"', line):
            if _is_prose(text):
                yield Text(name, number, text)


def _is_prose(text: str) -> bool:
    return " " in text and text not in _VALUES


def _joined(name: str, lines: list[tuple[int, str]]) -> Iterator[Text]:
    """Comments on consecutive lines are one text."""
    start, last, words = 0, -1, ""
    for number, text in lines:
        if number != last + 1 and words:
            yield Text(name, start, words)
            words = ""
        start = start if words else number
        words, last = f"{words} {text}".strip(), number
    if words:
        yield Text(name, start, words)


def _paragraphs(name: str, line: int, text: str) -> Iterator[Text]:
    """Paragraphs, list items and rows of tables, each on one line."""
    start, words = line, ""
    for number, row in enumerate(text.splitlines(), line):
        ends = not row.strip() or re.match(r"\s*([-*|#>]|\d+\.|\w[\w ]*:(\s|$))", row)
        if ends and words:
            yield Text(name, start, words)
            words = ""
        start = start if words else number
        words = f"{words} {row.strip()}".strip()
    if words:
        yield Text(name, start, words)
