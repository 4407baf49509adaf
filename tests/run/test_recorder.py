"""What the journal says of a side effect that ended with an error."""

from __future__ import annotations

import pytest

from longshore.errors import AwsError, LockLostError, LongshoreError, MigrationError, UnknownOutcomeError
from tests.fakes.runs import started


@pytest.mark.parametrize(
    ("error", "open_intents"),
    [
        (MigrationError("it did not start"), []),
        (AwsError("denied", code="AccessDeniedException"), []),
        (UnknownOutcomeError("it still runs"), ["migrate"]),
        (LockLostError("another process holds the lock"), ["migrate"]),
    ],
)
def test_an_outcome_is_written_only_if_it_is_known_and_ours(error: LongshoreError, open_intents: list[str]) -> None:
    """With the lock lost, the intent may be that of the process that has resumed the run: it stays open."""
    with started() as run:
        with pytest.raises(type(error)), run.effect("migrate"):
            raise error
        assert [intent.what for intent in run.journal.open_intents()] == open_intents
