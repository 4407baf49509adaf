"""ECS's own rollback, and another process's deployment, with every delay of the reads and both ids of the rollback.

While ECS rolls back, the failed deployment still shows IN_PROGRESS, for up to minutes (recorded); how long the service
deployment lags behind, and whether the rollback has a new id, AWS does not say: all of them are played.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.play import play
from tests.scenarios.scenario import Scenario, read_all
from tests.scenarios.stage import Theatre

pytestmark = pytest.mark.scenario

LAGS = (0.0, 1.0, 8.0, 30.0)
NAMES = ("failure_hidden", "listed_after", "rollback_reported_after")
QUICK = {(30.0, 1.0, 8.0), (8.0, 30.0, 0.0), (1.0, 8.0, 30.0)}
DEPENDS_ON_THE_DELAY = ("calls: ", "not said: 'circuit breaker'")
"""Differences that are right: if the rollback of ECS shows late, the failed tasks end the wait before it does."""

ENDS = (("crash-at-start", 0.0), ("crash-at-start", 1.0), ("superseded", 0.0))
"""Scenarios, each with the id of ECS's rollback: a new one or the old one. Another process always has a new one."""


def _cases() -> list[Any]:
    cases = itertools.product(ENDS, itertools.product(LAGS, repeat=3))
    return [
        pytest.param(
            name,
            dict(zip(NAMES, lags, strict=True)) | {"rollback_keeps_id": keeps_id},
            id=f"{name}-{'-'.join(f'{lag:g}' for lag in lags)}-{'old' if keeps_id else 'new'}",
            marks=() if lags in QUICK else pytest.mark.long,
        )
        for (name, keeps_id), lags in cases
    ]


@pytest.mark.parametrize(("name", "ecs"), _cases())
def test_the_end_is_the_same_with_every_delay(
    name: str, ecs: dict[str, float], theatre: Theatre, tmp_path: Path
) -> None:
    scenario = next(scenario for scenario in read_all() if scenario.name == name)
    settings = scenario.settings.model_copy(
        update={"ecs": ecs, "deadlines": scenario.settings.deadlines | {"rollout": 240}}
    )
    played = play(
        theatre, Scenario.model_validate(scenario.model_dump() | {"settings": settings.model_dump()}), tmp_path
    )
    differences = [text for text in played.differences if not text.startswith(DEPENDS_ON_THE_DELAY)]
    assert not differences, "\n".join([*differences, "", played.found.console])


def _with(name: str, **ecs: float) -> Scenario:
    """A scenario with these settings of the sandbox's ECS."""
    scenario = next(scenario for scenario in read_all() if scenario.name == name)
    return scenario.model_copy(update={"settings": scenario.settings.model_copy(update={"ecs": ecs})})


@pytest.mark.parametrize("scales", [0.0, 1.0])
def test_a_first_release_succeeds_whether_or_not_ecs_starts_tasks_of_the_bootstrapped_revision(
    scales: float, theatre: Theatre, tmp_path: Path
) -> None:
    """AWS does not say it of a count that is raised together with the revision; its image was never released."""
    played = play(theatre, _with("first-release", idle_revision_scales=scales), tmp_path)
    assert not played.differences, "\n".join([*played.differences, "", played.found.console])
    assert ("is unable to consistently start tasks" in played.found.console) == bool(scales)


@pytest.mark.parametrize("pages", [0.0, 1.0, 20.0])
def test_the_log_of_a_failed_task_is_shown_whether_or_not_its_first_page_is_empty(
    pages: float, theatre: Theatre, tmp_path: Path
) -> None:
    scenario = _with("crash-at-start", empty_log_pages=pages)
    played = play(theatre, scenario, tmp_path)
    assert "no such table: basket" in scenario.expect.says
    assert not played.differences, "\n".join([*played.differences, "", played.found.console])
