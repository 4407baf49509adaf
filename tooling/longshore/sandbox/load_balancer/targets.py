"""The targets of a load balancer, in turn."""

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
        open: requests that are on their way.
    """

    address: Address
    open: int = 0


class TargetGroup:
    """The targets of one door, in turn."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rotation: deque[Target] = deque()

    def register(self, address: Address) -> None:
        """Take a target into the rotation; nothing when it is there."""
        with self._changed:
            if not any(target.address == address for target in self._rotation):
                self._rotation.append(Target(address))

    def take(self) -> Target | None:
        """The next target, with one request more on its way; None when there is no target."""
        with self._changed:
            if not self._rotation:
                return None
            target = self._rotation[0]
            self._rotation.rotate(-1)
            target.open += 1
            return target

    def release(self, target: Target) -> None:
        """A request to a target ended."""
        with self._changed:
            target.open -= 1
            self._changed.notify_all()

    def deregister(self, address: Address, timeout: float) -> bool:
        """Take a target out of rotation and wait for its requests to end; False when `timeout` seconds passed first."""
        with self._changed:
            leaving = [target for target in self._rotation if target.address == address]
            for target in leaving:
                self._rotation.remove(target)
            return self._changed.wait_for(lambda: not any(target.open for target in leaving), timeout)
