"""The task `release`: with --dry-run it calls the dry run, and nothing else."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from invoke.program import Program

from longshore.commands import dry_run, run_release
from longshore.commands.dry_run import Forecast
from longshore.errors import LockedError
from longshore.tasks import namespace, releases
from longshore.terminal.console import Console
from tests.fakes.environments import environment
from tests.fakes.samples import result


@pytest.mark.parametrize(("refusals", "code"), [([], 20), ([LockedError("test is locked", "Wait.")], 3)])
def test_a_dry_run_prints_one_document_and_releases_nothing(
    refusals: list[LockedError], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, err = io.StringIO(), io.StringIO()
    env = environment(tmp_path, console=Console(out, err))
    monkeypatch.setattr(releases, "opened", lambda *_: env)
    monkeypatch.setattr(run_release, "run_release", lambda *_: pytest.fail("it was released"))
    forecast = Forecast(result(version="v1.0.1", changes=["web"]), (), True, (), refusals)
    monkeypatch.setattr(dry_run, "preview", lambda _env, options: forecast if options.dry_run else None)
    with pytest.raises(SystemExit) as ended:
        Program(namespace=namespace).run(["invoke", "release", "--dry-run", "--json"])
    document = json.loads(out.getvalue())
    assert (ended.value.code, document["exit_code"]) == (code, code)
    assert (document["version"], document["changes"], document["dry_run"]) == ("v1.0.1", ["web"], True)
    assert [refusal["message"] for refusal in document["refusals"]] == [error.message for error in refusals]
    assert ("the release would be refused: test is locked" in err.getvalue()) == bool(refusals)
