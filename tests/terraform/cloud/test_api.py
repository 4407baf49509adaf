from __future__ import annotations

import base64
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer  # an HTTP server that is installed anyway

from longshore.errors import CloudError
from longshore.terraform.cloud.api import Api, HttpTransport
from tests.fakes.terraform_cloud import HOST, TOKEN, FakeTime, FakeTransport


def connected() -> tuple[FakeTransport, FakeTime, Api]:
    fake, time = FakeTransport(), FakeTime()
    return fake, time, Api(HOST, TOKEN, fake, time.clock())


def test_a_read_is_repeated_after_a_server_error_or_no_response() -> None:
    fake, time, api = connected()
    fake.reply("GET runs/run-1", status=503)
    fake.reply("GET runs/run-1", status=0)
    fake.reply("GET runs/run-1", {"data": 1})
    assert api.get("runs/run-1") == {"data": 1}
    assert time.slept == [1.0, 2.0]


def test_a_read_is_repeated_a_limited_number_of_times() -> None:
    fake, _, api = connected()
    fake.reply("GET runs/run-1", status=502)
    with pytest.raises(CloudError) as caught:
        api.get("runs/run-1")
    assert caught.value.open
    assert len(fake.calls) == 6


@pytest.mark.parametrize(
    ("headers", "wait"),
    [({"retry-after": "3"}, 3.0), ({"x-ratelimit-reset": "0.7"}, 0.7), ({}, 1.0), ({"retry-after": "99999"}, 30.0)],
)
def test_the_rate_limit_is_honoured(headers: dict[str, str], wait: float) -> None:
    fake, time, api = connected()
    fake.reply("POST runs", status=429, headers=headers)
    fake.reply("POST runs", {"data": 2})
    assert api.send("POST", "runs", {}) == {"data": 2}
    assert time.slept == [wait]


@pytest.mark.parametrize("status", [0, 500, 504])
def test_a_write_without_a_response_is_not_repeated(status: int) -> None:
    fake, _, api = connected()
    fake.reply("POST runs", status=status)
    with pytest.raises(CloudError) as caught:
        api.send("POST", "runs", {})
    assert caught.value.open
    assert len(fake.calls) == 1


@pytest.mark.parametrize(("status", "hint"), [(401, "terraform login"), (403, "may not"), (404, "does not exist")])
def test_a_refusal_quotes_the_service_and_has_a_hint(status: int, hint: str) -> None:
    fake, _, api = connected()
    fake.reply("GET runs/run-1", {"errors": [{"title": "x", "detail": "the detail"}]}, status=status)
    with pytest.raises(CloudError, match="the detail") as caught:
        api.get("runs/run-1")
    assert hint in caught.value.hint
    assert not caught.value.open
    assert TOKEN not in f"{caught.value.message} {caught.value.hint} {api!r}"


def test_the_token_is_sent_only_to_the_api() -> None:
    fake, _, api = connected()
    fake.reply("GET plans/plan-1/json-output", status=307, headers={"location": "https://archive.example.com/x?sig=1"})
    fake.reply("GET /x", b"the plan")
    fake.reply("PUT /upload", b"")
    assert api.download("plans/plan-1/json-output") == b"the plan"
    api.upload("https://archive.example.com/upload", b"tar")
    assert fake.tokens == {
        "GET plans/plan-1/json-output": f"Bearer {TOKEN}",
        "GET /x": "",
        "PUT /upload": "",
    }


def test_redirects_are_followed_a_limited_number_of_times() -> None:
    fake, _, api = connected()
    fake.reply("GET plans/plan-1/json-output", status=307, headers={"location": "https://archive.example.com/x"})
    fake.reply("GET /x", b"moved", status=302, headers={"location": "/y"})
    fake.reply("GET /y", b"the plan")
    assert api.download("plans/plan-1/json-output") == b"the plan"
    fake.reply("GET /z", status=302, headers={"location": "/z"})
    with pytest.raises(CloudError, match="too many redirects"):
        api.download("https://archive.example.com/z")


def test_a_redirect_of_the_api_means_a_wrong_host() -> None:
    fake, _, api = connected()
    fake.reply("GET runs/run-1", status=301, headers={"location": "https://other.example.com/login?secret"})
    with pytest.raises(CloudError, match=r"redirects to other\.example\.com$") as caught:
        api.get("runs/run-1")
    assert "hostname" in caught.value.hint


def test_a_response_that_is_not_json_is_a_cloud_error() -> None:
    fake, _, api = connected()
    fake.reply("GET runs/run-1", b"<html>")
    with pytest.raises(CloudError, match="not JSON"):
        api.get("runs/run-1")


def test_the_http_transport_uses_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str | None]] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Proxy-Authorization"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Logs nothing."""

    with HTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://someone:p%40ss@127.0.0.1:{server.server_port}")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.setenv(name, "direct.invalid")
        assert HttpTransport()("GET", "http://cloud.invalid/x", {}, None).status == 200
        for direct in ("http://direct.invalid/x", "http://127.0.0.1:9/x"):
            with pytest.raises(OSError, match="HTTPConnection"):
                HttpTransport()("GET", direct, {}, None)
        server.shutdown()
    assert asked == [("http://cloud.invalid/x", f"Basic {base64.b64encode(b'someone:p@ss').decode()}")]


def test_the_http_transport_raises_os_error() -> None:
    with pytest.raises(OSError, match=r"127\.0\.0\.1"):
        HttpTransport()("GET", "http://127.0.0.1:9/x", {}, None)


def test_the_http_transport_follows_no_redirects_and_lowers_header_names() -> None:
    server: Any = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        answer = HttpTransport()("GET", f"http://{host}:{port}/moto-api", {}, None)
        assert answer.status in (200, 301, 302, 307, 308)
        assert "content-type" in answer.headers
    finally:
        server.stop()
