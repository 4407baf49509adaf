"""What reads answered before the last change: what a stale read shows."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from longshore.sandbox.api.credentials import Caller

KEPT = 500
"""So many answers are remembered, those that were read last."""

Entry = tuple[int, Any]


class ReadHistory:
    """The answers of reads, each with how many changes of its service there had been; safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changes: dict[str, int] = {}
        self._answers: OrderedDict[str, list[Entry]] = OrderedDict()

    def changed(self, caller: Caller) -> None:
        """Note that a call has changed something."""
        with self._lock:
            self._changes[caller.service] = self._changes.get(caller.service, 0) + 1

    def keep(self, caller: Caller, request: bytes, answer: bytes) -> None:
        """Remember what a read answered."""
        with self._lock:
            now = self._changes.get(caller.service, 0)
            for key, part in _parts(caller, request, answer):
                entries = [entry for entry in self._answers.pop(key, []) if entry[0] != now]
                self._answers[key] = [*entries, (now, part)][-2:]
            while len(self._answers) > KEPT:
                self._answers.popitem(last=False)

    def before(self, caller: Caller, request: bytes, answer: bytes) -> bytes:
        """What a read would have answered before the last change; its own answer where nothing is remembered."""
        with self._lock:
            now = self._changes.get(caller.service, 0)
            older = {
                key: next((kept for when, kept in reversed(self._answers.get(key, [])) if when < now), part)
                for key, part in _parts(caller, request, answer)
            }
        if caller.operation != "DescribeServices":
            return bytes(next(iter(older.values())))
        return json.dumps({**json.loads(answer), "services": list(older.values())}).encode()


def _parts(caller: Caller, request: bytes, answer: bytes) -> Iterator[tuple[str, Any]]:
    """An answer in the parts that can be asked for in other company, with a key for each."""
    if caller.operation != "DescribeServices":
        yield f"{caller.service} {caller.operation} {request.decode(errors='replace')}", answer
        return
    for service in json.loads(answer).get("services", []):
        yield service["serviceArn"], service
