"""The calls of a wave stay within our share of AWS's rates, and are few."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scripts.calls.__main__ import WAVES, Measure, failures, measure

from longshore.aws.rates import RATES, Rate

READS_A_SECOND = {(1, 2): 2, (50, 2): 10, (1, 1000): 5}
"""Calls in a second, at most; before the budget there were 8, 27 and 16."""


@pytest.fixture(scope="module")
def measures() -> list[Measure]:
    return [measure(services, tasks) for services, tasks in WAVES]


@pytest.mark.scenario  # takes longer than the fast tests may
def test_every_wave_stays_within_the_budget(measures: list[Measure]) -> None:
    assert failures(measures) == []


@pytest.mark.scenario  # takes longer than the fast tests may
def test_every_wave_reads_seldom(measures: list[Measure]) -> None:
    for each in measures:
        reads = each.a_second(*{name for _, name in each.calls} - {"UpdateService"})
        assert reads <= READS_A_SECOND[each.services, each.tasks]


@pytest.mark.scenario  # takes longer than the fast tests may
def test_a_stopped_task_is_described_once(measures: list[Measure]) -> None:
    (large,) = [each for each in measures if each.tasks == 1000]
    looks = len(large.of("DescribeServices"))
    assert len(large.of("DescribeTasks")) < looks + 10 + 10, "new ones at a look, and all of them in the verification"


@pytest.mark.scenario  # takes longer than the fast tests may
def test_waiting_for_the_budget_delays_a_wave_by_seconds_only(measures: list[Measure]) -> None:
    assert [each.seconds < 400 for each in measures] == [True, True, True]


def test_a_wave_beyond_the_share_is_a_failure() -> None:
    at_once = Measure(1, 2, 1.0, [(0.0, "ListTasks")] * 51)
    assert failures([at_once]) == ["1 services of 2 tasks: Cluster resource read actions exceed our share by 1.0 calls"]
    assert failures([replace(at_once, calls=at_once.calls[1:])]) == []


def test_a_shortfall_counts_the_tokens_that_were_added_in_between() -> None:
    (rate,) = [rate for rate in RATES if "ListTasks" in rate.operations]
    assert isinstance(rate, Rate)
    calls = [*[(0.0, "ListTasks")] * 50, *[(1.0, "DescribeTasks")] * 12]
    assert Measure(1, 2, 2.0, calls).shortfall(rate) == 2
