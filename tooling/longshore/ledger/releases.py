"""What is written down for good, in one DynamoDB table that serves all environments of an application.

Keys (hash, range):
    release#<environment>   <sequence, ten digits>     one summary for each release (this file)
    event#<release>         <number, six digits>       what it was about to do, and how that ended (journal.py)
    lock#<environment>      lock                       who holds the environment, or held it last (lock.py, lease.py)
    version                 <number, sortable>         every version that was issued (issued_versions.py)
    build#<image>           <commit>#<inputs>          the digest that this commit was built into (this file)

Nothing is deleted: a role that releases needs no permission for that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from longshore.clock import Clock
from longshore.errors import LockedError, LockLostError
from longshore.ledger.issued_versions import Versions
from longshore.ledger.journal import Events
from longshore.ledger.lease import EnvironmentLock
from longshore.ledger.table import Table
from longshore.masking import Masks
from longshore.result import ReleaseResult, Verdict

LARGEST_ITEM = 350_000
"""Bytes of JSON; DynamoDB takes 400 KB an item, attribute names included (its documentation)."""

_LINES_KEPT, _CHARACTERS_KEPT = 5, 200
_CUT = "log tails were cut to fit into the ledger"


class Ledger:
    """The ledger of one application in one environment.

    Args:
        table: where it is kept.
        environment: its name.
        masks: what is not to be written down.
        clock: time, for the lock.
        lease: seconds after which a lock whose holder gives no sign of life may be taken over.
    """

    def __init__(
        self,
        table: Table,
        environment: str,
        masks: Masks | None = None,
        clock: Clock | None = None,
        lease: float = 60.0,
    ) -> None:
        self._table = table
        self._masks = masks or Masks()
        self._environment = environment
        self._releases = f"release#{environment}"
        self._clock, self._lease = clock or Clock(), lease

    @cached_property
    def locks(self) -> EnvironmentLock:
        """Who holds the environment."""
        return EnvironmentLock(self._table, self._environment, self._masks, self._clock, self._lease)

    @cached_property
    def versions(self) -> Versions:
        """The versions of the application, which its environments share."""
        return Versions(self._table, self._masks)

    def events(self, release: str) -> Events:
        """What a release was about to do, step by step."""
        return Events(self._table, release, self._masks)

    def begin(self, result: ReleaseResult) -> None:
        """Writes the first entry of a release.

        Raises:
            LockedError: another release has taken the number, so somebody releases without the lock.
        """
        if not self._table.put(self._releases, _sk(result), self._item(result), new=True):
            raise LockedError(f"release {result.release} exists already", "Another release runs. Try again.")

    def write(self, result: ReleaseResult) -> None:
        """Writes the entry anew, with what has become known.

        Raises:
            LockLostError: somebody who took the lock over has taken the entry as well; it stays as it is.
        """
        self._write(result, result.fence)

    def take(self, result: ReleaseResult, fence: int) -> None:
        """Writes the entry anew under another fencing token: from now on its last writer can't write it any more.

        Raises:
            LockLostError: somebody else was quicker.
        """
        before, result.fence = result.fence, fence
        self._write(result, before)

    def _write(self, result: ReleaseResult, fence: int) -> None:
        if not self._table.put(self._releases, _sk(result), self._item(result), when={"fence": fence}):
            # Our own write may have been answered into the void and repeated: then the token is ours.
            found = self._table.get(self._releases, _sk(result))
            if found is None or found.get("fence") != result.fence:
                raise LockLostError(f"somebody else goes on with {result.release}", "Look with: invoke history")

    def releases(self, page: int = 100) -> Iterator[ReleaseResult]:
        """All releases of the environment, newest first, read as they are wanted."""
        return (ReleaseResult.model_validate(item) for item in self._table.query(self._releases, page=page))

    def succeeded(self) -> Iterator[ReleaseResult]:
        """The entries that say what ran after them, newest first: of releases, roll-backs by hand and applies."""
        return (r for r in self.releases(page=20) if r.verdict is Verdict.SUCCEEDED and not r.keeps_revisions)

    def recorded_versions(self, environments: Iterable[str]) -> Iterator[str]:
        """The version of every release to these environments of the application, whatever became of it."""
        for environment in environments:
            yield from (str(item["version"]) for item in self._table.query(f"release#{environment}"))

    def last_good(self, version: str | None = None) -> ReleaseResult | None:
        """The newest of those; of a version, if one is given. None where there is none."""
        return next((r for r in self.succeeded() if version in (None, r.version)), None)

    def find(self, release: str) -> ReleaseResult | None:
        """The entry of a release by its id, ``<environment>-<sequence>``; None where there is none."""
        environment, _, sequence = release.rpartition("-")
        if environment != self._environment or not sequence.isdecimal():
            return None
        item = self._table.get(self._releases, f"{int(sequence):010d}")
        return ReleaseResult.model_validate(item) if item else None

    def _item(self, result: ReleaseResult) -> dict[str, Any]:
        masked = result.masked(self._masks)
        item = masked.model_dump(mode="json")
        if len(json.dumps(item)) <= LARGEST_ITEM:
            return item
        masked.shorten(_LINES_KEPT, _CHARACTERS_KEPT)
        masked.warnings = [*masked.warnings, _CUT]
        return masked.model_dump(mode="json")

    def built(self, image: str, commit: str, inputs: str) -> str | None:
        """The digest that a commit was built into with the same inputs, or None."""
        item = self._table.get(f"build#{image}", f"{commit}#{inputs}")
        return str(item["digest"]) if item else None

    def remember_build(self, image: str, commit: str, inputs: str, digest: str, tag: str) -> None:
        """Notes the digest of a build, in place of an earlier one of the same commit."""
        item = {"digest": digest, "tag": tag, "built": datetime.now(UTC).isoformat()}
        self._table.put(f"build#{image}", f"{commit}#{inputs}", item)


def _sk(result: ReleaseResult) -> str:
    return f"{result.sequence:010d}"
