"""The responses to reads before the last change, for stale reads."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from longshore.sandbox.api.credentials import Caller

KEPT = 500
"""How many responses are kept, by most recent use."""

Entry = tuple[int, Any]


class ReadHistory:
    """Responses to reads, each with the number of earlier changes to its service; safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changes: dict[str, int] = {}
        self._answers: OrderedDict[str, list[Entry]] = OrderedDict()

    def changed(self, caller: Caller) -> None:
        """Record that a call changed its service."""
        with self._lock:
            self._changes[caller.service] = self._changes.get(caller.service, 0) + 1

    def keep(self, caller: Caller, request: bytes, answer: bytes) -> None:
        """Record the response to a read."""
        with self._lock:
            now = self._changes.get(caller.service, 0)
            for key, part in _parts(caller, request, answer):
                entries = [entry for entry in self._answers.pop(key, []) if entry[0] != now]
                self._answers[key] = [*entries, (now, part)][-2:]
            while len(self._answers) > KEPT:
                self._answers.popitem(last=False)

    def before(self, caller: Caller, request: bytes, answer: bytes) -> bytes:
        """The response to a read before the last change; its own response if none was recorded."""
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
    """The parts of a response that may appear in other responses, each with a key."""
    if caller.operation != "DescribeServices":
        yield f"{caller.service} {caller.operation} {request.decode(errors='replace')}", answer
        return
    for service in json.loads(answer).get("services", []):
        yield service["serviceArn"], service
