"""`python -m tests.crash [--every N]`: ends a process at every point, goes on, and prints what came out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.scenarios.stage import Theatre

from .matrix import CASES, Outcome, run

_WIDTHS = (48, 8, 34, 14)


def main(arguments: Sequence[str]) -> int:
    """Plays them.

    Returns:
        1 if an invariant does not hold.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.crash")
    parser.add_argument("--every", type=int, default=1, help="only each so-many-th point")
    parser.add_argument("cases", nargs="*", help="words of the names of cases; all if not given")
    given = parser.parse_args(arguments)
    chosen = [case for case in CASES if not given.cases or any(word in case.name for word in given.cases)]
    theatre, found = Theatre(), list[Outcome]()

    def show(outcome: Outcome) -> None:
        found.append(outcome)
        place = "after" if outcome.point.after else "before"
        _print(outcome.case.name, place, outcome.write, outcome.verdict, "; ".join(outcome.violations) or "yes")

    _print("what ends", "where", "the write", "then", "all invariants hold")
    run(theatre, chosen, show, given.every)
    theatre.close()
    wrong = [outcome for outcome in found if outcome.violations]
    sys.stdout.write(f"\n{len(found)} ends, {len(found) - len(wrong)} with all invariants\n")
    return 1 if wrong else 0


def _print(*cells: str) -> None:
    padded = [cell[:width].ljust(width) for cell, width in zip(cells, _WIDTHS, strict=False)]
    sys.stdout.write("  ".join([*padded, *cells[len(_WIDTHS) :]]).rstrip() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
