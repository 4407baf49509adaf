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
        healthy: whether the checks of its target group say so.
    """

    address: Address
    open: int = 0
    healthy: bool = True


class TargetGroup:
    """The targets of a load balancer, which take requests in turn."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rotation: deque[Target] = deque()

    def register(self, address: Address, *, healthy: bool = True) -> None:
        """Add a target to the rotation, or change its health if it is in it."""
        with self._changed:
            target = next((target for target in self._rotation if target.address == address), None)
            if target:
                target.healthy = healthy
            else:
                self._rotation.append(Target(address, healthy=healthy))

    def take(self) -> Target | None:
        """The next target, with one more open request; None if there is no target.

        If none of them is healthy, all get requests ("Health checks for Application Load Balancer target groups").
        """
        with self._changed:
            target = next((target for target in self._rotation if target.healthy), None)
            target = target or next(iter(self._rotation), None)
            if target:
                self._rotation.remove(target)
                self._rotation.append(target)
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
