"""Writes docs/failures.md: ``make failures``."""

from __future__ import annotations

from scripts.failures.page import DATA, PAGE, on_containers, page, read
from scripts.setup.machine import PROJECT, say


def main() -> None:
    """Write the page if it differs from its data."""
    text = page(read(DATA.read_text()), on_containers())
    if text != PAGE.read_text():
        PAGE.write_text(text)
        say(f"wrote {PAGE.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
