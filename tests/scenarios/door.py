"""The front door of the scenarios: answers with the version of a task that serves, or as that task's script says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[str, str]
"""Version of the task that answers, and how it answers: empty for well."""

HANGS = 2.0
"""Real seconds for which an answer without an end goes on: far more than the stage lets the tool wait."""


class FrontDoor:
    """A loopback HTTP server. ``chosen`` picks who answers a request; None where no task serves."""

    def __init__(self) -> None:
        self.chosen: Callable[[], Answer | None] = lambda: None
        self.asked = 0
        self._ending = threading.Event()
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                door.asked += 1
                door.answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="door", daemon=True).start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stops answering."""
        self._ending.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answers one request."""
        version, manner = self.chosen() or ("", "503")
        if manner == "never":
            self._ending.wait(HANGS)
        elif manner == "drips":
            self._drip(request)
        elif manner == "with a redirect to another host":
            _send(request, 302, "", ("Location", "http://elsewhere.example/health"))
        elif manner.isdecimal():
            _send(request, int(manner), f"{manner} as told\n")
        else:
            said = manner.removeprefix("with version ") if manner else version
            _send(request, 200, f'{{"status": "ok", "version": "{said}"}}\n')

    def _drip(self, request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        end = time.monotonic() + HANGS
        try:
            while time.monotonic() < end and not self._ending.wait(0.05):
                request.wfile.write(b".")
        except OSError:
            return  # whoever asked has gone


def _send(request: BaseHTTPRequestHandler, status: int, body: str, *headers: tuple[str, str]) -> None:
    request.send_response(status)
    for name, value in (*headers, ("Content-Length", str(len(body)))):
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(body.encode())
