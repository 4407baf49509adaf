from __future__ import annotations

import contextlib
import http.client
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from longshore.sandbox.load_balancer.load_balancer import LocalLoadBalancers
from longshore.sandbox.load_balancer.targets import Address, TargetGroup

Service = tuple[str, str]
WEB: Service = ("storefront-sandbox", "web")


class App(BaseHTTPRequestHandler):
    """A task: answers with its name, slowly on request, and records its requests."""

    protocol_version = "HTTP/1.1"
    name: str
    seen: list[str]
    delay: float

    def do_GET(self) -> None:
        self.seen.append(self.path)
        time.sleep(self.delay)
        if self.path == "/headers":
            self._reply("".join(f"{name.lower()}: {value}\n" for name, value in self.headers.items()))
        elif self.path == "/cookies":
            self._reply("", ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))
        elif self.path == "/cut":
            self._reply("half of it", ("Content-Length", "1000"))
            self.close_connection = True
        elif self.path == "/silence":
            self.close_connection = True
        elif self.path == "/endless":
            self._reply("no length", length=False)
            self.close_connection = True
        elif self.path == "/empty":
            self.send_response(204)
            self.end_headers()
        else:
            self._reply(self.name)

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def do_POST(self) -> None:
        self.seen.append(self.path)
        if self.path == "/early":
            self._reply("too large")
            self.close_connection = True
        elif self.headers.get("Transfer-Encoding") == "chunked":
            self._reply(self._chunked().decode())
        else:
            self._reply(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _chunked(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _reply(self, text: str, *headers: tuple[str, str], length: bool = True) -> None:
        self.send_response(200)
        for name, value in headers:
            self.send_header(name, value)
        if length and not any(name == "Content-Length" for name, _ in headers):
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's signature
        pass


class Task(ThreadingHTTPServer):
    request_queue_size = 64
    block_on_close = False

    def __init__(self, name: str, delay: float = 0.0) -> None:
        self.seen: list[str] = []
        self._accepted: list[socket.socket] = []
        super().__init__(("127.0.0.1", 0), type("Named", (App,), {"name": name, "seen": self.seen, "delay": delay}))
        self.address: Address = ("127.0.0.1", self.server_port)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, client = super().get_request()
        self._accepted.append(connection)
        return connection, client

    def stop(self) -> None:
        """End as a killed container does: open requests are cut off."""
        self.shutdown()
        self.server_close()
        for connection in self._accepted:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@pytest.fixture
def balancers() -> Iterator[LocalLoadBalancers]:
    balancers = LocalLoadBalancers()
    yield balancers
    balancers.close_all()


@pytest.fixture
def task() -> Iterator[Callable[..., Task]]:
    started: list[Task] = []

    def start(name: str = "a", delay: float = 0.0) -> Task:
        started.append(Task(name, delay))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def connect() -> Iterator[Callable[[str], http.client.HTTPConnection]]:
    with contextlib.ExitStack() as cleanup:

        def connection(url: str) -> http.client.HTTPConnection:
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
            cleanup.callback(connection.close)
            return connection

        yield connection


Connect = Callable[[str], http.client.HTTPConnection]
Start = Callable[..., Task]


def ask(connection: http.client.HTTPConnection, path: str = "/", method: str = "GET", **rest: Any) -> tuple[int, str]:
    connection.request(method, path, **rest)
    response = connection.getresponse()
    return response.status, response.read().decode()


def test_requests_go_to_the_targets_in_turn(balancers: LocalLoadBalancers, task: Start, connect: Connect) -> None:
    url = balancers.open(*WEB, 8080)
    for name in ("a", "b", "c"):
        balancers.register(*WEB, task(name).address)
    connection = connect(url)
    assert [ask(connection)[1] for _ in range(6)] == ["a", "b", "c", "a", "b", "c"]


def test_a_target_that_is_registered_twice_counts_once(
    balancers: LocalLoadBalancers, task: Start, connect: Connect
) -> None:
    url = balancers.open(*WEB, 8080)
    first, second = task("a"), task("b")
    for target in (first, second, first):
        balancers.register(*WEB, target.address)
    connection = connect(url)
    assert [ask(connection)[1] for _ in range(4)] == ["a", "b", "a", "b"]


def test_a_reopened_load_balancer_keeps_its_url(balancers: LocalLoadBalancers) -> None:
    url = balancers.open(*WEB, 8080)
    assert balancers.open(*WEB, 9090) == url
    assert balancers.open("storefront-sandbox", "other", 8080) != url
    balancers.close(*WEB)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(url).port or 0))
    assert balancers.open(*WEB, 8080) == url


