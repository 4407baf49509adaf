"""Reads a page as a list of files to write and commands to type, section by section."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT

PAGES = (ROOT / "docs" / "getting-started.md", ROOT / "docs" / "walkthrough.md")
"""The pages that a test follows, in their order: each continues where the one before ends."""

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^`([^`\n]+)`(?:, from `([^`\n]+)` on|, (at the end))?:\n\n\Z", re.MULTILINE)


@dataclass(frozen=True)
class Commands:
    """Commands to type, line by line."""

    section: str
    text: str


@dataclass(frozen=True)
class File:
    """A file to write.

    Attributes:
        section: of the page.
        path: of the file.
        text: to write.
        begins: replace only the part from the line on that begins with this; None for the whole file.
        appended: add the text at the end of the file.
    """

    section: str
    path: str
    text: str
    begins: str | None = None
    appended: bool = False

    def write(self, folder: Path) -> None:
        """Writes it below a folder."""
        path = folder / self.path
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = path.read_text() if self.appended else ""
        if self.begins:
            kept, begins, _ = path.read_text().partition(f"\n{self.begins}")
            assert begins, f"{self.path} has no line that begins with {self.begins}"
            kept += "\n"
        path.write_text(kept + self.text)


def read(text: str) -> Iterator[Commands | File]:
    """The steps of a page in their order.

    Raises:
        ValueError: a block is neither a console block nor the content of a file that the line above it names.
    """
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = section.partition("\n")
        for block in _BLOCK.finditer(body):
            named = _FILE.search(body, 0, block.start())
            if block[1] == "console":
                yield Commands(title, block[2])
            elif named:
                yield File(title, named[1], block[2], named[2], appended=bool(named[3]))
            else:
                raise ValueError(f"a block of {title!r} is neither a console block nor a named file:\n{block[2]}")
