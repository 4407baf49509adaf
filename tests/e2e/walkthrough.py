"""Reads docs/walkthrough.md as what it is: files to write and commands to type, section by section."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT

PAGE = ROOT / "docs" / "walkthrough.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^`([^`\n]+)`(?:, from `([^`\n]+)` on)?:\n\n\Z", re.MULTILINE)


@dataclass(frozen=True)
class Commands:
    """What is typed, line by line."""

    section: str
    text: str


@dataclass(frozen=True)
class File:
    """A file to write; where ``begins`` is given, only what comes from a line that begins so is written anew."""

    section: str
    path: str
    text: str
    begins: str | None = None

    def write(self, folder: Path) -> None:
        """Writes it below a folder."""
        path = folder / self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = ""
        if self.begins:
            kept, found, _ = path.read_text().partition(f"\n{self.begins}")
            assert found, f"{self.path} has no line that begins with {self.begins}"
            kept += "\n"
        path.write_text(kept + self.text)


def read(text: str) -> Iterator[Commands | File]:
    """The steps of a page in their order.

    Raises:
        ValueError: a block says neither that it is typed nor which file it is.
    """
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        for block in _BLOCK.finditer(body):
            named = _FILE.search(body, 0, block.start())
            if block[1] == "console":
                yield Commands(title, block[2])
            elif named:
                yield File(title, named[1], block[2], named[2])
            else:
                raise ValueError(f"a block of {title!r} is neither typed nor a named file:\n{block[2]}")
