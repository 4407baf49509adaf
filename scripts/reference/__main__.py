"""Writes the generated parts of pages in docs; with ``--check`` only says which of them is out of date."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from scripts.reference import commands, machine, sandbox, settings
from scripts.reference.marks import replace_between_marks
from scripts.setup.machine import PROJECT, say

PAGES = {
    "docs/commands.md": commands.commands,
    "docs/configuration.md": settings.reference,
    "docs/environment.md": machine.tables,
    "docs/sandbox.md": sandbox.table,
}


def main(arguments: Sequence[str]) -> int:
    """Write the pages that are out of date.

    Returns:
        1 if ``--check`` was given and a page is out of date.
    """
    stale = 0
    for name, generated in PAGES.items():
        page = (PROJECT / name).read_text()
        if (written := replace_between_marks(page, generated())) == page:
            continue
        stale += 1
        if arguments == ["--check"]:
            say(f"{name} is out of date: make reference")
        else:
            (PROJECT / name).write_text(written)
            say(f"wrote {name}")
    return int(bool(stale) and arguments == ["--check"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
