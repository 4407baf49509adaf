"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# A machine that is busy must not fail a property: performance belongs to the benchmarks.
settings.register_profile("longshore", deadline=None)
settings.load_profile("longshore")
