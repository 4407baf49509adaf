"""Load balancers: a loopback port for each service, which spreads requests over its tasks.

Requests go to the targets in turn and are never sent twice; a target that is deregistered gets no new request while its
open ones end. Each request uses a new connection to a target, so a client that keeps its connection open does not
notice when targets change; and the load balancer never closes an idle connection just before a client's next request.
"""

from __future__ import annotations

import sys
import threading
from http.server import ThreadingHTTPServer

from longshore.sandbox.load_balancer.reverse_proxy import ReverseProxy
from longshore.sandbox.load_balancer.targets import Address, TargetGroup


class LoadBalancer(ThreadingHTTPServer):
    """The load balancer of a service, with its listener and its targets."""

    daemon_threads = True
    request_queue_size = 128
    block_on_close = False

    def __init__(self, port: int) -> None:
        self.targets = TargetGroup()
        super().__init__(("127.0.0.1", port), type("Handler", (ReverseProxy,), {"targets": self.targets}))
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="load-balancer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; open requests may end."""
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that disconnect; report all other errors."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class LocalLoadBalancers:
    """The load balancers of all services, in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._load_balancers: dict[tuple[str, str], LoadBalancer] = {}
        self._ports: dict[tuple[str, str], int] = {}

    def open(self, cluster: str, service: str, port: int) -> str:  # noqa: ARG002 - see LoadBalancers
        """Start the load balancer of a service, unless it is running; a recreated service gets its former URL.

        Args:
            cluster: name of the cluster.
            service: name of the service.
            port: container port; the load balancer listens on a free port.

        Returns:
            The URL, without a trailing slash.
        """
        key = (cluster, service)
        with self._lock:
            if key not in self._load_balancers:
                self._load_balancers[key] = self._open(self._ports.get(key, 0))
                self._ports[key] = self._load_balancers[key].server_port
            return self._load_balancers[key].url

    def register(self, cluster: str, service: str, target: Address, *, healthy: bool = True) -> None:
        """Send requests to a target too; to an unhealthy one, only if there is no other."""
        self._load_balancers[cluster, service].targets.register(target, healthy=healthy)

    def deregister(self, cluster: str, service: str, target: Address, timeout: float) -> None:
        """Stop sending requests to a target and wait until its open requests end, at most `timeout` seconds."""
        load_balancer = self._load_balancers.get((cluster, service))
        if load_balancer:
            load_balancer.targets.deregister(target, timeout)

    def close(self, cluster: str, service: str) -> None:
        """Stop the load balancer of a deleted service."""
        with self._lock:
            load_balancer = self._load_balancers.pop((cluster, service), None)
        if load_balancer:
            load_balancer.close()

    def close_all(self) -> None:
        """Stop all load balancers."""
        for cluster, service in list(self._load_balancers):
            self.close(cluster, service)

    def _open(self, port: int) -> LoadBalancer:
        try:
            return LoadBalancer(port)
        except OSError:
            if not port:
                raise
            return LoadBalancer(0)  # another process has taken the former port
