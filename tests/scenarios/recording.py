"""The mutating calls of the AWS API with their parameters, as they are answered."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterable
from typing import Any

from longshore.sandbox.credentials import Environ, identify
from longshore.sandbox.front import Application, StartResponse
from longshore.sandbox.request_log import is_mutating


class Recording:
    """A WSGI application around another one."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._lock = threading.Lock()
        self.calls: list[dict[str, Any]] = []

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        caller = identify(environ)

        def record(status: str, *rest: Any) -> Any:
            if is_mutating(caller.operation):
                parameters = json.loads(body) if body.startswith(b"{") else {}
                call = {"service": caller.service, "operation": caller.operation, "status": int(status[:3])}
                with self._lock:
                    self.calls.append({**call, "parameters": parameters})
            return start_response(status, *rest)

        return self._application(environ, record)
