from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from longshore.commands import dry_run, promote
from longshore.environment.environment import Environment
from longshore.errors import UsageError
from longshore.ledger.releases import Ledger
from longshore.run.options import ReleaseOptions
from longshore.verdict import Verdict
from tests.fakes.environments import ACCOUNT, SHOP, environment
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import result

Entry = tuple[str, str, Verdict]
RELEASED = ("release", "v1.0.0", Verdict.SUCCEEDED)


@pytest.fixture
def origin(tmp_path: Path) -> Callable[..., Environment]:
    """Makes an environment with these entries in its ledger: kind, version and verdict of each."""

    def make(*entries: Entry) -> Environment:
        ledger = Ledger(MemoryTable(), "test")
        for number, (kind, version, verdict) in enumerate(entries, 1):
            release = f"test-{number:06d}"
            ledger.begin(result(sequence=number, release=release, kind=kind, version=version, verdict=verdict))
        return environment(tmp_path, ledger=ledger)

    return make


@pytest.mark.parametrize("kind", ["apply", "scale", "restart"])
@pytest.mark.parametrize("verdict", [Verdict.SUCCEEDED, Verdict.ROLLED_BACK, Verdict.FAILED, Verdict.UNKNOWN])
def test_a_later_change_does_not_hide_the_release_to_promote(
    kind: str, verdict: Verdict, origin: Callable[..., Environment]
) -> None:
    env = origin(RELEASED, (kind, "v1.0.0", verdict))
    for version in (None, "v1.0.0"):
        release = promote._last_success(env, version)
        assert (release.release, release.kind) == ("test-000001", "release")


def test_a_version_that_was_rolled_back_later_is_not_promoted(origin: Callable[..., Environment]) -> None:
    env = origin(RELEASED, ("release", "v1.0.0", Verdict.ROLLED_BACK))
    with pytest.raises(UsageError, match="the verdict of its last release there is rolled_back"):
        promote._last_success(env, "v1.0.0")


def test_a_version_that_was_only_applied_was_never_released(origin: Callable[..., Environment]) -> None:
    with pytest.raises(UsageError, match="it was never released there"):
        promote._last_success(origin(("apply", "v1.0.0", Verdict.SUCCEEDED)), "v1.0.0")


def test_a_dry_run_of_a_promotion_shows_the_version_that_would_be_promoted(
    origin: Callable[..., Environment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[object] = []
    monkeypatch.setattr(dry_run, "preview", lambda *given: shown.append(given))
    settings = SHOP | {"environments": {"test": {"account": ACCOUNT}, "next": {"account": ACCOUNT}}}
    target = environment(tmp_path, "next", settings=settings)
    env = origin(RELEASED)
    promote.preview(env, target, ReleaseOptions(dry_run=True))
    assert shown == [(target, ReleaseOptions(dry_run=True, tag="v1.0.0"), env.ledger.find("test-000001"))]
