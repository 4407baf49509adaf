"""The answers to the lifecycle hooks at which a release waits; a process other than the release writes them.

Each answer has a separate item, so that it never meets a write of the release, which holds the lock.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from longshore.ledger.formats import parse
from longshore.ledger.table import Table
from longshore.masking import Masks
from longshore.result import Actor

Action = Literal["CONTINUE", "ROLLBACK"]


class Answer(BaseModel):
    """One answer.

    Attributes:
        key: a random token.
        service: the key of the service.
        stage: the lifecycle stage at which its deployment waited.
        hook: the id of the hook.
        action: the answer, an `Action` or a word of a newer Longshore.
        actor: who gave it.
        at: UTC, for display.
        state: ``intended`` before the call, then ``given`` or ``refused``. If it stays ``intended``, AWS may have
            received it.
        detail: why AWS refused it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    service: str
    stage: str
    hook: str
    action: str
    actor: Actor
    at: datetime
    state: str = "intended"
    detail: str = ""

    def __str__(self) -> str:
        did = {"CONTINUE": "continued", "ROLLBACK": "rolled back"}.get(self.action, self.action)
        state = "" if self.state == "given" else f" ({self.state}{f': {self.detail}' if self.detail else ''})"
        who = f"{self.actor.user} on {self.actor.host} ({self.actor.arn})"
        return f"{self.service} {did} at {self.stage} by {who}, {self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC{state}"


class Answers:
    """The answers to the hooks of one release."""

    def __init__(self, table: Table, release: str, masks: Masks) -> None:
        self._table, self._masks, self._pk = table, masks, f"answer#{release}"

    def read(self) -> list[Answer]:
        """All answers, oldest first.

        Raises:
            UnreadableRecordError: a newer Longshore wrote one.
        """
        answers = [parse(Answer, item, "an answer to a hook") for item in self._table.query(self._pk)]
        return sorted(answers, key=lambda answer: answer.at)

    def write(self, answer: Answer) -> None:
        """Writes an answer: its intent before the call, and its state afterwards.

        Raises:
            AwsError: it could not be written; before the call, the hook must not be answered.
        """
        masked = answer.model_copy(update={"detail": self._masks.mask(answer.detail)})
        self._table.put(self._pk, answer.key, masked.model_dump(mode="json"))
