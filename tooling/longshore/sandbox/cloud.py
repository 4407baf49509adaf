"""The parts of a running sandbox that its ECS works with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from docker import DockerClient

LABEL = "longshore.sandbox"


def sandbox_id(directory: Path) -> str:
    """The id of the sandbox in a directory: 12 hexadecimal digits, the same at every start."""
    return hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:12]


class LoadBalancers(Protocol):
    """The load balancers: one loopback URL for each service with a port."""

    def open(self, cluster: str, service: str, port: int) -> str:
        """Start the load balancer of a service, unless it is running.

        Args:
            cluster: name of the cluster.
            service: name of the service.
            port: container port; the load balancer listens on a free port.

        Returns:
            The URL, without a trailing slash; the same for the life of the sandbox.
        """

    def register(self, cluster: str, service: str, target: tuple[str, int], *, healthy: bool = True) -> None:
        """Send requests to a target (host, published port) too; to an unhealthy one, only if there is no other."""

    def deregister(self, cluster: str, service: str, target: tuple[str, int], timeout: float) -> None:
        """Stop sending requests to a target and wait until its open requests end, at most `timeout` seconds."""

    def close(self, cluster: str, service: str) -> None:
        """Stop the load balancer of a deleted service."""


@dataclass(frozen=True)
class Cloud:
    """A running sandbox.

    Attributes:
        directory: where the sandbox keeps its files.
        region: the region that it simulates, such as ``eu-central-1``.
        account_id: the account that it simulates, 12 digits.
        registry: ``127.0.0.1:PORT`` of the registry that images are pulled from.
        load_balancers: the load balancers of its services.
        docker: client of the Docker engine.
        registry_password: of the registry's user AWS.
        denials: each says whether a call that ECS makes for a task, service and operation, is denied.
    """

    directory: Path
    region: str
    account_id: str
    registry: str
    load_balancers: LoadBalancers
    docker: DockerClient
    registry_password: str = field(default="", repr=False)
    denials: list[Callable[[str, str], bool]] = field(default_factory=list)

    def denies(self, service: str, operation: str) -> bool:
        """Whether a call that ECS makes for a task is denied."""
        return any(denial(service, operation) for denial in self.denials)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of every container, network and volume that this sandbox creates."""
        return {LABEL: sandbox_id(self.directory)}
