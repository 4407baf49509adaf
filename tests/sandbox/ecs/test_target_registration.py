from __future__ import annotations

import socket
import threading
from typing import Any

from longshore.sandbox.ecs.target_registration import Doorway, accepts


class Door:
    """A front door that notes its targets."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def open(self, *arguments: Any) -> str:
        self.calls.append(("open", *arguments))
        return "http://127.0.0.1:1"

    def add(self, *arguments: Any) -> None:
        self.calls.append(("add", *arguments))

    def drain(self, *arguments: Any) -> None:
        self.calls.append(("drain", *arguments[:3]))

    def close(self, *arguments: Any) -> None:
        self.calls.append(("close", *arguments))


def drop(server: socket.socket) -> None:
    """Take a connection and close it, as Docker's proxy does for a container that does not listen."""
    server.accept()[0].close()


def test_a_port_counts_only_when_it_keeps_a_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = server.getsockname()[:2]
        assert accepts(target)  # nobody has called accept(): it waits in the backlog, and stays open
        server.accept()[0].close()
        dropper = threading.Thread(target=drop, args=(server,))
        dropper.start()
        assert not accepts(target)
        dropper.join()
    assert not accepts(target)


def test_a_task_goes_behind_its_door_and_leaves_it_once() -> None:
    door, entered = Door(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = server.getsockname()[:2]
        doorway = Doorway(door, "shop", "web", 8080, target)
        doorway.enter(entered.set)
        doorway.enter(entered.set)
        assert entered.wait(10)
    said: list[str] = []
    doorway.leave(lambda: said.append("leaving"))
    assert door.calls == [
        ("open", "shop", "web", 8080),
        ("add", "shop", "web", target),
        ("drain", "shop", "web", target),
    ]
    assert said == ["leaving"]


def test_a_task_that_leaves_first_never_goes_behind_its_door() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = server.getsockname()[:2]
    door = Door()
    said: list[str] = []
    doorway = Doorway(door, "shop", "web", 8080, target)
    doorway.enter(lambda: said.append("entered"))
    doorway.leave(lambda: said.append("leaving"))
    assert (door.calls, said) == ([], [])
