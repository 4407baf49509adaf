"""`make bench-version` checks the promises of the lookup."""

from __future__ import annotations

import pytest
from scripts.versions import __main__ as bench
from scripts.versions.__main__ import SIZES, Measure
from scripts.versions.cloud import Connection


class Instant(Connection):
    """A connection to AWS that takes no time."""

    def call(self) -> None:
        self.calls += 1


def measures(*, calls: int = 2, seconds: float = 0.04, peak: int = 1000) -> list[Measure]:
    ends = SIZES[0], SIZES[-1]
    plains = [Measure(tags, "plain", tags // 1000, tags / 40_000, tags) for tags in ends]
    return [*plains, Measure(ends[0], "lookup", 2, 0.04, 1000), Measure(ends[1], "lookup", calls, seconds, peak)]


def test_a_lookup_within_its_limits_passes() -> None:
    assert bench.failures(measures()) == []


@pytest.mark.parametrize(
    ("worse", "text"), [({"calls": 3}, "3 calls"), ({"seconds": 0.1}, "25 times faster"), ({"peak": 2100}, "2.1 times")]
)
def test_a_broken_promise_is_named(worse: dict[str, int], text: str) -> None:
    (line,) = bench.failures(measures(**worse))
    assert text in line


@pytest.mark.parametrize("tags", [1, 100, 2500])
def test_both_methods_return_the_same_version(tags: int) -> None:
    connections = Instant(), Instant()
    assert bench.lookup(connections[0], tags) == bench.plain(connections[1], tags) == f"v1.0.{tags}"
    assert [connection.calls for connection in connections] == [2, -(-tags // 1000)]
