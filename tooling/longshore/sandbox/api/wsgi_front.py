"""What stands in front of moto: the sandbox's own pages, credentials, the request log, and the listening socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto import backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from longshore.errors import SandboxError
from longshore.sandbox.api.admin_pages import Adjustable, Builder, Pages
from longshore.sandbox.api.credentials import Environ, Keys, identify, refusal, role_of
from longshore.sandbox.api.fault_injection import STRUCK, Application, Faulty, StartResponse, reply
from longshore.sandbox.api.faults import Faults
from longshore.sandbox.api.request_log import RequestLog, parameters_of

__all__ = ["Application", "Front", "StartResponse", "listen", "moto_application", "serve"]


class Front:
    """A WSGI application around moto's.

    Args:
        application: moto's.
        keys: the access keys that are accepted.
        log: where calls are written.
        status: what GET /_sandbox/status answers.
        adjustable: what GET and POST /_sandbox/settings are about.
        builder: what the pages of builds, pushes and repositories are about.
    """

    def __init__(
        self,
        application: Application,
        keys: Keys,
        log: RequestLog,
        status: Callable[[], dict[str, Any]],
        adjustable: tuple[Adjustable, ...] = (),
        builder: Builder | None = None,
    ) -> None:
        self.faults = Faults()
        self._application = Faulty(application, self.faults)
        self._keys = keys
        self._log = log
        self._pages = Pages(log, self.faults, status, adjustable, builder)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"].startswith("/_sandbox/"):
            return reply(start_response, self._pages.answer(environ))
        caller = identify(environ)
        parameters = parameters_of(caller, environ)

        def record(status: str, *rest: Any) -> Any:
            fault = environ.get(STRUCK, "")
            role = role_of(caller)
            self._log.add(caller.service, caller.operation, int(status[:3]), parameters, fault=fault, caller=role)
            return start_response(status, *rest)

        if self._keys.accept(caller):
            return self._application(environ, record)
        return reply(record, refusal(caller))


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
