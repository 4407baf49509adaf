"""The rows of the table that `make crash` prints."""

from __future__ import annotations

import sys

from tests.crash.matrix import CASES, Each, Outcome, run
from tests.scenarios.stage import Theatre

_WIDTHS = (48, 8, 34, 14)


def play_case(name: str, every: int) -> list[bool]:
    """Plays a case, and says of each of its ends whether all invariants hold."""
    found: list[bool] = []

    def show(outcome: Outcome) -> None:
        found.append(not outcome.violations)
        place = "after" if outcome.point.after else "before"
        row(outcome.case.name, place, outcome.write, outcome.verdict, "; ".join(outcome.violations) or "yes")

    _play(name, every, show)
    return found


def wrong_in(name: str, every: int) -> list[str]:
    """Plays a case, and says of each of its ends what does not hold; nothing where all invariants do."""
    found: list[Outcome] = []
    _play(name, every, found.append)
    return [f"{o.point} ({o.write}): {o.verdict}: {'; '.join(o.violations)}" if o.violations else "" for o in found]


def _play(name: str, every: int, each: Each) -> None:
    run(Theatre(), [case for case in CASES if case.name == name], each, every)


def row(*cells: str) -> None:
    """Prints a row."""
    padded = [cell[:width].ljust(width) for cell, width in zip(cells, _WIDTHS, strict=False)]
    sys.stdout.write("  ".join([*padded, *cells[len(_WIDTHS) :]]).rstrip() + "\n")
    sys.stdout.flush()
