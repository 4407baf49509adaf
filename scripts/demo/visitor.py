"""A visitor that keeps sending requests to the load balancer and counts the responses."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from urllib.parse import urlsplit

TIMEOUT = 10  # seconds that a response may take


@dataclass
class Visitor:
    """Requests the health page until the block ends, in two threads: one keeps its connection, one does not.

    A request without a response, or with a status other than 200, has failed; it is not repeated.

    Attributes:
        rates: the requests per second of each thread.
        answers: the number of responses from each version.
        failures: the reason of each failed request.
        seconds: the duration of the visit.
    """

    url: str
    rates: dict[str, float] = field(default_factory=lambda: {"new connections": 20, "kept connection": 10})
    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __enter__(self) -> Visitor:
        self._stop = threading.Event()
        self._began = time.monotonic()
        self._threads = [
            threading.Thread(target=self._visit, args=(1 / rate, kind == "kept connection"))
            for kind, rate in self.rates.items()
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.seconds = time.monotonic() - self._began

    @property
    def requests(self) -> int:
        """The number of requests."""
        return self.answers.total() + len(self.failures)

    def _visit(self, pause: float, keep: bool) -> None:  # noqa: FBT001 - the arguments of a thread
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT)
        while not self._stop.wait(pause):
            if not keep:
                connection.close()
            try:
                connection.request("GET", "/health")
                response = connection.getresponse()
                self._count(response.status, response.read())
            except (OSError, HTTPException, ValueError, KeyError) as problem:
                self.failures.append(f"{type(problem).__name__}: {problem}")
                connection.close()
        connection.close()

    def _count(self, status: int, body: bytes) -> None:
        if status == 200:
            self.answers[json.loads(body)["version"]] += 1
        else:
            self.failures.append(f"status {status}")
