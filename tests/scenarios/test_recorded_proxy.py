"""ECS's own rollback as recorded, from end to end, through a proxy that knows nothing of the sandbox's timing."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials

from longshore.commands import release
from longshore.environment.access import Access
from longshore.result import ReleaseResult
from longshore.run.options import ReleaseOptions
from longshore.terminal.console import Console
from longshore.verdict import Cause, ExitCode, Verdict
from tests.scenarios.play import StagedEnvironment, record_releases, staged
from tests.scenarios.recorded_proxy import Lags, Recorded, proxy
from tests.scenarios.scenario import Scenario, read_all
from tests.scenarios.stage import KEY, SECRET, Theatre

pytestmark = pytest.mark.scenario

SECONDS = (0.0, 1.0, 8.0, 30.0)
AT_ONCE = {"failure_hidden": 0.0, "listed_after": 0.0, "rollback_reported_after": 0.0, "rollback_keeps_id": 0.0}
"""The sandbox shows everything at once: what lags, lags in the proxy."""

TWICE = (0, 2, 3, 1)
"""Twice a number, in the field of four elements, whose sum is the exclusive or."""

ROWS = [
    Lags(*(SECONDS[level] for level in (first, second, first ^ second, first ^ TWICE[second])))
    for first in range(4)
    for second in range(4)
]
"""Every pair of delays of every two reads, in as few combinations as there can be (an orthogonal array)."""


@dataclass(frozen=True)
class Proxied(StagedEnvironment):
    """An environment whose AWS answers through a proxy."""

    url: str = ""

    @cached_property
    def access(self) -> Access:
        return replace(super().access, environ={**super().access.environ, "AWS_ENDPOINT_URL": self.url})


def played(
    name: str, recorded_as: Any, theatre: Theatre, folder: Path
) -> tuple[ReleaseResult, Recorded, dict[str, str]]:
    """A release through the proxy: its record, what the proxy has seen, and what runs in the end."""
    scenario = next(scenario for scenario in read_all() if scenario.name == name)
    settings = scenario.settings.model_copy(
        update={"ecs": AT_ONCE, "deadlines": scenario.settings.deadlines | {"rollout": 240}}
    )
    scenario = Scenario.model_validate(scenario.model_dump() | {"settings": settings.model_dump()})
    with theatre.stage(scenario, folder) as stage:
        recorded = Recorded(stage.now, *recorded_as)
        made = staged(stage)
        record_releases(made)
        console = Console(io.StringIO(), io.StringIO(), io.StringIO(), interactive=False)
        with proxy(stage.endpoint, recorded, Credentials(KEY, SECRET)) as url, stage.command():
            env = Proxied(made.target, console, made.clock, made.interrupts, stage=stage, url=url)
            result = release.release(env, ReleaseOptions.of(bump="patch", tag="v1.0.1", yes=True))
        return result, recorded, {key: stage.runs(key) for key in ("web", "worker")}


def cases(quick: Lags) -> list[Any]:
    """All rows; the quick one is the only one in make test."""
    return [
        pytest.param(
            lags,
            id=f"{lags.failed:g}-{lags.listed:g}-{lags.reported:g}-{lags.current:g}",
            marks=() if lags == quick else pytest.mark.long,
        )
        for lags in ROWS
    ]


def test_every_pair_of_delays_is_among_the_rows() -> None:
    columns = [[getattr(row, name) for row in ROWS] for name in ("failed", "listed", "reported", "current")]
    for first in range(4):
        for second in range(first):
            assert len(set(zip(columns[first], columns[second], strict=True))) == 16


def check_rolled_back(old_id: bool, lags: Lags, theatre: Theatre, folder: Path) -> None:  # noqa: FBT001 - of the test
    result, recorded, runs = played("crash-at-start", (lags, old_id), theatre, folder)
    assert (result.verdict, result.cause, result.exit_code) == (
        Verdict.ROLLED_BACK,
        Cause.ROLLOUT,
        ExitCode.ROLLED_BACK,
    ), result.message
    assert {key: service.outcome for key, service in result.services.items()} == dict.fromkeys(runs, "moved back")
    assert runs == {"web": "old", "worker": "old"}
    (failure,) = result.failures
    assert failure.subject == "storefront-sandbox-web"
    assert failure.tasks > 1, "tasks that failed for one cause were not counted together"
    assert "is not authorized to perform: secretsmanager:GetSecretValue" in failure.reason
    assert failure.log[-1] == "no such table: basket"
    assert [shown != rollback for rollback, shown in recorded.rollbacks.items()] == [old_id]


@pytest.mark.parametrize("lags", cases(ROWS[11]))
def test_a_rollback_with_its_old_id_is_rolled_back(lags: Lags, theatre: Theatre, tmp_path: Path) -> None:
    check_rolled_back(True, lags, theatre, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("lags", ROWS, ids=str)
def test_a_rollback_with_a_new_id_is_rolled_back(lags: Lags, theatre: Theatre, tmp_path: Path) -> None:
    check_rolled_back(False, lags, theatre, tmp_path)


@pytest.mark.parametrize("lags", cases(ROWS[13]))
def test_the_deployment_of_another_process_is_superseded(lags: Lags, theatre: Theatre, tmp_path: Path) -> None:
    result, recorded, runs = played("superseded", (lags, False), theatre, tmp_path)
    assert (result.verdict, result.exit_code) == (Verdict.SUPERSEDED, ExitCode.SUPERSEDED), result.message
    assert {key: service.outcome for key, service in result.services.items()} == {
        "web": "superseded",
        "worker": "moved back",
    }
    assert runs == {"web": "foreign", "worker": "old"}
    assert not recorded.rollbacks
