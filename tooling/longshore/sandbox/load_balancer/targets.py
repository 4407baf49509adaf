"""The targets of a load balancer."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

Address = tuple[str, int]


@dataclass(eq=False)
class Target:
    """A container's published port.

    Attributes:
        address: host and port.
        open: number of open requests.
    """

    address: Address
    open: int = 0


class TargetGroup:
    """The targets of a load balancer, which take requests in turn."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rotation: deque[Target] = deque()

    def register(self, address: Address) -> None:
        """Add a target to the rotation, unless it is in it."""
        with self._changed:
            if not any(target.address == address for target in self._rotation):
                self._rotation.append(Target(address))

    def take(self) -> Target | None:
        """The next target, with one more open request; None if there is no target."""
        with self._changed:
            if not self._rotation:
                return None
            target = self._rotation[0]
            self._rotation.rotate(-1)
            target.open += 1
            return target

    def release(self, target: Target) -> None:
        """Record that a request to a target ended."""
        with self._changed:
            target.open -= 1
            self._changed.notify_all()

    def deregister(self, address: Address, timeout: float) -> bool:
        """Remove a target and wait for its open requests; False if `timeout` seconds pass first."""
        with self._changed:
            leaving = [target for target in self._rotation if target.address == address]
            for target in leaving:
                self._rotation.remove(target)
            return self._changed.wait_for(lambda: not any(target.open for target in leaving), timeout)
