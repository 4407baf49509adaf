"""A run that only looks: it holds no lock and has no record, so that every side effect is refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from longshore.config.contract import Contract
from longshore.environment.environment import Environment
from longshore.errors import LockLostError, LongshoreError
from longshore.ledger.lease import Lease
from longshore.ledger.lock import Lock
from longshore.result import ReleaseResult
from longshore.run.run import Run


@dataclass
class Refusals:
    """The errors with which a release would end, in the order in which it would meet them."""

    errors: list[LongshoreError] = field(default_factory=list)

    def collect(self, check: Callable[[], object]) -> None:
        """Runs a check, and keeps its error unless it is known already."""
        try:
            check()
        except LongshoreError as error:
            if error.message not in [known.message for known in self.errors]:
                self.errors.append(error)


@dataclass(kw_only=True)
class Preview(Run):
    """A run of which nothing is written: its lease is lost from the beginning, and a side effect checks the lease."""

    @classmethod
    def of(cls, env: Environment, entry: ReleaseResult, contract: Contract) -> Preview:
        """A preview in an environment.

        Args:
            env: the environment.
            entry: as a real run would begin it; it is not stored.
            contract: as the state has it.
        """
        lock = Lock(
            owner="",
            fence=0,
            actor=entry.actor,
            purpose="dry run",
            since=entry.started,
            beaten=entry.started,
            lease=0,
        )
        lost = LockLostError("a dry run holds no lock and changes nothing")
        return cls(
            result=entry,
            ledger=env.ledger,
            journal=env.ledger.events(entry.release),
            lease=Lease(env.ledger.locks, lock, -math.inf, lost=lost),
            console=env.console,
            clock=env.clock,
            interrupts=env.interrupts,
            contract=contract,
        )

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times and shows a step; records nothing."""
        self.clock.check()
        with self._timed(name):
            yield
