"""`python -m tests.scenarios [NAME ...]`: plays all scenarios, or the named ones, and prints a table of outcomes."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.scenarios.play import Played, play
from tests.scenarios.scenario import read_all
from tests.scenarios.stage import Theatre

_HEADINGS = ("scenario", "verdict", "cause", "exit", "as expected", "seconds")


def main(names: Sequence[str]) -> int:
    """Plays the scenarios.

    Returns:
        1 if an outcome differs from the file.
    """
    scenarios = [scenario for scenario in read_all() if not names or scenario.name in names]
    theatre = Theatre()
    width = max(len(scenario.name) for scenario in scenarios)
    _print(width, _HEADINGS)
    wrong = []
    for scenario in scenarios:
        with tempfile.TemporaryDirectory(prefix="longshore-scenario-") as folder:
            played = play(theatre, scenario, Path(folder))
        _print(width, _row(played))
        wrong += [played] if played.differences else []
    theatre.close()
    for played in wrong:
        sys.stdout.write("\n".join(["", f"{played.scenario.name}: {played.scenario.title}", *played.differences, ""]))
    sys.stdout.write(f"\n{len(scenarios)} scenarios, {len(scenarios) - len(wrong)} as expected\n")
    return 1 if wrong else 0


def _row(played: Played) -> tuple[str, ...]:
    outcome = played.found.expected
    as_expected = "no" if played.differences else "yes"
    seconds = f"{played.found.seconds:.1f}"
    return played.scenario.name, outcome.verdict, outcome.cause or "-", str(outcome.exit_code), as_expected, seconds


def _print(width: int, cells: Sequence[str]) -> None:
    name, verdict, cause, code, expected, seconds = cells
    sys.stdout.write(f"{name:<{width}}  {verdict:<15}  {cause:<10}  {code:>4}  {expected:<11}  {seconds:>7}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
