"""What stands in front of moto: /_sandbox/*, the check of credentials, the request log, and the listening socket."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from moto import backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from longshore.errors import SandboxError
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


def listen(port: int) -> socket.socket:
    """A loopback socket that listens.

    Raises:
        SandboxError: the port is taken.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        hint = "Stop what listens there, or leave the port out: a free one is taken then."
        raise SandboxError(f"port {port} on 127.0.0.1 can't be used: {error.strerror}", hint) from error
    listener.listen(128)
    return listener


def moto_application() -> Application:
    """Moto's application for all services."""
    modules = list(backends.list_of_moto_modules())
    # moto lists a folder at every request: a quarter of the time that an answer takes
    backends.list_of_moto_modules = lambda: modules
    return DomainDispatcherApplication(create_backend_app)


def serve(application: Application, listener: socket.socket) -> BaseWSGIServer:
    """Serve an application on a socket that listens, in a thread of its own."""
    host, port = listener.getsockname()
    server = make_server(
        host, port, application, threaded=True, request_handler=MotoRequestHandler, fd=listener.fileno()
    )
    threading.Thread(target=server.serve_forever, args=(0.05,), name="aws", daemon=True).start()
    return server


def _json(value: object) -> Answer:
    return 200, "application/json", json.dumps(value).encode()


def _reply(start_response: StartResponse, answer: Answer) -> list[bytes]:
    status, content_type, body = answer
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    return [body]
