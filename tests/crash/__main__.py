"""`python -m tests.crash [--every N]`: ends a process at every point, goes on, and prints what came out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from multiprocessing import get_context

from tests.crash.matrix import CASES
from tests.crash.rows import play_case, row


def main(arguments: Sequence[str]) -> int:
    """Plays them.

    Returns:
        1 if an invariant does not hold.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.crash")
    parser.add_argument("--every", type=int, default=1, help="only each so-many-th point")
    parser.add_argument("cases", nargs="*", help="words of the names of cases; all if not given")
    given = parser.parse_args(arguments)
    chosen = [case.name for case in CASES if not given.cases or any(word in case.name for word in given.cases)]
    row("what ends", "where", "the write", "then", "all invariants hold")
    # A process of its own for each case: whatever ends on the stage keeps its thread, and what that holds, for good.
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        found = [holds for part in pool.imap(partial(play_case, every=given.every), chosen) for holds in part]
    sys.stdout.write(f"\n{len(found)} ends, {sum(found)} with all invariants\n")
    return 0 if found and all(found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
