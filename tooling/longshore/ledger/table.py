"""What the ledger needs of a table (longshore.aws.dynamodb)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol


class Table(Protocol):
    """Items by hash and range key; writes can have a condition, and nothing is ever deleted."""

    def get(self, pk: str, sk: str) -> dict[str, Any] | None: ...  # noqa: D102
    def put(  # noqa: D102
        self,
        pk: str,
        sk: str,
        item: Mapping[str, Any],
        *,
        new: bool = False,
        when: Mapping[str, str | int] | None = None,
    ) -> bool: ...
    def query(  # noqa: D102
        self, pk: str, prefix: str = "", *, page: int = 100, newest_first: bool = True
    ) -> Iterator[dict[str, Any]]: ...
