"""A table in memory, with DynamoDB's conditions; tests/aws/test_dynamodb.py compares it with moto's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class MemoryTable:
    """Items by their keys.

    Attributes:
        items: the items, by their keys.
        written: all writes in order.
        before: called before each call with its name and hash key; may raise.
        after: called after a write took effect; may raise, like a lost response.
    """

    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    written: list[dict[str, Any]] = field(default_factory=list)
    before: Callable[[str, str], None] = lambda _call, _pk: None
    after: Callable[[str], None] = lambda _pk: None

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        self.before("get", pk)
        item = self.items.get((pk, sk))
        return dict(item) if item is not None else None

    def put(
        self,
        pk: str,
        sk: str,
        item: Mapping[str, Any],
        *,
        new: bool = False,
        when: Mapping[str, str | int] | None = None,
    ) -> bool:
        self.before("put", pk)
        stored = self.items.get((pk, sk))
        if (new and stored is not None) or (when and not (stored and all(stored.get(k) == v for k, v in when.items()))):
            return False
        copy = json.loads(json.dumps(dict(item)))
        self.items[pk, sk] = copy
        self.written.append(copy)
        self.after(pk)
        return True

    def query(
        self, pk: str, prefix: str = "", *, page: int = 100, newest_first: bool = True
    ) -> Iterator[dict[str, Any]]:
        self.before("query", pk)
        keys = sorted((key for key in self.items if key[0] == pk and key[1].startswith(prefix)), reverse=newest_first)
        return (dict(self.items[key]) for key in keys)
