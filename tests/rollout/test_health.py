from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from longshore.masking import Masks
from longshore.rollout import health
from longshore.rollout.expected_text import ExpectedText

CANARY = 'canary-"7f3a9c"-\\-and-more'
Handle = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def serving(handle: Handle, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server on loopback that handles each request with ``handle``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                handle(self)
            except OSError:
                self.close_connection = True  # the client has left

        def do_CONNECT(self) -> None:
            self.do_GET()

        def log_message(self, *args: object) -> None:
            """Logs nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: object) -> None:
            """Ignores clients that hang up."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}/health"
        finally:
            server.shutdown()
            thread.join()


def answers(status: int = 200, body: str = "v1.2.3", **headers: str) -> Handle:
    def handle(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body.encode())

    return handle


def ask(url: str, status: int = 200, seconds: float = 5.0) -> str | None:
    return health.ask(url, status, ExpectedText("{version}", "v1.2.3"), seconds, Masks([CANARY]))


def test_an_expected_answer_has_no_problem() -> None:
    with serving(answers()) as url:
        assert ask(url) is None


@pytest.mark.parametrize(
    ("handle", "problem"),
    [
        (answers(500, "oh"), "answered 500, not 200: 'oh'"),
        (answers(body="v1.2.2"), "answered without 'v1.2.3': 'v1.2.2'"),
        (answers(body=""), "answered without 'v1.2.3'"),
        (answers(body="x" * 500), f"answered without 'v1.2.3': {'x' * 200!r}"),
        (answers(302), "answered 302, not 200: 'v1.2.3'"),
        (
            answers(302, Location="https://elsewhere.example/login"),
            "redirects to https://elsewhere.example/login; only redirects to the same scheme and host are followed",
        ),
        (answers(307, Location="/health"), "redirects more than 3 times"),
    ],
)
def test_an_unexpected_answer_is_described(handle: Handle, problem: str) -> None:
    with serving(handle) as url:
        assert ask(url) == problem


def test_a_redirect_on_the_same_host_is_followed() -> None:
    def handle(request: BaseHTTPRequestHandler) -> None:
        good = answers() if request.path == "/there" else answers(301, "", Location="/there")
        good(request)

    with serving(handle) as url:
        assert ask(url) is None


def test_an_expected_redirect_is_not_followed() -> None:
    with serving(answers(302, Location="https://elsewhere.example/v1.2.3")) as url:
        assert ask(url, status=302) is None


@pytest.mark.parametrize("drips", [False, True])
def test_the_time_limit_covers_the_whole_answer(*, drips: bool) -> None:
    def handle(request: BaseHTTPRequestHandler) -> None:
        for _ in range(100):
            if drips:
                request.wfile.write(b"H")
            time.sleep(0.05)

    with serving(handle) as url:
        begun = time.monotonic()
        problem = ask(url, seconds=0.3)
        assert problem in ("did not answer within 0.3 s", "did not answer: timed out")
        assert time.monotonic() - begun < 1.5


def test_an_endless_body_is_cut_off_by_size() -> None:
    def handle(request: BaseHTTPRequestHandler) -> None:
        answers()(request)
        while True:
            request.wfile.write(b"x" * 65536)

    with serving(handle) as url:
        assert ask(url) == "answers with more than 1024 KiB"


def test_an_endless_body_is_cut_off_by_time() -> None:
    def handle(request: BaseHTTPRequestHandler) -> None:
        answers()(request)
        while True:
            request.wfile.write(b"x")
            time.sleep(0.02)

    with serving(handle) as url:
        assert ask(url, seconds=0.3) in ("did not finish its answer in time", "did not answer within 0.3 s")


def test_a_dripping_body_leaves_no_thread_behind() -> None:
    def handle(request: BaseHTTPRequestHandler) -> None:
        answers()(request)
        while True:
            request.wfile.write(b"x")
            time.sleep(0.02)

    def threads() -> list[Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "health check" and thread not in before]

    before = threading.enumerate()
    with serving(handle) as url:
        ask(url, seconds=0.2)
        for thread in threads():
            thread.join(2)
        assert threads() == []


def test_a_refused_connection_is_reported() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    problem = ask(f"http://127.0.0.1:{port}/health")
    assert problem is not None
    assert problem.startswith("did not answer: ")
    assert "refused" in problem


def test_an_answer_that_is_not_http_is_reported() -> None:
    def handle(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"220 mail ready\r\n\r\n")

    with serving(handle) as url:
        assert str(ask(url)).startswith("did not answer: ")


def test_an_untrusted_certificate_is_reported(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))
    with serving(answers(), context) as url:
        assert str(ask(url)).startswith("has a certificate that cannot be trusted: self")


