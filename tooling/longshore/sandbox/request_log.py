"""Every call of the AWS API, in the order in which they were answered."""

from __future__ import annotations

import re
import threading
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

LIMIT = 50_000
# no write of AWS begins with one of these words
_READING = re.compile(
    r"(Get|List|Describe|Head|BatchGet|BatchCheck|BatchDescribe|TransactGet|Query|Scan|Filter|Lookup|Search|Select"
    r"|Simulate|Validate|Assume|Decode|Discover|Estimate|Check|Preview|Test|Download|GET|HEAD)(?![a-z])"
)


@dataclass(frozen=True)
class Call:
    """One call.

    Attributes:
        n: its number, from 0.
        service: the name that the request was signed for, such as ``ecs``.
        operation: AWS's name, such as ``DescribeServices``.
        mutating: whether this operation changes anything when it succeeds.
        status: HTTP status of the answer.
    """

    n: int
    service: str
    operation: str
    mutating: bool
    status: int


def is_mutating(operation: str) -> bool:
    """Whether an operation changes something, by AWS's naming."""
    return not _READING.match(operation)


class RequestLog:
    """The last calls, at most `limit`; safe for several threads."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=limit)
        self._next = 0

    def add(self, service: str, operation: str, status: int) -> None:
        """Record a call that was answered."""
        with self._lock:
            self._calls.append(Call(self._next, service, operation, is_mutating(operation), status))
            self._next += 1

    def since(self, number: int) -> dict[str, Any]:
        """The calls from a number on, and the number to ask with next time."""
        with self._lock:
            calls = [asdict(call) for call in self._calls if call.n >= number]
            return {"next": self._next, "requests": calls}
