"""A table in memory, with DynamoDB's conditions; tests/aws/test_dynamodb.py compares it with moto's."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from longshore.errors import AwsError

LARGEST_ITEM = 400 * 1024
LARGEST_PAGE = 1024 * 1024
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""


@dataclass
class MemoryTable:
    """Items by their keys.

    Attributes:
        items: the items, by their keys.
        written: all writes in order.
        before: called before each call, and each page of a query, with its name and hash key; may raise.
        after: called after a write took effect; may raise, like a lost response.
    """

    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    written: list[dict[str, Any]] = field(default_factory=list)
    sizes: dict[tuple[str, str], int] = field(default_factory=dict)
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
        text = json.dumps(dict(item), ensure_ascii=False)
        self.sizes[pk, sk] = len(text.encode(errors="surrogatepass"))
        if self.sizes[pk, sk] > LARGEST_ITEM:
            raise AwsError("Item size has exceeded the maximum allowed size", code="ValidationException", status=400)
        copy = json.loads(text)
        self.items[pk, sk] = copy
        self.written.append(copy)
        self.after(pk)
        return True

    def query(
        self, pk: str, prefix: str = "", *, page: int = 100, newest_first: bool = True, only: Collection[str] = ()
    ) -> Iterator[dict[str, Any]]:
        keys = sorted((key for key in self.items if key[0] == pk and key[1].startswith(prefix)), reverse=newest_first)
        start, more = 0, True
        while more:
            self.before("query", pk)
            end, read = start, 0
            while end < len(keys) and end - start < page and read < LARGEST_PAGE:
                read += self.sizes.get(keys[end], 0)
                end += 1
            more = end - start == page or end < len(keys)
            for key in keys[start:end]:
                item = self.items[key]
                yield {name: item[name] for name in item if name in only} if only else dict(item)
            start = end
