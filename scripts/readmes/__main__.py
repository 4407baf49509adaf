"""Writes the tables of inputs and outputs into every README below terraform/: ``make readmes``."""

from __future__ import annotations

from scripts.readmes.tables import folders, with_tables
from scripts.setup.machine import PROJECT, say


def main() -> None:
    """Write the READMEs whose tables are out of date."""
    for folder in folders(PROJECT / "terraform"):
        file = folder / "README.md"
        text = file.read_text()
        if (written := with_tables(folder, text)) != text:
            file.write_text(written)
            say(f"wrote {file.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
