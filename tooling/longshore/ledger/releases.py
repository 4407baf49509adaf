"""The ledger: one DynamoDB table for all environments of an application.

Keys (hash, range):
    release#<environment>   <sequence, ten digits>     the entry of each release (this file)
    event#<release>         <number, six digits>       its intents and their outcomes (journal.py)
    answer#<release>        <token>                    the answers to its lifecycle hooks (answers.py)
    lock#<environment>      lock                       the holder of the environment (lock.py, lease.py)
    version                 <number, sortable>         the issued versions (issued_versions.py)
    build#<image>           <commit>#<inputs>          the digest built from a commit (this file)
    part#<digest>           <number, six digits>       the parts of an item that is too large (parts.py)

Every item has the number of its format (formats.py).
Nothing is deleted, so a role that releases needs no permission to delete.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any

from longshore.clock import Clock, time_with_sleep
from longshore.errors import LockedError, LockLostError, UnreadableRecordError
from longshore.ledger.answers import Answers
from longshore.ledger.formats import is_newer, parse
from longshore.ledger.issued_versions import Versions
from longshore.ledger.journal import Events
from longshore.ledger.lease import EnvironmentLock
from longshore.ledger.parts import PartedTable
from longshore.ledger.table import Table
from longshore.masking import Masks
from longshore.result import ReleaseResult
from longshore.verdict import Verdict

_RECENT = 20
SKEW = timedelta(hours=1)
"""How far the clocks of two machines may differ: one reserved a version, the other released it."""


@dataclass(frozen=True)
class NewerRecord:
    """The entry of a release that a newer Longshore wrote: it can be shown, and nothing may be decided by it.

    Attributes:
        release: its id.
        item: as the ledger has it.
        error: why it cannot be read, and what to do.
    """

    release: str
    item: Mapping[str, Any]
    error: UnreadableRecordError

    def document(self) -> dict[str, Any]:
        """The JSON document: the item, and why its meaning is unknown."""
        return {**self.item, "unreadable": self.error.message, "hint": self.error.hint}


Entry = ReleaseResult | NewerRecord


class Ledger:
    """The ledger of one application in one environment.

    Args:
        table: stores it.
        environment: its name.
        masks: removes secrets before anything is written.
        clock: time, for the lock.
        lease: seconds without a heartbeat after which the lock may be taken over.
    """

    def __init__(
        self,
        table: Table,
        environment: str,
        masks: Masks | None = None,
        clock: Clock | None = None,
        lease: float = 60.0,
    ) -> None:
        self._table = PartedTable(table)
        self._masks = masks or Masks()
        self._environment = environment
        self._releases = f"release#{environment}"
        self._clock, self._lease = clock or Clock(with_sleep=time_with_sleep), lease

    @cached_property
    def locks(self) -> EnvironmentLock:
        """The lock of the environment."""
        return EnvironmentLock(self._table, self._environment, self._masks, self._clock, self._lease)

    @cached_property
    def versions(self) -> Versions:
        """The issued versions of the application, which its environments share."""
        return Versions(self._table, self._masks)

    def events(self, release: str) -> Events:
        """The events of a release."""
        return Events(self._table, release, self._masks)

    def answers(self, release: str) -> Answers:
        """The answers to the lifecycle hooks of a release."""
        return Answers(self._table, release, self._masks)

    def begin(self, result: ReleaseResult) -> None:
        """Writes the first entry of a release.

        Raises:
            LockedError: another release has the same number, so a process releases without the lock.
        """
        if not self._table.put(self._releases, _sk(result), self._item(result), new=True):
            raise LockedError(
                f"the ledger already has a release {result.release}, so another process is releasing",
                "Check it with: invoke history. Then run the same command again.",
            )

    def write(self, result: ReleaseResult) -> None:
        """Updates the entry of a release.

        Raises:
            LockLostError: a process that took over the lock has taken over the entry too; it was left untouched.
        """
        self._write(result, result.fence)

    def take(self, result: ReleaseResult, fence: int) -> None:
        """Updates the entry under a new fencing token, so that its last writer can no longer write it.

        Raises:
            LockLostError: another process was faster.
        """
        before, result.fence = result.fence, fence
        self._write(result, before)

    def _write(self, result: ReleaseResult, fence: int) -> None:
        if not self._table.put(self._releases, _sk(result), self._item(result), when={"fence": fence}):
            # The response to our own write may have been lost and the write repeated: then the token is ours.
            stored = self._table.get(self._releases, _sk(result))
            if stored is None or stored.get("fence") != result.fence:
                raise LockLostError(f"another process has taken over {result.release}", "Check it: invoke history")

    def entries(self, page: int = 100) -> Iterator[Entry]:
        """All entries of the environment, newest first, read page by page, also those of a newer Longshore."""
        return (self._entry(item) for item in self._table.query(self._releases, page=page))

    def releases(self, page: int = 100) -> Iterator[ReleaseResult]:
        """All releases of the environment, newest first, read page by page.

        Raises:
            UnreadableRecordError: the next one was written by a newer Longshore, so nothing may be decided without it.
        """
        return map(_understood, self.entries(page))

    def recent(self) -> Iterator[ReleaseResult]:
        """The newest 20 releases, newest first, read with one call.

        Raises:
            UnreadableRecordError: as `releases`.
        """
        return islice(self.releases(_RECENT), _RECENT)

    def of_version(self, version: str) -> Iterator[ReleaseResult]:
        """The releases of a version, newest first; reading ends at the reservation of the version.

        Raises:
            UnreadableRecordError: the next one was written by a newer Longshore.
        """
        reserved = self.versions.reservation(version)
        first = self._sequence_of(reserved.by) if reserved else None
        for item in self._table.query(self._releases, only=("sequence", "version", "started")):
            if item["version"] == version and (entry := self._find(item["sequence"])):
                yield _understood(entry)
            if item["sequence"] == first:
                return
            if reserved and first is None and datetime.fromisoformat(item["started"]) < reserved.at - SKEW:
                return

    def succeeded(self) -> Iterator[ReleaseResult]:
        """The successful releases, rollbacks by hand and applies, newest first: they record the running revisions."""
        return filter(_records_revisions, self.releases(page=20))

    def recorded_versions(self, environments: Iterable[str]) -> Iterator[str]:
        """The version of every release to these environments of the application, successful or not."""
        for environment in environments:
            items = self._table.query(f"release#{environment}", page=1000, only=("version",))
            yield from (str(item["version"]) for item in items if item.get("version"))

    def last_good(self, version: str | None = None) -> ReleaseResult | None:
        """The newest of those, or the newest of a version; None if there is none.

        Raises:
            UnreadableRecordError: a newer Longshore wrote an entry that may be the one.
        """
        candidates = self.of_version(version) if version else self.succeeded()
        return next((r for r in candidates if _records_revisions(r)), None)

    def find(self, release: str) -> ReleaseResult | None:
        """The entry of a release by its id, ``<environment>-<sequence>``; None if there is none.

        Raises:
            UnreadableRecordError: a newer Longshore wrote it.
        """
        entry = self.look_up(release)
        return _understood(entry) if entry else None

    def look_up(self, release: str) -> Entry | None:
        """The entry of a release by its id, also that of a newer Longshore; None if there is none."""
        sequence = self._sequence_of(release)
        return None if sequence is None else self._find(sequence)

    def _sequence_of(self, release: str) -> int | None:
        environment, _, sequence = release.rpartition("-")
        known = environment == self._environment and re.fullmatch(r"[0-9]{1,10}", sequence)
        return int(sequence) if known else None

    def _find(self, sequence: int) -> Entry | None:
        item = self._table.get(self._releases, f"{sequence:010d}")
        return self._entry(item) if item else None

    def _entry(self, item: dict[str, Any]) -> Entry:
        release = str(item.get("release") or f"an entry of {self._environment}")
        try:
            return parse(ReleaseResult, item, release)
        except UnreadableRecordError as error:
            return NewerRecord(release, item, error)

    def _item(self, result: ReleaseResult) -> dict[str, Any]:
        return result.masked(self._masks).model_dump(mode="json")

    def built(self, image: str, commit: str, inputs: str) -> str | None:
        """The digest built from a commit with the same inputs, or None."""
        item = self._table.get(f"build#{image}", f"{commit}#{inputs}")
        return str(item["digest"]) if item and not is_newer(item) else None

    def remember_build(self, image: str, commit: str, inputs: str, digest: str, tag: str) -> None:
        """Records the digest of a build; it replaces an earlier one of the same commit and inputs."""
        item = {"digest": digest, "tag": tag, "built": datetime.now(UTC).isoformat()}
        self._table.put(f"build#{image}", f"{commit}#{inputs}", item)


def _understood(entry: Entry) -> ReleaseResult:
    if isinstance(entry, NewerRecord):
        raise entry.error
    return entry


def _records_revisions(result: ReleaseResult) -> bool:
    """Whether an entry records the running revisions: a successful release, a rollback by hand or an apply."""
    return result.verdict is Verdict.SUCCEEDED and not result.keeps_revisions


def _sk(result: ReleaseResult) -> str:
    return f"{result.sequence:010d}"
