"""What the two halves of the sandbox share: the platform makes a Cloud, the ECS half works with it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from docker import DockerClient

LABEL = "longshore.sandbox"


def sandbox_id(directory: Path) -> str:
    """The name of the sandbox in a directory: 12 hexadecimal digits, the same at every start."""
    return hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:12]


class LoadBalancers(Protocol):
    """The front load_balancers: one loopback URL for each service with a port."""

    def open(self, cluster: str, service: str, port: int) -> str:
        """Open the door of a service, or find it open.

        Args:
            cluster: name of the cluster.
            service: name of the service.
            port: container port; tells two ports of one service's life apart in logs only.

        Returns:
            The URL, without a trailing slash; the same for the life of the sandbox.
        """

    def register(self, cluster: str, service: str, target: tuple[str, int]) -> None:
        """Send requests to a target (host, published port) as well."""

    def deregister(self, cluster: str, service: str, target: tuple[str, int], timeout: float) -> None:
        """Take a target out of rotation, then wait until its open requests ended, at most `timeout` seconds."""

    def close(self, cluster: str, service: str) -> None:
        """Close the door of a service that was deleted."""


@dataclass(frozen=True)
class Cloud:
    """One running sandbox.

    Attributes:
        directory: where the sandbox keeps its files.
        region: the region it plays, such as ``eu-central-1``.
        account_id: the account it plays, 12 digits.
        registry: ``127.0.0.1:PORT`` of the registry that images are pulled from.
        load_balancers: the front load_balancers.
        docker: client of the Docker engine.
    """

    directory: Path
    region: str
    account_id: str
    registry: str
    load_balancers: LoadBalancers
    docker: DockerClient

    @property
    def labels(self) -> dict[str, str]:
        """The labels of every container, network and volume that this sandbox makes."""
        return {LABEL: sandbox_id(self.directory)}
