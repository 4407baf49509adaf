"""Reads the Markdown of the repository: its links, headings, blocks and commands. Needs no network."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.paths import ROOT

_FENCE = re.compile(r"^( *)```(\S*)[^\n]*\n(.*?)^\1```[ ]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]\n]*(?:\n[^\]\n]+)?\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Page:
    """A Markdown file of the repository."""

    name: str
    text: str

    @property
    def prose(self) -> str:
        """The text without its blocks of code; every line keeps its number."""
        return _FENCE.sub(lambda block: "\n" * block[0].count("\n"), self.text)

    def blocks(self, language: str) -> Iterator[re.Match[str]]:
        """The fenced blocks of a language; group 3 is the content."""
        return (block for block in _FENCE.finditer(self.text) if block[2] == language)

    def links(self) -> Iterator[str]:
        """The targets of all links and pictures that lead to no other host."""
        prose = _CODE.sub("``", self.prose)
        return (link[1] for link in _LINK.finditer(prose) if not re.match(r"\w+:", link[1]))

    def anchors(self) -> set[str]:
        """The anchors of the headings, as a Git host makes them."""
        counts: dict[str, int] = {}
        for heading in re.findall(r"^#{1,6} (.+?)\s*$", self.prose, re.MULTILINE):
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
            slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            count = counts[slug] = counts.get(slug, -1) + 1
            counts[slug] = count
            if count:
                counts[f"{slug}-{count}"] = 0
        return set(counts)

    def line(self, offset: int) -> int:
        """The number of the line at an offset of the text."""
        return self.text.count("\n", 0, offset) + 1


@cache
def tracked() -> frozenset[str]:
    """All files of the repository and their folders: those that git knows, or would add."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    files = [Path(name) for name in names if name and (ROOT / name).exists()]
    return frozenset(str(path) for file in files for path in (file, *file.parents))


@cache
def pages() -> tuple[Page, ...]:
    """All Markdown files."""
    return tuple(Page(name, (ROOT / name).read_text()) for name in sorted(tracked()) if name.endswith(".md"))