def test_a_new_port_is_used_if_the_former_one_is_taken(balancers: LocalLoadBalancers) -> None:
    url = balancers.open(*WEB, 8080)
    balancers.close(*WEB)
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", urlsplit(url).port))
        squatter.listen()
        assert balancers.open(*WEB, 8080) != url


def test_without_targets_the_response_is_503_and_the_connection_stays(
    balancers: LocalLoadBalancers, task: Start, connect: Connect
) -> None:
    connection = connect(balancers.open(*WEB, 8080))
    assert ask(connection) == (503, "no task is registered yet\n")
    held = connection.sock
    balancers.register(*WEB, task("a").address)
    assert ask(connection) == (200, "a")
    assert connection.sock is held is not None


def test_a_dead_target_gets_502_and_the_request_is_not_sent_elsewhere(
    balancers: LocalLoadBalancers, task: Start, connect: Connect
) -> None:
    url = balancers.open(*WEB, 8080)
    alive, dead = task("a"), task("b")
    dead.stop()
    balancers.register(*WEB, dead.address)
    balancers.register(*WEB, alive.address)
    assert ask(connect(url))[0] == 502
    assert alive.seen == []


def test_a_request_to_a_target_that_disconnects_is_not_repeated(
    balancers: LocalLoadBalancers, task: Start, connect: Connect
) -> None:
    url = balancers.open(*WEB, 8080)
    target = task("a")
    balancers.register(*WEB, target.address)
    assert ask(connect(url), "/silence")[0] == 502
    assert target.seen == ["/silence"]


def test_a_truncated_body_is_not_forwarded_as_complete(
    balancers: LocalLoadBalancers, task: Start, connect: Connect
) -> None:
    url = balancers.open(*WEB, 8080)
    balancers.register(*WEB, task("a").address)
    with pytest.raises(http.client.IncompleteRead):
        ask(connect(url), "/cut")


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_are_forwarded_both_ways(
    balancers: LocalLoadBalancers, task: Start, connect: Connect, *, chunked: bool
) -> None:
    url = balancers.open(*WEB, 8080)
    balancers.register(*WEB, task("a").address)
    connection = connect(url)
    body = "0123456789" * 30_000
    pieces: Any = iter([body[:7].encode(), body[7:].encode()]) if chunked else body
    assert ask(connection, "/echo", "POST", body=pieces, encode_chunked=chunked) == (200, body)
    assert ask(connection) == (200, "a")


def test_an_early_response_to_a_large_body_reaches_the_client(
    balancers: LocalLoadBalancers, task: Start, connect: Connect
) -> None:
    url = balancers.open(*WEB, 8080)
    balancers.register(*WEB, task("a").address)
    connection = connect(url)
    connection.putrequest("POST", "/early")
    connection.putheader("Content-Length", str(100))
    connection.endheaders(b"x" * 100)
    assert connection.getresponse().read() == b"too large"


def test_a_response_without_length_is_chunked_and_the_connection_stays(
    balancers: LocalLoadBalancers, task: Start, connect: Connect
) -> None:
    url = balancers.open(*WEB, 8080)
    balancers.register(*WEB, task("a").address)
    connection = connect(url)
    assert ask(connection, "/endless") == (200, "no length")
    held = connection.sock
    assert ask(connection, "/empty") == (204, "")
    assert ask(connection, "/", "HEAD") == (200, "")
    assert ask(connection) == (200, "a")
    assert connection.sock is held is not None


