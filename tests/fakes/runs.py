"""A run without AWS: its ledger is a table in memory, its lock is held, its terminal a text."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from longshore.config.contract import Contract, parse
from longshore.ledger.releases import Ledger
from longshore.run.run import Run
from longshore.signals import Interrupts
from longshore.terminal.console import Console
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import ACTOR, moved_clock, release_output, result


def contract() -> Contract:
    """The contract of the samples."""
    return parse(release_output(), "shop", "test")


@contextmanager
def started(
    table: MemoryTable | None = None, err: io.StringIO | None = None, *, resumed: bool = False, **entry: Any
) -> Iterator[Run]:
    """A run that has begun.

    Args:
        table: of the ledger.
        err: the terminal.
        resumed: whether another process began it.
        entry: the fields of its entry that differ from the samples'.
    """
    clock = moved_clock()
    console = Console(io.StringIO(), err or io.StringIO(), io.StringIO(), interactive=False)
    ledger = Ledger(table or MemoryTable(), "test", console.masks, clock)
    record = result(**entry)
    with ledger.locks.held("one", ACTOR, "release") as lease:
        record.fence = lease.lock.fence
        ledger.begin(record)
        yield Run(
            result=record,
            ledger=ledger,
            journal=ledger.events(record.release),
            lease=lease,
            console=console,
            clock=clock,
            interrupts=Interrupts(),
            contract=contract(),
            resumed=resumed,
        )
