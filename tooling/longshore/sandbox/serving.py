"""Serving a WSGI application on loopback, the same way for each of the sandbox's HTTP servers."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import BaseWSGIServer, make_server

from longshore.errors import SandboxError
from longshore.sandbox.guard import closed_to_web_pages

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class _RequestHandler(MotoRequestHandler):
    """Moto's handler, which keeps the names of S3's headers; it logs no requests and sends short responses at once."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_expect_100(self) -> bool:
        """Let werkzeug handle Expect, or 100 Continue is sent twice."""
        return True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: the traffic of Terraform and Docker would bury the server's own messages."""


def listen(port: int) -> socket.socket:
    """Listen on a loopback port; 0 for any free port.

    Raises:
        SandboxError: the port is in use.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        hint = "Stop the process that listens there, or leave the port out to use a free one."
        raise SandboxError(f"cannot use port {port} on 127.0.0.1: {error.strerror}", hint) from error
    listener.listen(128)
    return listener


def serve(application: Application, listener: socket.socket, name: str = "aws") -> BaseWSGIServer:
    """Serve an application on a listening socket, in a thread of this name, until the server is shut down.

    Requests of web pages are refused before they reach the application.
    """
    host, port = listener.getsockname()
    guarded = closed_to_web_pages(application, port)
    server = make_server(host, port, guarded, threaded=True, request_handler=_RequestHandler, fd=listener.fileno())
    threading.Thread(target=server.serve_forever, args=(0.05,), name=name, daemon=True).start()
    return server


def body_of(environ: Environ) -> bytes:
    """The body of a request, which stays readable."""
    length = environ.get("CONTENT_LENGTH") or "0"
    chunked = environ.get("wsgi.input_terminated", False)
    if not chunked and not length.isdigit():
        return b""
    body: bytes = environ["wsgi.input"].read() if chunked else environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    return body
