"""The front door of a service: one loopback port, spread over the tasks that serve it.

As a load balancer does it: round robin, no request sent twice, and a target that leaves gets no new request while its
open ones end. Each request has a connection of its own to a target, so a client that keeps its connection to the door
open never notices that targets come and go; and the door itself never closes an idle one under a client's next request.
"""

from __future__ import annotations

import sys
import threading
from http.server import ThreadingHTTPServer

from longshore.sandbox.load_balancer.reverse_proxy import ReverseProxy
from longshore.sandbox.load_balancer.targets import Address, TargetGroup


class LoadBalancer(ThreadingHTTPServer):
    """The listening side of a front load_balancer."""

    daemon_threads = True
    request_queue_size = 128
    block_on_close = False

    def __init__(self, port: int) -> None:
        self.targets = TargetGroup()
        super().__init__(("127.0.0.1", port), type("Handler", (ReverseProxy,), {"targets": self.targets}))
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="door", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; requests on their way may end."""
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is no news; anything else is."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class LocalLoadBalancers:
    """The doors of all services; what the ECS half knows as `Cloud.doors`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._load_balancers: dict[tuple[str, str], LoadBalancer] = {}
        self._ports: dict[tuple[str, str], int] = {}

    def open(self, cluster: str, service: str, port: int) -> str:  # noqa: ARG002 - see LoadBalancers
        """Open the door of a service, or find it open; a service made again gets its former URL.

        Args:
            cluster: name of the cluster.
            service: name of the service.
            port: container port; the door's own is chosen free.

        Returns:
            The URL, without a trailing slash.
        """
        key = (cluster, service)
        with self._lock:
            if key not in self._load_balancers:
                self._load_balancers[key] = self._open(self._ports.get(key, 0))
                self._ports[key] = self._load_balancers[key].server_port
            return self._load_balancers[key].url

    def register(self, cluster: str, service: str, target: Address) -> None:
        """Send requests to a target as well."""
        self._load_balancers[cluster, service].targets.register(target)

    def deregister(self, cluster: str, service: str, target: Address, timeout: float) -> None:
        """Take a target out of rotation, then wait until its open requests ended, at most `timeout` seconds."""
        load_balancer = self._load_balancers.get((cluster, service))
        if load_balancer:
            load_balancer.targets.deregister(target, timeout)

    def close(self, cluster: str, service: str) -> None:
        """Close the door of a service that was deleted."""
        with self._lock:
            load_balancer = self._load_balancers.pop((cluster, service), None)
        if load_balancer:
            load_balancer.close()

    def close_all(self) -> None:
        """Close every load_balancer."""
        for cluster, service in list(self._load_balancers):
            self.close(cluster, service)

    def _open(self, port: int) -> LoadBalancer:
        try:
            return LoadBalancer(port)
        except OSError:
            if not port:
                raise
            return LoadBalancer(0)  # somebody took the former port meanwhile
