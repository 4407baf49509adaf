"""What `make bench-version` holds the lookup against."""

from __future__ import annotations

import pytest
from scripts.versions import __main__ as bench
from scripts.versions.__main__ import SIZES, Measure
from scripts.versions.cloud import Line


class Quick(Line):
    """A way to AWS that takes no time."""

    def call(self) -> None:
        self.calls += 1


def found(*, calls: int = 2, seconds: float = 0.04, peak: int = 1000) -> list[Measure]:
    ends = SIZES[0], SIZES[-1]
    plains = [Measure(tags, "plain", tags // 1000, tags / 40_000, tags) for tags in ends]
    return [*plains, Measure(ends[0], "lookup", 2, 0.04, 1000), Measure(ends[1], "lookup", calls, seconds, peak)]


def test_what_is_promised_passes() -> None:
    assert bench.failures(found()) == []


@pytest.mark.parametrize(
    ("worse", "said"), [({"calls": 3}, "3 calls"), ({"seconds": 0.1}, "25 times faster"), ({"peak": 2100}, "2.1 times")]
)
def test_what_is_not_is_said(worse: dict[str, int], said: str) -> None:
    (line,) = bench.failures(found(**worse))
    assert said in line


@pytest.mark.parametrize("tags", [1, 100, 2500])
def test_both_ways_find_the_same(tags: int) -> None:
    lines = Quick(), Quick()
    assert bench.lookup(lines[0], tags) == bench.plain(lines[1], tags) == f"v1.0.{tags}"
    assert [line.calls for line in lines] == [2, -(-tags // 1000)]
