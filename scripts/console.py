"""The output of the benchmarks."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Prints a line immediately."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
