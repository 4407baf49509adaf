"""The ledger: one DynamoDB table for all environments of an application.

Keys (hash, range):
    release#<environment>   <sequence, ten digits>     the entry of each release (this file)
    event#<release>         <number, six digits>       its intents and their outcomes (journal.py)
    answer#<release>        <token>                    the answers to its lifecycle hooks (answers.py)
    lock#<environment>      lock                       the holder of the environment (lock.py, lease.py)
    version                 <number, sortable>         the issued versions (issued_versions.py)
    build#<image>           <commit>#<inputs>          the digest built from a commit (this file)

Nothing is deleted, so a role that releases needs no permission to delete.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from longshore.clock import Clock, time_with_sleep
from longshore.errors import LockedError, LockLostError
from longshore.ledger.answers import Answers
from longshore.ledger.issued_versions import Versions
from longshore.ledger.journal import Events
from longshore.ledger.lease import EnvironmentLock
from longshore.ledger.table import Table
from longshore.masking import Masks
from longshore.result import ReleaseResult
from longshore.verdict import Verdict

LARGEST_ITEM = 350_000
"""Bytes of JSON, below DynamoDB's limit of 400 KB, which includes attribute names.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

_LINES_KEPT, _CHARACTERS_KEPT = 5, 200
_SHORTENED = "the ends of logs were shortened to fit into the ledger"


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
        self._table = table
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

    def releases(self, page: int = 100) -> Iterator[ReleaseResult]:
        """All releases of the environment, newest first, read page by page."""
        return (ReleaseResult.model_validate(item) for item in self._table.query(self._releases, page=page))

    def succeeded(self) -> Iterator[ReleaseResult]:
        """The successful releases, rollbacks by hand and applies, newest first: they record the running revisions."""
        return (r for r in self.releases(page=20) if r.verdict is Verdict.SUCCEEDED and not r.keeps_revisions)

    def recorded_versions(self, environments: Iterable[str]) -> Iterator[str]:
        """The version of every release to these environments of the application, successful or not."""
        for environment in environments:
            yield from (str(item["version"]) for item in self._table.query(f"release#{environment}"))

    def last_good(self, version: str | None = None) -> ReleaseResult | None:
        """The newest of those, or the newest of a version; None if there is none."""
        return next((r for r in self.succeeded() if version in (None, r.version)), None)

    def find(self, release: str) -> ReleaseResult | None:
        """The entry of a release by its id, ``<environment>-<sequence>``; None if there is none."""
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
        masked.warnings = [*masked.warnings, _SHORTENED]
        return masked.model_dump(mode="json")

    def built(self, image: str, commit: str, inputs: str) -> str | None:
        """The digest built from a commit with the same inputs, or None."""
        item = self._table.get(f"build#{image}", f"{commit}#{inputs}")
        return str(item["digest"]) if item else None

    def remember_build(self, image: str, commit: str, inputs: str, digest: str, tag: str) -> None:
        """Records the digest of a build; it replaces an earlier one of the same commit and inputs."""
        item = {"digest": digest, "tag": tag, "built": datetime.now(UTC).isoformat()}
        self._table.put(f"build#{image}", f"{commit}#{inputs}", item)


def _sk(result: ReleaseResult) -> str:
    return f"{result.sequence:010d}"