def test_a_failed_tls_handshake_is_reported() -> None:
    with serving(answers()) as url:
        assert str(ask(url.replace("http:", "https:"))).startswith("failed the TLS handshake: ")


def certificate(folder: Path) -> Path:
    """A self-signed certificate and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = folder / "server.pem"
    file.write_bytes(pem + signed.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.mark.parametrize("before", [0, 180, 190, 199])
def test_a_secret_in_an_answer_is_masked_before_the_answer_is_truncated(before: int) -> None:
    with serving(answers(500, f"{'x' * before}{CANARY}")) as url:
        problem = str(ask(url))
    assert problem.startswith("answered 500, not 200: 'x" if before else "answered 500, not 200: '(masked)'")
    assert "canary" not in problem


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """The address of a proxy (host and port), and the requests that it got, with their credentials."""
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    requests: list[str] = []

    def handle(request: BaseHTTPRequestHandler) -> None:
        requests.append(f"{request.command} {request.path} {request.headers.get('Proxy-Authorization')}")
        answers()(request) if request.command == "GET" else request.send_error(502, "no tunnel")

    with serving(handle) as url:
        yield urlsplit(url).netloc, requests


def test_the_proxy_of_the_environment_is_used(proxied: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    address, requests = proxied
    monkeypatch.setenv("http_proxy", f"http://ann:p%40ss@{address}")
    assert ask("http://shop.invalid/health") is None
    assert requests == [f"GET http://shop.invalid/health Basic {b64encode(b'ann:p@ss').decode()}"]


def test_a_url_on_this_machine_is_requested_directly(
    proxied: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, requests = proxied
    monkeypatch.setenv("http_proxy", address)
    with serving(answers(body="other")) as url:
        assert ask(url) == "answered without 'v1.2.3': 'other'"
    assert requests == []


@pytest.mark.parametrize("scheme", ["http://", "https://", ""])
def test_https_uses_a_tunnel_through_the_proxy(
    proxied: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    address, requests = proxied
    monkeypatch.setenv("https_proxy", f"{scheme}ann:secret@{address}")
    assert ask("https://shop.invalid/health") == "did not answer: Tunnel connection failed: 502 no tunnel"
    assert requests == [f"CONNECT shop.invalid:443 Basic {b64encode(b'ann:secret').decode()}"]


def test_a_certificate_of_ssl_cert_file_is_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with serving(answers(), context) as url:
        assert ask(url) is None
        assert str(ask(url.replace("127.0.0.1", "localhost"))).startswith("has a certificate that cannot be trusted: ")


@pytest.mark.parametrize(
    "url", ["shop.invalid/health", "127.0.0.1:80/health", "gopher://shop.invalid/health", "http://"]
)
def test_only_http_and_https_urls_are_requested(url: str) -> None:
    assert str(ask(url)).startswith("did not answer: ")


def test_a_truncated_body_is_judged_as_it_is() -> None:
    with serving(answers(200, "v1.2.3", **{"Content-Length": "100"})) as url:
        assert ask(url) is None


def test_a_chunked_body_is_read_completely() -> None:
    def handle(request: BaseHTTPRequestHandler) -> None:
        request.protocol_version = "HTTP/1.1"
        answers(200, "3\r\nv1.\r\n3\r\n2.3\r\n0\r\n\r\n", **{"Transfer-Encoding": "chunked"})(request)

    with serving(handle) as url:
        assert ask(url) is None


def test_a_name_that_does_not_resolve_is_reported() -> None:
    assert str(ask("http://shop.invalid/health")).startswith("did not answer: [Errno -")


def test_the_connection_is_not_kept_alive() -> None:
    headers: list[str | None] = []

    def handle(request: BaseHTTPRequestHandler) -> None:
        headers.extend(request.headers.get(name) for name in ("Connection", "Accept-Encoding"))
        answers()(request)

    with serving(handle) as url:
        ask(url)
    assert headers == ["close", "identity"]
