"""The events of a release: what it was about to do, and how that ended. Append-only."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from longshore.errors import LockLostError
from longshore.ledger.table import Table
from longshore.masking import Masks

Kind = Literal["intent", "outcome", "note"]


class Event(BaseModel):
    """One event.

    Attributes:
        number: its place; order is by it, not by time.
        kind: an intent stands before a side effect, its outcome after it; a note tells of what is neither.
        what: the side effect, such as ``update web``.
        detail: what it was done with, or how it ended.
        fence: the fencing token of the lock under which it was written.
        at: UTC; for people.
        key: tells a write that was repeated from another one's.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int
    kind: Kind
    what: str
    detail: str = ""
    fence: int = 0
    at: datetime
    key: str = ""


class Events:
    """The events of one release."""

    def __init__(self, table: Table, release: str, masks: Masks) -> None:
        self._table, self._masks = table, masks
        self._release, self._pk = release, f"event#{release}"
        self._next: int | None = None

    def read(self) -> Iterator[Event]:
        """All of them in order, read as they are wanted."""
        return (Event.model_validate(item) for item in self._table.query(self._pk, newest_first=False))

    def open_intents(self) -> list[Event]:
        """The intents without an outcome, in order: whether they took effect must be looked up."""
        found: dict[str, Event] = {}
        for event in self.read():
            if event.kind == "intent":
                found[event.what] = event
            elif event.kind == "outcome":
                found.pop(event.what, None)
        return list(found.values())

    def append(self, kind: Kind, what: str, detail: str = "", fence: int = 0) -> None:
        """Writes the next event.

        Raises:
            LockLostError: somebody else has written it, so this release is in other hands.
            AwsError: it could not be written; what it is about must not be done.
        """
        number = self._after_the_last() if self._next is None else self._next
        event = Event(
            number=number,
            kind=kind,
            what=what,
            detail=self._masks.mask(detail),
            fence=fence,
            at=datetime.now(UTC),
            key=uuid.uuid4().hex,
        )
        sk = f"{number:06d}"
        if not self._table.put(self._pk, sk, event.model_dump(mode="json"), new=True):
            # Our own write may have been answered into the void and repeated: then the event is ours.
            found = self._table.get(self._pk, sk)
            if found is None or found["key"] != event.key:
                raise LockLostError(f"somebody else goes on with {self._release}", "Look with: invoke history")
        self._next = number + 1

    def _after_the_last(self) -> int:
        last = next(self._table.query(self._pk, page=1), None)
        return int(last["number"]) + 1 if last else 1
