"""Serving a WSGI application on loopback, as each of the sandbox's HTTP servers does it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

from longshore.errors import SandboxError

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class _RequestHandler(MotoRequestHandler):
    """Moto's handler, which keeps the names of S3's headers; it logs no requests and sends short responses at once."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_expect_100(self) -> bool:
        """Leave a request's Expect to werkzeug, or 100 Continue is sent twice."""
        return True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: the traffic of Terraform and Docker would bury the server's own messages."""


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


def serve(application: Application, listener: socket.socket, name: str = "aws") -> BaseWSGIServer:
    """Serve an application on a listening socket, in a thread of this name, until the server's `shutdown`."""
    host, port = listener.getsockname()
    server = make_server(host, port, application, threaded=True, request_handler=_RequestHandler, fd=listener.fileno())
    threading.Thread(target=server.serve_forever, args=(0.05,), name=name, daemon=True).start()
    return server
