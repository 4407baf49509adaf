"""`python -m tests.machine [--examples N] [--seed S]`: histories drawn at random, and what they came to."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence

from tests.machine.machine import play

EXAMPLES = 500


def main(arguments: Sequence[str]) -> int:
    """Plays them.

    Returns:
        1 if an invariant does not hold, or if no history reached some verdict.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.machine")
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="so many histories")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32), help="the same seed draws the same ones")
    given = parser.parse_args(arguments)
    sys.stdout.write(f"seed {given.seed}\n")
    sys.stdout.flush()
    try:
        tally = play(given.seed, given.examples)
    except AssertionError as error:
        sys.stdout.write("\n".join([str(error), *getattr(error, "__notes__", [])]) + "\n")
        return 1
    sys.stdout.write(f"{tally}\n")
    if missing := tally.missing():
        sys.stdout.write(f"no history reached: {', '.join(missing)}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
