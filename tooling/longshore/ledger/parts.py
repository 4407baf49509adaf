"""Items of any size: one that DynamoDB would refuse is stored in parts, and read back whole.

The largest attributes of such an item are compressed and cut into parts, which are written first. The item itself, with
its small attributes and the digest of the parts, is written last and in one call. So a reader never meets half an item,
and neither does a process that continues after the writer was killed between two parts. The key of a part is the digest
of all parts: two writers cannot mix their parts, and a part that no item names is never read. Nothing is deleted.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from longshore.errors import UnreadableRecordError
from longshore.ledger.formats import FORMAT_KEY, WRITER_KEY, stamped
from longshore.ledger.table import Table

LARGEST_ITEM = 350_000
"""Bytes of an item's JSON in UTF-8, which are more than DynamoDB counts. Its limit is 400 KB, with attribute names.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

_LARGEST_REST = 50_000
"""Bytes of the attributes that stay in an item with parts."""

_PARTS = "parts"
"""The attribute with the digest of the parts and the names of the attributes in them."""


_MOVED_LAST = ("images", "schedules", "services")
"""Attributes that move only if the item would be too large with them.

A Longshore older than the parts misses the moved attributes and notices nothing, and by these it would decide.
"""


@dataclass(frozen=True)
class PartedTable:
    """A table whose items may have any size, and carry their format."""

    table: Table

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """The whole item; None if there is none.

        Raises:
            UnreadableRecordError: a part of it is missing.
        """
        item = self.table.get(pk, sk)
        return self._whole(item) if item is not None else None

    def put(
        self,
        pk: str,
        sk: str,
        item: Mapping[str, Any],
        *,
        new: bool = False,
        when: Mapping[str, str | int] | None = None,
    ) -> bool:
        """Writes an item, as `longshore.ledger.table.Table` does. Attributes of a condition must be short."""
        return self.table.put(pk, sk, self._cut(stamped(item)), new=new, when=when)

    def query(
        self, pk: str, prefix: str = "", *, page: int = 100, newest_first: bool = True, only: Collection[str] = ()
    ) -> Iterator[dict[str, Any]]:
        """The whole items of a hash key.

        Raises:
            UnreadableRecordError: a part of one is missing.
        """
        wanted = (*only, _PARTS, FORMAT_KEY, WRITER_KEY) if only else ()
        for item in self.table.query(pk, prefix, page=page, newest_first=newest_first, only=wanted):
            yield self._whole(item, only)

    def _cut(self, item: dict[str, Any]) -> dict[str, Any]:
        """The item without its largest attributes, if it is too large: these are written as parts."""
        if size(item) <= LARGEST_ITEM:
            return item
        rest, moved = dict(item), {}
        for name in sorted(item, key=lambda name: (name in _MOVED_LAST, -size(item[name]))):
            if size(rest) <= (LARGEST_ITEM if name in _MOVED_LAST else _LARGEST_REST):
                break
            moved[name] = rest.pop(name)
        text = base64.b64encode(zlib.compress(json.dumps(moved).encode())).decode()
        digest = hashlib.sha256(text.encode()).hexdigest()
        for number, start in enumerate(range(0, len(text), LARGEST_ITEM)):
            part = stamped({"text": text[start : start + LARGEST_ITEM]})
            self.table.put(f"part#{digest}", f"{number:06d}", part)
        return rest | {_PARTS: {"digest": digest, "names": sorted(moved)}}

    def _whole(self, item: dict[str, Any], only: Collection[str] = ()) -> dict[str, Any]:
        parts = item.pop(_PARTS, None)
        if parts is None or (only and not set(only) & set(parts["names"])):
            return item
        read = self.table.query(f"part#{parts['digest']}", newest_first=False)
        text = "".join(str(part["text"]) for part in read)
        if hashlib.sha256(text.encode()).hexdigest() != parts["digest"]:
            raise UnreadableRecordError(
                f"an item of the ledger is incomplete: its parts part#{parts['digest']} are missing or were changed",
                "Longshore never deletes a part. Restore the table by its point-in-time recovery.",
            )
        moved = json.loads(zlib.decompress(base64.b64decode(text)))
        return item | {name: moved[name] for name in moved if not only or name in only}


def size(value: object) -> int:
    """The bytes of a value's JSON in UTF-8."""
    return len(json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass"))
