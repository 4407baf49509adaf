"""`invoke prune` on the stage: against the sandbox's ECS, and a ledger and a registry that answer over HTTP."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from longshore.aws.ecr import Ecr
from longshore.commands.prune import prune
from longshore.terminal.console import Console
from tests.scenarios import shop
from tests.scenarios.play import record_releases, staged
from tests.scenarios.scenario import read_all
from tests.scenarios.stage import Theatre

pytestmark = pytest.mark.scenario


def test_what_runs_and_what_one_may_go_back_to_stays(tmp_path: Path) -> None:
    scenario = next(one for one in read_all() if one.name == "rollback")
    released = ("v1.0.0", "v1.0.1", "v1.0.2", "v1.0.3")
    shape = scenario.shape.model_copy(update={"released": released, "schedule": True})
    theatre = Theatre()
    try:
        with theatre.stage(scenario.model_copy(update={"shape": shape}), tmp_path) as stage:
            env = staged(stage)
            record_releases(env)
            out, err = io.StringIO(), io.StringIO()
            object.__setattr__(env, "console", Console(out, err, io.StringIO(), interactive=False))
            prune(env, keep=2, dry_run=False, yes=True)
            # The stage leaves the rule of the scheduled task at the first version: it still starts that.
            assert out.getvalue().split() == [f"{shop.REPOSITORY}:v1.0.1"]
            assert sorted(Ecr(stage.client("ecr")).tags(shop.REPOSITORY)) == ["v1.0.0", "v1.0.2", "v1.0.3"]
            assert env.ledger.locks.read() is None
    finally:
        theatre.close()
