"""What no scenario file can say: a person who thinks for long, and two commands one after the other."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from longshore import release
from longshore.console import Console
from longshore.order import order
from longshore.result import Verdict

from .play import StagedEnvironment, environment, record_releases
from .scenario import FOLDER, read
from .stage import Stage, Theatre

pytestmark = pytest.mark.scenario

ORDER = order(bump="patch", tag="v1.0.1", yes=True)


@contextmanager
def set_for(theatre: Theatre, name: str, folder: Path) -> Iterator[tuple[Stage, StagedEnvironment]]:
    """A stage as a scenario wants it, with the records of the releases before."""
    with theatre.stage(read(FOLDER / f"{name}.toml"), folder) as stage:
        env = environment(stage)
        record_releases(env)
        yield stage, env


class Slow(Console):
    """Somebody who goes to lunch before approving."""

    def __init__(self, stage: Stage, seconds: float) -> None:
        super().__init__(io.StringIO(), io.StringIO(), io.StringIO(), interactive=False)
        self._stage, self._seconds = stage, seconds

    def approve(self, question: str, *, yes: bool) -> None:
        self._stage.pass_time(self._seconds)


def test_the_time_until_somebody_approves_is_not_the_releases(theatre: Theatre, tmp_path: Path) -> None:
    with set_for(theatre, "plain", tmp_path) as (stage, env):
        object.__setattr__(env, "console", Slow(stage, 2 * env.target.env.deadlines.release))
        with stage.command():
            result = release.release(env, ORDER)
    assert (result.verdict, result.message) == (Verdict.SUCCEEDED, "")
