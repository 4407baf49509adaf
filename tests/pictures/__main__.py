"""`python -m tests.pictures`: draws the pictures of the README, and rewrites those whose words have changed."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.pictures.plays import PICTURES, draw, words
from tests.scenarios.stage import Theatre


def main() -> None:
    """Draws them all."""
    theatre = Theatre()
    for picture in PICTURES:
        with tempfile.TemporaryDirectory(prefix="longshore-picture-") as folder:
            svg = draw(theatre, picture, Path(folder))
        if not picture.file.exists() or words(picture.file.read_text()) != words(svg):
            picture.file.write_text(svg)
            sys.stdout.write(f"wrote {picture.file.name}\n")
    theatre.close()


if __name__ == "__main__":
    main()
