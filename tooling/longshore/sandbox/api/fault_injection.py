"""Fault injection: moto's application, whose responses a fault withholds, delays or replaces."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from longshore.sandbox.api.credentials import Answer, Caller, identify
from longshore.sandbox.api.faults import ANSWERED_LATER, Fault, Faults, injected_response
from longshore.sandbox.api.request_log import is_mutating
from longshore.sandbox.api.stale_reads import ReadHistory
from longshore.sandbox.serving import Application, Environ, StartResponse, body_of

FAULT_KIND = "longshore.fault"
"""Key of a request's environment: the kind of the fault that affected it."""

Captured = tuple[int, dict[str, str], bytes]
"""A response: status, headers, body."""


class FaultInjector:
    """A WSGI application around another, with faults.

    Args:
        application: the application that answers.
        faults: the faults that are set.
    """

    def __init__(self, application: Application, faults: Faults) -> None:
        self._application = application
        self._faults = faults
        self._history = ReadHistory()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        caller = identify(environ)
        fault = self._faults.choose(caller)
        if fault is None and caller.protocol != "json":
            return self._application(environ, start_response)
        if fault:
            environ[FAULT_KIND] = fault.kind
        if fault and fault.kind not in ANSWERED_LATER:
            return reply(start_response, injected_response(fault, caller))
        request = body_of(environ)
        status, headers, body = capture(self._application, environ)
        body = self._change(fault, caller, request, body) if status < 400 else body
        answer = reply(start_response, (status, headers.get("Content-Type", ""), body), headers)
        if fault and fault.kind == "lost":
            # Only now, when the call is in the log: the client repeats a lost call at once.
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return answer

    def _change(self, fault: Fault | None, caller: Caller, request: bytes, body: bytes) -> bytes:
        """The response to a call that took effect, as its fault changes it."""
        if is_mutating(caller.operation):
            self._history.changed(caller)
        elif caller.protocol == "json":
            self._history.keep(caller, request, body)
        if fault and fault.kind == "delay":
            time.sleep(fault.seconds)
        elif fault and fault.kind == "stale" and caller.protocol == "json":
            return self._history.before(caller, request, body)
        return body


def reply(start_response: StartResponse, answer: Answer, headers: dict[str, str] | None = None) -> list[bytes]:
    """Send a response."""
    status, content_type, body = answer
    sent = (headers or {}) | {"Content-Type": content_type, "Content-Length": str(len(body))}
    start_response(f"{status} {HTTPStatus(status).phrase}", list(sent.items()))
    return [body]


def capture(application: Application, environ: Environ) -> Captured:
    """Call an application and return its response: status, headers, body."""
    seen: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        seen.append((status, headers))

    chunks = application(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        getattr(chunks, "close", lambda: None)()
    status, headers = seen[-1]
    return int(status[:3]), dict(headers), body
