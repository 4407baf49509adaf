"""A task's place behind its service's front door: taken once its port accepts connections, left before it stops."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from longshore.sandbox.cloud import LoadBalancers

Target = tuple[str, int]

DRAIN = 10.0
"""Seconds for which a leaving task's open requests may go on (AWS: the target group's deregistration delay)."""

_PATIENCE = 0.1
_PAUSE = 0.1


class TargetRegistration:
    """One task's port and its front door.

    This is the target group's health check: like ECS with a load balancer, the sandbox counts a task only once its
    target is healthy.

    Args:
        load_balancers: the front load_balancers.
        cluster: name of the task's cluster.
        service: name of its service.
        port: the container port.
        target: host and published port.
    """

    def __init__(self, load_balancers: LoadBalancers, cluster: str, service: str, port: int, target: Target) -> None:
        self._load_balancers = load_balancers
        self._cluster = cluster
        self._service = service
        self._port = port
        self._target = target
        self._lock = threading.Lock()
        self._asked = False
        self._entered = False
        self._left = threading.Event()

    def register(self, entered: Callable[[], None]) -> None:
        """Go behind the door as soon as the port accepts connections, and say so; returns at once."""
        with self._lock:
            if self._asked:
                return
            self._asked = True
        threading.Thread(target=self._register, args=(entered,), name="doorway", daemon=True).start()

    def deregister(self, leaving: Callable[[], None]) -> None:
        """Take no new request, and wait for the open ones; `leaving` is called first if there is a door to leave."""
        with self._lock:
            self._left.set()
            entered = self._entered
        if entered:
            leaving()
            self._load_balancers.deregister(self._cluster, self._service, self._target, DRAIN)

    def _register(self, entered: Callable[[], None]) -> None:
        while not accepts(self._target):
            if self._left.wait(_PAUSE):
                return
        with self._lock:
            if self._left.is_set():
                return
            self._load_balancers.open(self._cluster, self._service, self._port)
            self._load_balancers.register(self._cluster, self._service, self._target)
            self._entered = True
        entered()


def accepts(target: Target) -> bool:
    """Whether a connection to a target is accepted and kept.

    Docker's proxy accepts connections for a container that does not listen yet, and drops them at once. So one that
    stays open for a tenth of a second, or says something, is what counts.

    Args:
        target: host and port.
    """
    try:
        with socket.create_connection(target, timeout=1) as connection:
            connection.settimeout(_PATIENCE)
            try:
                return connection.recv(1) != b""
            except TimeoutError:
                return True
    except OSError:
        return False
