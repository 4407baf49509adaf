"""What holds for every test."""

from __future__ import annotations

import gc
import signal

from hypothesis import settings

# A machine that is busy must not fail a property: performance belongs to the benchmarks.
settings.register_profile("longshore", deadline=None)
settings.load_profile("longshore")

# Thousands of tests and the models of AWS stay in memory to the end: looking through them again for garbage, while they
# are collected and then every few tests, takes longer than a tenth of the fast tests.
gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


# Longshore leaves SIGHUP ignored if nohup does; under nohup, the tests that send one must still reach its handler.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda _number, _frame: None)
