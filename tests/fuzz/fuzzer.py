"""Runs a fuzzer: whatever it reads, the outcome is a value or a LongshoreError with a message for people."""

from __future__ import annotations

import os
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from longshore.errors import LongshoreError

SEED = "LONGSHORE_FUZZ_SEED"
"""The environment variable with the seed of a run that is to be repeated."""
FAST, LONG = 60, 20_000
"""Examples of each fuzzer, in the fast suite and in ``make test-all``."""


@dataclass(frozen=True)
class Fuzzer:
    """A fuzzer.

    Attributes:
        make: makes a document, with mistakes.
        read: reads it, as Longshore does.
    """

    make: Callable[[Random], Any]
    read: Callable[[Any], object]


def run(name: str, fuzzer: Fuzzer, examples: int) -> None:
    """Runs a fuzzer, and prints the seed with which a run is repeated."""
    given_seed = os.environ.get(SEED)
    seed = int(given_seed) if given_seed else 1 if examples == FAST else time.time_ns() % 2**32
    repeat = f"fuzzer {name}: seed {seed}; to repeat the run: {SEED}={seed} make fuzz FUZZER={name}"
    print(repeat)  # noqa: T201 - pytest shows it with a failure, make fuzz at once

    @hypothesis.seed(seed)
    @settings(
        max_examples=examples,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(st.integers(0, 2**48))
    def property_(number: int) -> None:
        document = fuzzer.make(Random(number))
        note(f"{document!r:.3000}")
        check(fuzzer.read, document)

    try:
        property_()
    except Exception as error:
        error.add_note(repeat)
        raise


def check(read: Callable[[Any], object], document: Any) -> None:
    """Reads a document; an error must be one of ours, with a message that a terminal shows as it is."""
    try:
        read(document)
    except LongshoreError as error:
        assert error.message.strip()
        text = error.message + error.hint
        assert [letter for letter in text if unicodedata.category(letter) in ("Cc", "Cs") and letter != "\n"] == []
        assert len(text) < 20_000
