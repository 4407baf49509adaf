"""The sandbox's own pages, /_sandbox/*: what runs, what was called, and what an operator sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import parse_qs

from longshore.sandbox.credentials import Answer, Environ, body_of
from longshore.sandbox.faults import FaultError, Faults, parse
from longshore.sandbox.request_log import RequestLog

_ALL = b"/_sandbox/status, /_sandbox/requests?since=N, /_sandbox/faults, /_sandbox/settings\n"


class Adjustable(Protocol):
    """Something with settings."""

    def settings(self) -> dict[str, float]:
        """The settings by name."""

    def set(self, name: str, value: float) -> None:
        """Change one.

        Raises:
            ValueError: there is none of that name, or the value is not allowed.
        """


class Pages:
    """Answers requests for /_sandbox/*.

    Args:
        log: of the calls.
        faults: that are set.
        status: what runs.
        adjustable: what has settings; None where nothing has.
    """

    def __init__(
        self,
        log: RequestLog,
        faults: Faults,
        status: Callable[[], dict[str, Any]],
        adjustable: Adjustable | None = None,
    ) -> None:
        self._log = log
        self._faults = faults
        self._status = status
        self._adjustable = adjustable

    def answer(self, environ: Environ) -> Answer:
        """Answer one request."""
        name, method = environ["PATH_INFO"].removeprefix("/_sandbox/"), environ["REQUEST_METHOD"]
        if method != "GET" and ("HTTP_ORIGIN" in environ or "HTTP_SEC_FETCH_SITE" in environ):
            return 403, "text/plain", b"Not from a web page.\n"
        query = {key: values[0] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        try:
            found = self._find(name, method, query, environ)
        except (FaultError, ValueError, TypeError) as error:
            return 400, "text/plain", f"{error}\n".encode()
        return (404, "text/plain", _ALL) if found is None else (200, "application/json", json.dumps(found).encode())

    def _find(self, name: str, method: str, query: dict[str, str], environ: Environ) -> object:
        """What a page says; None where there is no such page."""
        if name == "faults":
            return self._change_faults(method, query, environ)
        if name == "settings" and self._adjustable:
            return self._change_settings(self._adjustable, method, environ)
        if name == "requests":
            since = query.get("since", "0")
            return self._log.since(int(since) if since.isdigit() else 0)
        return self._status() if name == "status" else None

    def _change_faults(self, method: str, query: dict[str, str], environ: Environ) -> list[dict[str, Any]]:
        """The faults, after what was asked for."""
        if method == "POST":
            self._faults.add(parse(json.loads(body_of(environ))))
        elif method == "DELETE":
            self._faults.clear(int(query["id"]) if "id" in query else None)
        return self._faults.rows()

    @staticmethod
    def _change_settings(adjustable: Adjustable, method: str, environ: Environ) -> dict[str, float]:
        """The settings, after what was asked for."""
        if method == "POST":
            for name, value in json.loads(body_of(environ)).items():
                adjustable.set(name, float(value))
        return adjustable.settings()
