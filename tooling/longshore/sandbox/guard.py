"""Closes the sandbox's HTTP servers to web pages, on every path and for every method.

A page that you open can send requests to loopback, and a page that resolves its own name to loopback can even read the
answers. Programs send neither the headers of a browser nor a foreign name, so each of these is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_NAMES = ("127.0.0.1", "localhost")
_OF_BROWSERS = ("HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_SEC_FETCH_MODE", "HTTP_SEC_FETCH_DEST")
"""Browsers add Origin to every request that is not a simple read, and Sec-Fetch-* to every request to loopback.

A page cannot remove them (Fetch standard, "forbidden request-header").
"""


def closed_to_web_pages(application: WSGIApplication, port: int) -> WSGIApplication:
    """The application, without the requests of web pages: those are answered with 403 and never reach it.

    Args:
        application: any WSGI application.
        port: the port that it is served on, which the Host header must name.
    """
    hosts = {f"{name}:{port}" for name in _NAMES}

    def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        reason = _refusal(environ, hosts)
        if not reason:
            return application(environ, start_response)
        body = f"{reason}\n".encode()
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
        # The body of the request is unread, and would be taken for the next request.
        start_response("403 Forbidden", [*headers, ("Connection", "close")])
        return [body]

    return guarded


def _refusal(environ: WSGIEnvironment, hosts: set[str]) -> str:
    """The reason to refuse a request; empty if there is none."""
    if any(name in environ for name in _OF_BROWSERS):
        return "Requests from web pages are not allowed."
    if environ.get("HTTP_HOST", "").lower() not in hosts:
        return f"The Host header must be one of {', '.join(sorted(hosts))}."
    return ""
