"""What is written down for good, in one DynamoDB table: releases, the lock, and which commit became which image.

Keys (hash, range), so that a later issue's events and counter find their place beside them:
    release#<environment>   <sequence, ten digits>        one summary for each release
    lock#<environment>      lock                          there while a release holds the environment
    build#<image>           <commit>#<inputs>             the digest that this commit was built into
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from longshore.errors import AwsError, LockedError
from longshore.masking import Masks
from longshore.result import Actor, ReleaseResult, Verdict


class Table(Protocol):
    """What the ledger needs of a table (longshore.aws.dynamodb)."""

    def get(self, pk: str, sk: str) -> dict[str, Any] | None: ...  # noqa: D102
    def put(self, pk: str, sk: str, item: dict[str, Any], *, new: bool = False) -> bool: ...  # noqa: D102
    def delete(self, pk: str, sk: str, *, attribute: str, equals: str) -> bool: ...  # noqa: D102
    def newest_first(self, pk: str, page: int = 100) -> Iterator[dict[str, Any]]: ...  # noqa: D102


class Lock(BaseModel):
    """Who holds an environment. ``owner`` is a token that only the holder knows beforehand."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    owner: str
    actor: Actor
    purpose: str
    since: datetime


@dataclass
class HeldLock:
    """The lock while this process holds it."""

    warnings: list[str] = field(default_factory=list)
    kept_because: str = ""

    def keep(self, why: str) -> None:
        """Leaves the lock where it is at the end, and says why in it."""
        self.kept_because = why


class Ledger:
    """The ledger of one application in one environment.

    Args:
        table: where it is kept.
        environment: its name.
        masks: what is not to be written down.
    """

    def __init__(self, table: Table, environment: str, masks: Masks | None = None) -> None:
        self._table = table
        self._masks = masks or Masks()
        self._environment = environment
        self._releases = f"release#{environment}"

    @contextmanager
    def lock(self, owner: str, actor: Actor, purpose: str) -> Iterator[HeldLock]:
        """Holds the environment, one release at a time.

        Yields:
            The lock as it is held. That it could not be given back becomes one of its warnings: it never hides the
            verdict.

        Raises:
            LockedError: somebody else holds it; says who, since when, and how to free it.
        """
        pk = f"lock#{self._environment}"
        lock = Lock(owner=owner, actor=actor, purpose=purpose, since=datetime.now(UTC))
        if not self._table.put(pk, "lock", lock.model_dump(mode="json"), new=True):
            held = self._table.get(pk, "lock")
            # Our own first write may have been answered into the void and repeated: then the lock is ours.
            if held is None or held["owner"] != owner:
                raise self._locked(held)
        holding = HeldLock()
        try:
            yield holding
        finally:
            try:
                if holding.kept_because:
                    why = self._masks.ours(holding.kept_because)
                    kept = lock.model_copy(update={"purpose": f"{purpose}, {why}"})
                    self._table.put(pk, "lock", kept.model_dump(mode="json"))
                else:
                    self._table.delete(pk, "lock", attribute="owner", equals=owner)
            except AwsError as error:
                holding.warnings.append(f"the lock could not be given back: {error.message}")

    def _locked(self, held: dict[str, Any] | None) -> LockedError:
        if held is None:
            return LockedError(f"{self._environment} was locked a moment ago", "Try again.")
        lock = Lock.model_validate(held)
        return LockedError(
            f"{self._environment} is locked by {lock.actor.user} on {lock.actor.host} ({lock.actor.arn}) "
            f"since {lock.since:%Y-%m-%d %H:%M:%S} UTC: {lock.purpose}",
            f"Wait until it has ended. If it died, delete the item lock#{self._environment} of the ledger's table.",
        )

    def next_sequence(self) -> int:
        """One more than the newest release's; asked while the lock is held."""
        newest = next(self._table.newest_first(self._releases, page=1), None)
        return int(newest["sequence"]) + 1 if newest else 1

    def begin(self, result: ReleaseResult) -> None:
        """Writes the first entry of a release.

        Raises:
            LockedError: another release has taken the number, so somebody releases without the lock.
        """
        if not self._table.put(self._releases, _sk(result), self._item(result), new=True):
            raise LockedError(f"release {result.release} exists already", "Another release runs. Try again.")

    def write(self, result: ReleaseResult) -> None:
        """Writes the entry anew, with what has become known."""
        self._table.put(self._releases, _sk(result), self._item(result))

    def releases(self, page: int = 100) -> Iterator[ReleaseResult]:
        """All releases of the environment, newest first, read as they are wanted."""
        return (ReleaseResult.model_validate(item) for item in self._table.newest_first(self._releases, page))

    def succeeded(self) -> Iterator[ReleaseResult]:
        """The releases after which their version ran, newest first; a roll-back by hand counts as one."""
        return (r for r in self.releases(page=20) if r.verdict is Verdict.SUCCEEDED)

    def _item(self, result: ReleaseResult) -> dict[str, Any]:
        return result.masked(self._masks).model_dump(mode="json")

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
