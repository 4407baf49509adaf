"""A visitor who asks the front door all the time, and remembers every answer."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from urllib.parse import urlsplit

TIMEOUT = 10  # seconds that an answer may take


@dataclass
class Visitor:
    """Asks the health page in two threads, on a new connection each time and on one that is kept, until it leaves.

    A request that gets no answer, or another than 200, has failed; nothing is asked again.

    Attributes:
        answers: how many answers came from each version.
        failures: what went wrong, one text each.
        seconds: how long the visit took.
    """

    url: str
    rates: dict[str, float] = field(default_factory=lambda: {"new connections": 20, "kept connection": 10})
    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __enter__(self) -> Visitor:
        self._leave = threading.Event()
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
        self._leave.set()
        for thread in self._threads:
            thread.join()
        self.seconds = time.monotonic() - self._began

    @property
    def requests(self) -> int:
        """How many requests were made."""
        return self.answers.total() + len(self.failures)

    def _visit(self, pause: float, keep: bool) -> None:  # noqa: FBT001 - the arguments of a thread
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT)
        while not self._leave.wait(pause):
            if not keep:
                connection.close()
            try:
                connection.request("GET", "/health")
                response = connection.getresponse()
                self._remember(response.status, response.read())
            except (OSError, HTTPException, ValueError, KeyError) as problem:
                self.failures.append(f"{type(problem).__name__}: {problem}")
                connection.close()
        connection.close()

    def _remember(self, status: int, body: bytes) -> None:
        if status == 200:
            self.answers[json.loads(body)["version"]] += 1
        else:
            self.failures.append(f"status {status}")
