"""The table of the ledger, as a protocol (longshore.aws.dynamodb implements it)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol


class Table(Protocol):
    """Items by hash and range key; writes may have a condition, and nothing is ever deleted."""

    def get(self, pk: str, sk: str) -> dict[str, Any] | None: ...
    def put(
        self,
        pk: str,
        sk: str,
        item: Mapping[str, Any],
        *,
        new: bool = False,
        when: Mapping[str, str | int] | None = None,
    ) -> bool: ...
    def query(
        self, pk: str, prefix: str = "", *, page: int = 100, newest_first: bool = True, only: Collection[str] = ()
    ) -> Iterator[dict[str, Any]]: ...
