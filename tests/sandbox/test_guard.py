"""Requests of web pages reach none of the sandbox's servers."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from longshore.sandbox.serving import listen, serve

reached: list[str] = []


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    reached.append(environ["PATH_INFO"])
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with listen(0) as listener:
        server = serve(application, listener)
        yield server.port
        server.shutdown()
        server.server_close()


def status(port: int, headers: dict[str, str], method: str = "GET") -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, "/", skip_host=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_programs_of_this_machine_are_answered(port: int, name: str) -> None:
    assert status(port, {"Host": f"{name}:{port}"}) == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
        ("Origin", "http://localhost:3000"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Mode", "no-cors"),
        ("Sec-Fetch-Dest", "script"),
    ],
)
def test_no_request_of_a_web_page_is_answered(port: int, method: str, name: str, value: str) -> None:
    before = len(reached)
    assert status(port, {"Host": f"127.0.0.1:{port}", name: value}, method) == 403
    assert len(reached) == before


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example", "", None])
def test_a_foreign_host_is_refused(port: int, host: str | None) -> None:
    before = len(reached)
    assert status(port, {} if host is None else {"Host": host}) in (400, 403)
    assert len(reached) == before
