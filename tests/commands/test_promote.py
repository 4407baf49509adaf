from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from longshore.commands import promote
from longshore.errors import UsageError
from longshore.ledger.releases import Ledger
from longshore.verdict import Verdict
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import result


def tried(*entries: tuple[str, str, Verdict]) -> Any:
    """An environment with these entries: kind, version and verdict."""
    ledger = Ledger(MemoryTable(), "test")
    for number, (kind, version, verdict) in enumerate(entries, 1):
        release = f"test-{number:06d}"
        ledger.begin(result(sequence=number, release=release, kind=kind, version=version, verdict=verdict))
    return SimpleNamespace(ledger=ledger, target=SimpleNamespace(environment="test"))


GOOD = ("release", "v1.0.0", Verdict.SUCCEEDED)


@pytest.mark.parametrize("kind", ["apply", "scale", "restart"])
@pytest.mark.parametrize("verdict", [Verdict.SUCCEEDED, Verdict.ROLLED_BACK, Verdict.FAILED, Verdict.UNKNOWN])
def test_what_is_promoted_is_a_release_whatever_was_changed_since(kind: str, verdict: Verdict) -> None:
    env = tried(GOOD, (kind, "v1.0.0", verdict))
    for version in (None, "v1.0.0"):
        found = promote._last_success(env, version)
        assert (found.release, found.kind) == ("test-000001", "release")


def test_a_release_that_was_rolled_back_since_is_not_promoted() -> None:
    with pytest.raises(UsageError, match="its last release there is rolled_back"):
        promote._last_success(tried(GOOD, ("release", "v1.0.0", Verdict.ROLLED_BACK)), "v1.0.0")


def test_a_version_of_which_there_are_only_changes_was_never_released() -> None:
    with pytest.raises(UsageError, match="it was never released there"):
        promote._last_success(tried(("apply", "v1.0.0", Verdict.SUCCEEDED)), "v1.0.0")
