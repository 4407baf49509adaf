"""Every version that was issued, each taken by a conditional write. The newest is the counter.

An item is never deleted, so a number is never issued twice, even if its image is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Literal

from pydantic import BaseModel, ConfigDict

from longshore.ledger.table import Table
from longshore.masking import Masks

_PK = "version"
_NEWEST = 10
"""So many of the newest are read in one call: among them is the one of a process that takes its own up again."""
_WHY_KEPT = 500


class Issued(BaseModel):
    """A version that was issued.

    Attributes:
        version: such as ``v1.4.12``.
        by: what took it: the id of a release, or a command with a token of its own.
        user: who.
        at: when; UTC, for people.
        state: ``unused`` where its build failed; ``seen`` where it was not issued, but found in the registry.
        why: the reason why it is unused.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: str
    by: str
    user: str
    at: datetime
    state: Literal["reserved", "unused", "seen"] = "reserved"
    why: str = ""


@dataclass(frozen=True)
class Versions:
    """The versions of one application."""

    table: Table
    masks: Masks

    def newest(self, series: str | None = None) -> list[Issued]:
        """The highest ones from the highest down, in one call; empty where none was issued yet.

        Args:
            series: such as ``v1.0``: only v1.0.x.
        """
        prefix = f"{_sortable(series)}." if series else ""
        return list(islice(self._read(prefix, page=_NEWEST), _NEWEST))

    def all(self) -> Iterator[Issued]:
        """All of them from the highest down, read as they are wanted."""
        return self._read("", page=100)

    def reserve(self, version: str, by: str, user: str) -> bool:
        """Takes a version; False if somebody else has it. Taking it twice in the same name is taking it once."""
        return self._take(Issued(version=version, by=by, user=user, at=datetime.now(UTC)))

    def record_seen(self, version: str, by: str, user: str) -> None:
        """Writes down a version that was found in the registry, so that the counter begins above it."""
        self._take(Issued(version=version, by=by, user=user, at=datetime.now(UTC), state="seen"))

    def mark_unused(self, version: str, by: str, why: str) -> None:
        """Notes that the build of a version failed; another's, and one that nobody took, stay as they are."""
        found = self._find(version)
        if found and found.by == by:
            # Masked before it is cut: a part of a secret is not recognised any more.
            marked = found.model_copy(update={"state": "unused", "why": self.masks.mask(why)[:_WHY_KEPT]})
            self.table.put(_PK, _sortable(version), marked.model_dump(mode="json"), when={"by": by})

    def _take(self, issued: Issued) -> bool:
        if self.table.put(_PK, _sortable(issued.version), issued.model_dump(mode="json"), new=True):
            return True
        # The answer to our own write may have been lost, and the write repeated.
        found = self._find(issued.version)
        return found is not None and found.by == issued.by

    def _find(self, version: str) -> Issued | None:
        item = self.table.get(_PK, _sortable(version))
        return Issued.model_validate(item) if item else None

    def _read(self, prefix: str, page: int) -> Iterator[Issued]:
        return (Issued.model_validate(item) for item in self.table.query(_PK, prefix, page=page))


def _sortable(version: str) -> str:
    """A text that sorts as the numbers do: before each stands how many digits it has (a Docker tag holds 128)."""
    return ".".join(f"{len(number):03d}-{number}" for number in version.removeprefix("v").split("."))
