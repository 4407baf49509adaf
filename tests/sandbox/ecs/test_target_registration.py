from __future__ import annotations

import socket
import threading
from typing import Any

from longshore.sandbox.ecs.target_registration import TargetRegistration, accepts


class LoadBalancer:
    """A load balancer that records its calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def open(self, *arguments: Any) -> str:
        self.calls.append(("open", *arguments))
        return "http://127.0.0.1:1"

    def register(self, *arguments: Any, healthy: bool = True) -> None:
        self.calls.append(("register", *arguments, *([] if healthy else ["unhealthy"])))

    def deregister(self, *arguments: Any) -> None:
        self.calls.append(("deregister", *arguments[:3]))

    def close(self, *arguments: Any) -> None:
        self.calls.append(("close", *arguments))


def drop(server: socket.socket) -> None:
    """Accept a connection and close it, as Docker's proxy does for a container that does not listen."""
    server.accept()[0].close()


def test_a_port_counts_only_if_it_keeps_a_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = server.getsockname()[:2]
        assert accepts(target)  # without accept(), it waits in the backlog and stays open
        server.accept()[0].close()
        dropper = threading.Thread(target=drop, args=(server,))
        dropper.start()
        assert not accepts(target)
        dropper.join()
    assert not accepts(target)


def test_a_target_is_registered_and_deregistered_once() -> None:
    load_balancer, registered = LoadBalancer(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = server.getsockname()[:2]
        registration = TargetRegistration(load_balancer, "shop", "web", 8080, target)
        registration.register(registered.set)
        registration.register(registered.set)
        assert registered.wait(10)
    calls: list[str] = []
    registration.deregister(lambda: calls.append("leaving"))
    assert load_balancer.calls == [
        ("open", "shop", "web", 8080),
        ("register", "shop", "web", target),
        ("deregister", "shop", "web", target),
    ]
    assert calls == ["leaving"]


def test_a_target_that_is_deregistered_first_is_never_registered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = server.getsockname()[:2]
    load_balancer = LoadBalancer()
    calls: list[str] = []
    registration = TargetRegistration(load_balancer, "shop", "web", 8080, target)
    registration.register(lambda: calls.append("registered"))
    registration.deregister(lambda: calls.append("leaving"))
    assert (load_balancer.calls, calls) == ([], [])
