"""What stands in front of moto: /_sandbox/*, the check of credentials, the request log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from longshore.sandbox.credentials import Answer, Environ, Keys, identify, refusal
from longshore.sandbox.request_log import RequestLog

StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class Front:
    """A WSGI application around moto's.

    Args:
        application: moto's.
        keys: the access keys that are accepted.
        log: where calls are written.
        status: what GET /_sandbox/status answers.
    """

    def __init__(
        self, application: Application, keys: Keys, log: RequestLog, status: Callable[[], dict[str, Any]]
    ) -> None:
        self._application = application
        self._keys = keys
        self._log = log
        self._status = status

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"].startswith("/_sandbox/"):
            return _reply(start_response, self._own(environ))
        caller = identify(environ)

        def record(status: str, *rest: Any) -> Any:
            self._log.add(caller.service, caller.operation, int(status[:3]))
            return start_response(status, *rest)

        if self._keys.accept(caller):
            return self._application(environ, record)
        return _reply(record, refusal(caller))

    def _own(self, environ: Environ) -> Answer:
        name = environ["PATH_INFO"].removeprefix("/_sandbox/")
        if name == "status":
            return _json(self._status())
        if name == "requests":
            since = parse_qs(environ.get("QUERY_STRING", "")).get("since", ["0"])[0]
            return _json(self._log.since(int(since) if since.isdigit() else 0))
        return 404, "text/plain", b"/_sandbox/status, /_sandbox/requests?since=N\n"


def _json(value: object) -> Answer:
    return 200, "application/json", json.dumps(value).encode()


def _reply(start_response: StartResponse, answer: Answer) -> list[bytes]:
    status, content_type, body = answer
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    return [body]
