"""Compares the lookup of the next version with the plain method: list every tag and take the highest."""

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
from scripts.console import say
from scripts.versions.cloud import CALL_SECONDS, REPOSITORY, Connection, EcrClient, Ledger

SIZES = (100, 1_000, 10_000, 100_000)
MOST_CALLS = 2
LEAST_FASTER = 30
FLAT = 2.0
"""The memory for the largest registry, at most, as a multiple of that for the smallest."""

Method = Callable[[Connection, int], str]


@dataclass(frozen=True)
class Measure:
    """The cost of one method in one registry; ``peak`` is in bytes."""

    tags: int
    method: str
    calls: int
    seconds: float
    peak: int


def lookup(connection: Connection, tags: int) -> str:
    """The next version as `invoke version` determines it."""
    counter = VersionCounter(_ecr(connection, tags), [REPOSITORY], Versions(Ledger(connection, tags), Masks()))
    return str(counter.peek(VersionRequest()))


def plain(connection: Connection, tags: int) -> str:
    """The next version after the highest of all tags."""
    return str(version.next_version(list(_ecr(connection, tags).tags(REPOSITORY))))


METHODS: dict[str, Method] = {"lookup": lookup, "plain": plain}


def measure(name: str, tags: int) -> Measure:
    """Runs a method twice: once for its calls and its time, once for its memory, because tracing costs time."""
    connection, begun = Connection(), time.perf_counter()
    next_version = METHODS[name](connection, tags)
    seconds = time.perf_counter() - begun
    if next_version != f"v1.0.{tags}":
        raise ValueError(f"the {name} method returned {next_version} after {tags} tags")
    tracemalloc.start()
    try:
        METHODS[name](Connection(), tags)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return Measure(tags, name, connection.calls, seconds, peak)


def failures(measures: Sequence[Measure]) -> list[str]:
    """The promises that the lookup breaks; empty if it keeps all."""
    by = {(measure.tags, measure.method): measure for measure in measures}
    small, large = by[SIZES[0], "lookup"], by[SIZES[-1], "lookup"]
    faster = by[SIZES[-1], "plain"].seconds / large.seconds
    lines = []
    if large.calls > MOST_CALLS:
        lines.append(f"the lookup makes {large.calls} calls; the limit is {MOST_CALLS}")
    if faster < LEAST_FASTER:
        lines.append(f"the lookup is only {faster:.0f} times faster than the plain method, not {LEAST_FASTER}")
    if large.peak > FLAT * small.peak:
        lines.append(f"the lookup needs {large.peak / small.peak:.1f} times the memory; the limit is {FLAT:.0f}")
    return lines


def main() -> int:
    """Measure both methods in every registry.

    Returns:
        1 if the lookup breaks a promise.
    """
    for method in METHODS.values():
        method(Connection(), 1)  # modules are loaded at the first use: that is not measured
    say(f"A call takes {CALL_SECONDS * 1000:.0f} ms; a page holds 1000 tags.\n")
    say(f"{'tags':>8}  {'method':<8}{'calls':>6}{'seconds':>10}{'peak memory':>14}")
    measures = []
    for tags in SIZES:
        for name in METHODS:
            cost = measure(name, tags)
            measures.append(cost)
            say(f"{tags:>8,}  {name:<8}{cost.calls:>6}{cost.seconds:>10.3f}{cost.peak / 1024:>10.0f} KiB")
    broken = failures(measures)
    lookups, plains = ([each for each in measures if each.method == name] for name in METHODS)
    say(f"\nAt {SIZES[-1]:,} tags the lookup is {plains[-1].seconds / lookups[-1].seconds:.0f} times faster, and needs")
    say(f"{lookups[-1].peak / lookups[0].peak:.2f} times the memory that it needs at {SIZES[0]} tags.")
    for line in broken:
        say(f"FAILED: {line}")
    return int(bool(broken))


def _ecr(connection: Connection, tags: int) -> Ecr:
    return Ecr(cast(Any, EcrClient(connection, tags)))


if __name__ == "__main__":
    sys.exit(main())
