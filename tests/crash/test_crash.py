"""A process ends at every point, and another one goes on: some of the points here, all of them in the long run."""

from __future__ import annotations

from collections.abc import Sequence
from multiprocessing import get_context

import pytest

from tests.crash.matrix import CASES
from tests.crash.rows import wrong_in

pytestmark = pytest.mark.scenario

EVERY = 29
"""In the quick run each so-many-th point of a case."""

QUICK = ("release, resumed", "release, aborted", "release that goes back, resumed", "approved release, resumed")
"""The cases of the quick run."""


def _parameters() -> Sequence[object]:
    quick = [pytest.param(name, EVERY, id=f"{name}, some") for name in QUICK]
    return quick + [pytest.param(case.name, 1, id=f"{case.name}, all", marks=pytest.mark.long) for case in CASES]


@pytest.mark.parametrize(("case", "every"), _parameters())
def test_whatever_ends_can_be_gone_on_with(case: str, every: int) -> None:
    # In a process of its own: whatever ends on the stage keeps its thread, and what that holds, for good.
    with get_context("spawn").Pool(1) as pool:
        found = pool.apply(wrong_in, (case, every))
    assert len(found) >= 3
    assert not any(found), "\n".join(["", *filter(None, found)])
