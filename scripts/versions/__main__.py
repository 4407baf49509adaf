"""Measures the lookup of the next version beside the plain way: list every tag, take the highest."""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from longshore.aws.ecr import Ecr
from longshore.images import version
from longshore.images.version_counter import VersionCounter, VersionRequest
from longshore.ledger.issued_versions import Versions
from longshore.masking import Masks
from scripts.versions.cloud import CALL_SECONDS, REPOSITORY, EcrClient, Ledger, Line

SIZES = (100, 1_000, 10_000, 100_000)
MOST_CALLS = 2
LEAST_FASTER = 30
FLAT = 2.0
"""So many times the memory of the smallest registry may be needed for the largest."""

Way = Callable[[Line, int], str]


@dataclass(frozen=True)
class Measure:
    """What one way costs in one registry; ``peak`` is in bytes."""

    tags: int
    way: str
    calls: int
    seconds: float
    peak: int


def lookup(line: Line, tags: int) -> str:
    """The next version as `invoke version` finds it."""
    numbers = VersionCounter(_ecr(line, tags), [REPOSITORY], Versions(Ledger(line, tags), Masks()))
    return str(numbers.peek(VersionRequest()))


def plain(line: Line, tags: int) -> str:
    """The next version after the highest of all tags."""
    return str(version.next_version(list(_ecr(line, tags).tags(REPOSITORY))))


WAYS: dict[str, Way] = {"lookup": lookup, "plain": plain}


def measure(name: str, tags: int) -> Measure:
    """Goes one way twice: once for its calls and its time, once for its memory, which costs time to watch."""
    line, begun = Line(), time.perf_counter()
    found = WAYS[name](line, tags)
    seconds = time.perf_counter() - begun
    if found != f"v1.0.{tags}":
        raise ValueError(f"the {name} way found {found} after {tags} tags")
    tracemalloc.start()
    try:
        WAYS[name](Line(), tags)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return Measure(tags, name, line.calls, seconds, peak)


def failures(found: Sequence[Measure]) -> list[str]:
    """What is not as it is promised; empty if all is."""
    by = {(one.tags, one.way): one for one in found}
    small, large = by[SIZES[0], "lookup"], by[SIZES[-1], "lookup"]
    faster = by[SIZES[-1], "plain"].seconds / large.seconds
    said = []
    if large.calls > MOST_CALLS:
        said.append(f"the lookup makes {large.calls} calls, not {MOST_CALLS} at the most")
    if faster < LEAST_FASTER:
        said.append(f"the lookup is {faster:.0f} times faster than the plain way, not {LEAST_FASTER}")
    if large.peak > FLAT * small.peak:
        said.append(f"the lookup needs {large.peak / small.peak:.1f} times the memory, not {FLAT:.0f} at the most")
    return said


def main() -> int:
    """Measure both ways in every registry.

    Returns:
        1 if the lookup is not what is promised of it.
    """
    for way in WAYS.values():
        way(Line(), 1)  # what is loaded at the first use is not measured
    say(f"A call takes {CALL_SECONDS * 1000:.0f} ms; a page holds 1000 tags.\n")
    say(f"{'tags':>8}  {'way':<8}{'calls':>6}{'seconds':>10}{'peak memory':>14}")
    found = []
    for tags in SIZES:
        for name in WAYS:
            one = measure(name, tags)
            found.append(one)
            say(f"{tags:>8,}  {name:<8}{one.calls:>6}{one.seconds:>10.3f}{one.peak / 1024:>10.0f} KiB")
    wrong = failures(found)
    lookups, plains = ([one for one in found if one.way == name] for name in WAYS)
    say(f"\nAt {SIZES[-1]:,} tags the lookup is {plains[-1].seconds / lookups[-1].seconds:.0f} times faster, with")
    say(f"{lookups[-1].peak / lookups[0].peak:.2f} times the memory that it needs at {SIZES[0]}.")
    for line in wrong:
        say(f"FAILED: {line}")
    return int(bool(wrong))


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _ecr(line: Line, tags: int) -> Ecr:
    return Ecr(cast(Any, EcrClient(line, tags)))


if __name__ == "__main__":
    sys.exit(main())
