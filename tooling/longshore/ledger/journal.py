"""The events of a release: its intents and their outcomes, append-only."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from longshore.errors import LockLostError, UnreadableRecordError
from longshore.ledger.formats import parse
from longshore.ledger.table import Table
from longshore.masking import Masks

Kind = Literal["intent", "outcome", "note"]


class Event(BaseModel):
    """One event.

    Attributes:
        number: its position; events are ordered by it, not by time.
        kind: an intent is written before a side effect, an outcome after it; a note is neither. A newer Longshore may
            have written another word.
        what: the side effect, such as ``update web``.
        detail: its parameters, or its result.
        fence: the fencing token of the lock under which it was written.
        at: UTC, for display.
        key: a random token that identifies the write, if it is repeated.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int
    kind: str
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
        """All events in order, read page by page.

        Raises:
            UnreadableRecordError: a newer Longshore wrote the next one.
        """
        items = self._table.query(self._pk, newest_first=False)
        return (parse(Event, item, f"an event of {self._release}") for item in items)

    def open_intents(self) -> list[Event]:
        """The intents without an outcome, in order: AWS must be asked whether they took effect.

        Raises:
            UnreadableRecordError: a newer Longshore wrote an event.
        """
        intents: dict[str, Event] = {}
        for event in self.read():
            if event.kind not in get_args(Kind):
                raise UnreadableRecordError(
                    f"event {event.number} of {self._release} was written by a newer Longshore ({event.kind!r})",
                    "Update Longshore on this machine, then run the same command again.",
                )
            if event.kind == "intent":
                intents[event.what] = event
            elif event.kind == "outcome":
                intents.pop(event.what, None)
        return list(intents.values())

    def append(self, kind: Kind, what: str, detail: str = "", fence: int = 0) -> None:
        """Writes the next event.

        Raises:
            LockLostError: another process has written it, and so has taken over this release.
            AwsError: it could not be written, so its side effect must not happen.
        """
        number = self._next_number() if self._next is None else self._next
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
            # The response to our own write may have been lost and the write repeated: then the event is ours.
            stored = self._table.get(self._pk, sk)
            if stored is None or stored["key"] != event.key:
                raise LockLostError(f"another process has taken over {self._release}", "Check it: invoke history")
        self._next = number + 1

    def _next_number(self) -> int:
        last = next(self._table.query(self._pk, page=1), None)
        return int(last["number"]) + 1 if last else 1
