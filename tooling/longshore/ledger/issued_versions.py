"""The issued versions, each reserved by a conditional write. The newest is the counter.

An item is never deleted, so a version is never issued twice, even if its image is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from pydantic import BaseModel, ConfigDict

from longshore.ledger.formats import parse
from longshore.ledger.table import Table
from longshore.masking import Masks

_PK = "version"
_NEWEST = 10
"""How many of the newest are read in one call: enough to include the one of a process that resumes."""
_WHY_KEPT = 500
_NUMBERS = re.compile(r"v\d+\.\d+\.\d+")
"""A version that can be issued: a pre-release is not."""


class Issued(BaseModel):
    """A version that was issued.

    Attributes:
        version: such as ``v1.4.12``.
        by: the id of the release that reserved it, or a command with a random token.
        user: the person or job that reserved it.
        at: UTC, for display.
        state: ``reserved``; ``unused`` if its build failed; ``seen`` if it was not issued, but read from the registry;
            or a word of a newer Longshore.
        why: the reason why it is unused.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    version: str
    by: str
    user: str
    at: datetime
    state: str = "reserved"
    why: str = ""


@dataclass(frozen=True)
class Versions:
    """The issued versions of one application."""

    table: Table
    masks: Masks

    def newest(self, series: str | None = None) -> list[Issued]:
        """The highest versions in descending order, in one call; empty if none was issued yet.

        Args:
            series: such as ``v1.0``, for v1.0.x only.
        """
        prefix = f"{_sortable(series)}." if series else ""
        return list(islice(self._query(prefix, page=_NEWEST), _NEWEST))

    def all(self) -> Iterator[Issued]:
        """All versions in descending order, read page by page."""
        return self._query("", page=100)

    def reservation(self, version: str) -> Issued | None:
        """The reservation of a version; None if it was not issued here."""
        issued = self._find(version) if _NUMBERS.fullmatch(version) else None
        return issued if issued and issued.state in ("reserved", "unused") else None

    def reserve(self, version: str, by: str, user: str) -> bool:
        """Reserves a version; False if another process has it. The same ``by`` may reserve it again."""
        return self._put(Issued(version=version, by=by, user=user, at=datetime.now(UTC)))

    def record_seen(self, version: str, by: str, user: str) -> None:
        """Records a version that is in the registry already, so that the counter starts above it."""
        self._put(Issued(version=version, by=by, user=user, at=datetime.now(UTC), state="seen"))

    def mark_unused(self, version: str, by: str, why: str) -> None:
        """Records that the build of a version failed; a version that ``by`` did not reserve is left untouched."""
        issued = self._find(version)
        if issued and issued.by == by:
            # Masked before it is truncated: a truncated secret is no longer recognised.
            marked = issued.model_copy(update={"state": "unused", "why": self.masks.mask(why)[:_WHY_KEPT]})
            self.table.put(_PK, _sortable(version), marked.model_dump(mode="json"), when={"by": by})

    def _put(self, issued: Issued) -> bool:
        if self.table.put(_PK, _sortable(issued.version), issued.model_dump(mode="json"), new=True):
            return True
        # The response to our own write may have been lost and the write repeated.
        stored = self._find(issued.version)
        return stored is not None and stored.by == issued.by

    def _find(self, version: str) -> Issued | None:
        item = self.table.get(_PK, _sortable(version))
        return _issued(item) if item else None

    def _query(self, prefix: str, page: int) -> Iterator[Issued]:
        return map(_issued, self.table.query(_PK, prefix, page=page))


def _issued(item: dict[str, Any]) -> Issued:
    return parse(Issued, item, f"the version {item.get('version', '')}".rstrip())


def _sortable(version: str) -> str:
    """A key that sorts numerically: each number has the count of its digits in front (a Docker tag holds up to 128)."""
    return ".".join(f"{len(number):03d}-{number}" for number in version.removeprefix("v").split("."))
