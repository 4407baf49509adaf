"""Forwarding an HTTP request from a client to a target, and the response back, streamed both ways."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler
from typing import Any

from longshore.sandbox.load_balancer.targets import TargetGroup

_BLOCK_SIZE = 64 * 1024
_IDLE_SECONDS = 60  # the default idle time-out of an Application Load Balancer
_HOP_BY_HOP = frozenset(
    # RFC 9110, section 7.6.1: fields that concern one connection only
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect")
)


class BrokenError(Exception):
    """The client's request or the target's response ended too early."""


class ReverseProxy(BaseHTTPRequestHandler):
    """Forwards a request to the next target, once: 503 without a target, 502 or 504 without a response."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    targets: TargetGroup

    def _forward(self) -> None:
        target = self.targets.take()
        if target is None:
            self._refuse(503, "no task is registered yet")
            return
        connection = HTTPConnection(*target.address, timeout=_IDLE_SECONDS)
        try:
            self._relay(connection)
        finally:
            connection.close()
            self.targets.release(target)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _forward  # noqa: N815 - http.server's names

    def _relay(self, connection: HTTPConnection) -> None:
        try:
            self._send(connection)
            response = connection.getresponse()
        except TimeoutError:
            self._refuse(504, f"the task did not answer within {_IDLE_SECONDS} seconds")
            return
        except (OSError, HTTPException, BrokenError) as error:
            self._refuse(502, f"the task does not answer: {error}")
            return
        try:
            self._return(response)
        except (OSError, HTTPException, BrokenError):
            self.close_connection = (
                True  # part of the response is sent: only closing the connection reports the failure
            )

    def _send(self, connection: HTTPConnection) -> None:
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in _end_to_end(self.headers.items(), self.headers.get("Connection")):
            connection.putheader(name, value)
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
        if chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        connection.putheader("X-Forwarded-For", self.client_address[0])
        connection.putheader("X-Forwarded-Proto", "http")
        connection.putheader("Connection", "close")
        connection.endheaders()
        blocks = self._chunks() if chunked else self._blocks(int(self.headers.get("Content-Length") or 0))
        try:
            for block in blocks:
                connection.send(_chunk(block) if chunked else block)
            if chunked:
                connection.send(b"0\r\n\r\n")
        except ConnectionError:
            # a target may respond and close without reading the whole body: its response counts
            self.close_connection = True

    def _blocks(self, length: int) -> Iterator[bytes]:
        while length:
            block = self.rfile.read1(min(length, _BLOCK_SIZE))
            if not block:
                raise BrokenError("the client disconnected")
            length -= len(block)
            yield block

    def _chunks(self) -> Iterator[bytes]:
        while size := self._chunk_size():
            yield from self._blocks(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers end with an empty line

    def _chunk_size(self) -> int:
        line = self.rfile.readline(1024)
        try:
            return int(line.partition(b";")[0], 16)
        except ValueError as error:
            raise BrokenError("a chunk has no size") from error

    def _return(self, response: HTTPResponse) -> None:
        length = response.getheader("Content-Length")
        bodiless = self.command == "HEAD" or response.status in (204, 304)
        chunked = length is None and not bodiless and self.request_version != "HTTP/1.0"
        self.send_response_only(response.status, response.reason)
        for name, value in _end_to_end(response.getheaders(), response.getheader("Connection")):
            self.send_header(name, value)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif length is None and not bodiless:
            self.close_connection = True  # in HTTP/1.0, only closing the connection ends a body
        if self.close_connection:
            self.send_header("Connection", "close")
        elif self.request_version == "HTTP/1.0":
            self.send_header("Connection", "keep-alive")
        self.end_headers()
        if not bodiless:
            self._copy(response, None if length is None else int(length), chunked=chunked)

    def _copy(self, response: HTTPResponse, length: int | None, *, chunked: bool) -> None:
        copied = 0
        while block := response.read1(_BLOCK_SIZE):
            self.wfile.write(_chunk(block) if chunked else block)
            copied += len(block)
        if length is not None and copied != length:
            raise BrokenError("the task disconnected")
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _refuse(self, status: int, reason: str) -> None:
        body = f"{reason}\n".encode()
        # the body may be unread, and would be taken for the next request
        self.close_connection = self.close_connection or self._has_body()
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    def _has_body(self) -> bool:
        return self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's signature
        """Log nothing: the service's own log has its requests."""


def _end_to_end(headers: Any, connection: str | None) -> Iterator[tuple[str, str]]:
    named = {name.strip().lower() for name in (connection or "").split(",")}
    return ((name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP | named)


def _chunk(block: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(block), block)
