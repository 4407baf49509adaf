"""A process ends at every point, and another one goes on: some of the points here, all of them in the long run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from tests.scenarios.stage import Theatre

from .matrix import CASES, Case, Outcome, run

pytestmark = pytest.mark.scenario

EVERY = 17
"""In the quick run each so-many-th point of a case."""

QUICK = ("release, resumed", "release, aborted", "release that goes back, resumed", "approved release, resumed")
"""The cases of the quick run."""


@pytest.fixture(scope="module")
def theatre() -> Iterator[Theatre]:
    made = Theatre()
    yield made
    made.close()


def _parameters() -> Sequence[object]:
    quick = [pytest.param(case, EVERY, id=f"{case.name}, some") for case in CASES if case.name in QUICK]
    return quick + [pytest.param(case, 1, id=f"{case.name}, all", marks=pytest.mark.long) for case in CASES]


@pytest.mark.parametrize(("case", "every"), _parameters())
def test_whatever_ends_can_be_gone_on_with(case: Case, every: int, theatre: Theatre) -> None:
    found: list[Outcome] = []
    run(theatre, [case], found.append, every)
    assert len(found) >= 3
    wrong = [f"{o.point} ({o.write}): {o.verdict}: {'; '.join(o.violations)}" for o in found if o.violations]
    assert not wrong, "\n".join(["", *wrong])