def test_headers_pass_but_not_hop_by_hop_headers(balancers: LocalLoadBalancers, task: Start, connect: Connect) -> None:
    url = balancers.open(*WEB, 8080)
    balancers.register(*WEB, task("a").address)
    connection = connect(url)
    sent = {"Host": "shop.example", "X-Mine": "1", "Connection": "X-Private", "X-Private": "2", "TE": "trailers"}
    _, text = ask(connection, "/headers", headers=sent)
    assert sorted(text.splitlines()) == [
        "accept-encoding: identity",
        "connection: close",
        "host: shop.example",
        "x-forwarded-for: 127.0.0.1",
        "x-forwarded-proto: http",
        "x-mine: 1",
    ]
    connection.request("GET", "/cookies")
    response = connection.getresponse()
    response.read()
    assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_an_http_1_0_client_gets_the_whole_response(balancers: LocalLoadBalancers, task: Start) -> None:
    url = balancers.open(*WEB, 8080)
    balancers.register(*WEB, task("a").address)
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=5) as raw:
        raw.sendall(b"GET /endless HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(1000), b""))
    assert answer.endswith(b"\r\n\r\nno length")


def test_deregister_waits_for_open_requests_and_sends_no_new_ones(
    balancers: LocalLoadBalancers, task: Start, connect: Connect
) -> None:
    url = balancers.open(*WEB, 8080)
    old, new = task("old", delay=0.3), task("new")
    balancers.register(*WEB, old.address)
    answers: list[tuple[int, str]] = []
    slow = threading.Thread(target=lambda: answers.append(ask(connect(url))))
    slow.start()
    _until(lambda: old.seen == ["/"])
    balancers.register(*WEB, new.address)
    balancers.deregister(*WEB, old.address, timeout=5)
    slow.join()
    assert answers == [(200, "old")]
    assert [ask(connect(url))[1] for _ in range(3)] == ["new"] * 3


def test_deregistering_a_target_ends_at_its_timeout() -> None:
    targets = TargetGroup()
    targets.register(("127.0.0.1", 1))
    taken = targets.take()
    assert taken is not None
    assert not targets.deregister(("127.0.0.1", 1), timeout=0.01)
    assert targets.take() is None
    targets.release(taken)
    assert targets.deregister(("127.0.0.1", 1), timeout=0)


def test_deregistering_an_unknown_target_returns_at_once(balancers: LocalLoadBalancers) -> None:
    balancers.deregister(*WEB, ("127.0.0.1", 1), timeout=60)
    balancers.open(*WEB, 8080)
    balancers.deregister(*WEB, ("127.0.0.1", 1), timeout=60)


@pytest.mark.scenario  # takes longer than the fast tests may
@pytest.mark.parametrize("keep_alive", [True, False])
def test_no_request_is_lost_while_every_target_is_replaced(balancers: LocalLoadBalancers, *, keep_alive: bool) -> None:
    url = balancers.open(*WEB, 8080)
    names = map(str, itertools.count())
    current = [Task(next(names), 0.02), Task(next(names), 0.02)]
    for target in current:
        balancers.register(*WEB, target.address)
    clients = [Client(url, keep_alive=keep_alive) for _ in range(4)]
    for client in clients:
        client.start()
    for _ in range(6):
        for client in clients:
            client.wait_for_answers(2)
        fresh = Task(next(names), 0.02)
        balancers.register(*WEB, fresh.address)
        old = current.pop(0)
        balancers.deregister(*WEB, old.address, timeout=5)
        old.stop()
        current.append(fresh)
    for client in clients:
        client.finish()
    for target in current:
        target.stop()
    assert [client.failures for client in clients] == [[]] * 4
    assert {name for client in clients for name in client.answers} == set("01234567")


class Client(threading.Thread):
    """Sends requests without a pause, and counts failures."""

    def __init__(self, url: str, *, keep_alive: bool) -> None:
        super().__init__()
        self.answers: list[str] = []
        self.failures: list[object] = []
        self._stop_asking = threading.Event()
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        self._keep_alive = keep_alive

    def run(self) -> None:
        while not self._stop_asking.is_set():
            try:
                status, text = ask(self._connection)
                (self.answers if status == 200 else self.failures).append(text)
                if not self._keep_alive:
                    self._connection.close()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(error)
        self._connection.close()

    def wait_for_answers(self, number: int) -> None:
        wanted = len(self.answers) + number
        _until(lambda: self.failures != [] or len(self.answers) >= wanted)

    def finish(self) -> None:
        _until(lambda: self.failures != [] or self.answers[-1] in ("6", "7"))
        self._stop_asking.set()
        self.join()


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_requests_go_to_healthy_targets_or_to_all_if_none_is_healthy() -> None:
    targets, first, second = TargetGroup(), ("127.0.0.1", 1), ("127.0.0.1", 2)

    def taken(times: int) -> list[int]:
        return [target.address[1] for _ in range(times) if (target := targets.take())]

    targets.register(first)
    targets.register(second, healthy=False)
    assert taken(3) == [1, 1, 1]
    targets.register(first, healthy=False)
    assert sorted(taken(4)) == [1, 1, 2, 2]
    targets.register(second)
    assert taken(3) == [2, 2, 2]
