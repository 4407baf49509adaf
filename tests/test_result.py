from __future__ import annotations

import pytest

from longshore.result import ReleaseResult
from longshore.verdict import Cause, ExitCode, Verdict
from tests.fakes.samples import result


@pytest.mark.parametrize(
    ("verdict", "cause", "code"),
    [
        (Verdict.SUCCEEDED, None, 0),
        (Verdict.FAILED, Cause.OTHER, 1),
        (Verdict.FAILED, Cause.BUILD, 4),
        (Verdict.FAILED, Cause.PLAN, 5),
        (Verdict.FAILED, Cause.DECLINED, 5),
        (Verdict.FAILED, Cause.APPLY, 6),
        (Verdict.FAILED, Cause.MIGRATION, 7),
        (Verdict.ROLLED_BACK, Cause.MIGRATION, 8),
        (Verdict.ROLLED_BACK, Cause.VERIFY, 8),
        (Verdict.ROLLBACK_FAILED, Cause.ROLLOUT, 9),
        (Verdict.SUPERSEDED, Cause.SUPERSEDED, 10),
        (Verdict.UNKNOWN, Cause.DEADLINE, 11),
        (Verdict.SUCCEEDED, Cause.RECORD, 12),
        (Verdict.INTERRUPTED, Cause.INTERRUPT, 130),
    ],
)
def test_each_verdict_and_cause_has_an_exit_code(verdict: Verdict, cause: Cause | None, code: int) -> None:
    release = result(verdict=verdict, cause=cause)
    assert release.exit_code == ExitCode(code)
    assert release.document()["exit_code"] == code


def test_a_misspelt_attribute_is_refused_and_a_key_of_a_later_version_kept() -> None:
    release = ReleaseResult.model_validate(result().model_dump() | {"canary": 5})
    with pytest.raises(AttributeError, match="ReleaseResult has no field 'mesage'"):
        release.mesage = "done"  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="Actor has no field 'team'"):
        release.actor.team = "blue"  # type: ignore[attr-defined]
    release.message = "done"
    assert (release.model_dump()["canary"], release.message) == (5, "done")
