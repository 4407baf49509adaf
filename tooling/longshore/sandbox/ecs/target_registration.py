"""Registers a task with its service's load balancer, and deregisters it later.

Without a target group, it is registered once its port accepts connections; with one, when the group's checks decide.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from longshore.sandbox.cloud import LoadBalancers
from longshore.sandbox.ecs.target_health import PASSED, REFUSED, Check, Outcome, ask

Target = tuple[str, int]

DRAIN = 10.0
"""Seconds that open requests of a stopping task may take (AWS: the target group's deregistration delay)."""

_KEPT_SECONDS = 0.1
_RETRY_SECONDS = 0.1


class TargetRegistration:
    """The registration of a task's port with the load balancer.

    Args:
        load_balancers: the load balancers of all services.
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
        self._started = False
        self._registered = False
        self._deregistered = threading.Event()

    def register(self, registered: Callable[[], None]) -> None:
        """Register the target once its port accepts connections, then call `registered`; returns at once."""
        with self._lock:
            if self._started:
                return
            self._started = True
        threading.Thread(target=self._register, args=(registered,), name="registration", daemon=True).start()

    def route(self, *, healthy: bool) -> None:
        """Register the target, or change its health, unless it is deregistered."""
        with self._lock:
            if not self._deregistered.is_set():
                self._load_balancers.open(self._cluster, self._service, self._port)
                self._load_balancers.register(self._cluster, self._service, self._target, healthy=healthy)
                self._registered = True

    def deregister(self, leaving: Callable[[], None]) -> None:
        """Send no new requests and wait for open ones; `leaving` is called first, if the target was registered."""
        with self._lock:
            self._deregistered.set()
            registered = self._registered
        if registered:
            leaving()
            self._load_balancers.deregister(self._cluster, self._service, self._target, DRAIN)

    def _register(self, registered: Callable[[], None]) -> None:
        while not accepts(self._target):
            if self._deregistered.wait(_RETRY_SECONDS):
                return
        with self._lock:
            if self._deregistered.is_set():
                return
            self._load_balancers.open(self._cluster, self._service, self._port)
            self._load_balancers.register(self._cluster, self._service, self._target)
            self._registered = True
        registered()


def outcome_of(target: Target, check: Check) -> Outcome:
    """The outcome of a target group's check of a target."""
    if check.protocol == "TCP":
        return PASSED if accepts(target) else REFUSED
    return ask(target, check)


def accepts(target: Target) -> bool:
    """Whether a target accepts a connection and keeps it.

    Docker's proxy accepts connections for a container that does not listen yet, and drops them at once. A connection
    counts if it stays open for a tenth of a second, or receives data.

    Args:
        target: host and port.
    """
    try:
        with socket.create_connection(target, timeout=1) as connection:
            connection.settimeout(_KEPT_SECONDS)
            try:
                return connection.recv(1) != b""
            except TimeoutError:
                return True
    except OSError:
        return False
