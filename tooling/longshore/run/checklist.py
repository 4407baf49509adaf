"""A list of checks, shown as OK, SKIP or FAIL: all problems are reported at once, before anything is touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from longshore.errors import ChecksFailedError, LongshoreError
from longshore.terminal.console import Console

Value = TypeVar("Value")


@dataclass
class Checklist:
    """Runs checks one by one and collects their errors."""

    console: Console
    failed: list[LongshoreError] = field(default_factory=list)

    def run(self, name: str, check: Callable[[], Value], describe: Callable[[Value], str] = str) -> Value | None:
        """Runs a check and shows its result; None if it failed.

        Args:
            name: of the check.
            check: returns a value, or raises a LongshoreError.
            describe: the text that is shown for the value.
        """
        try:
            value = check()
        except LongshoreError as error:
            self.failed.append(error)
            self.console.finding("FAIL", name, error.message)
            return None
        self.console.finding("OK", name, describe(value))
        return value

    def skip(self, name: str, reason: str) -> None:
        """Shows that a check does not apply."""
        self.console.finding("SKIP", name, reason)

    def conclude(self) -> None:
        """Ends the checks.

        Raises:
            LongshoreError: the error, if one check failed; all of them as one ChecksFailedError, if several did.
        """
        if len(self.failed) == 1:
            raise self.failed[0]
        if self.failed:
            raise ChecksFailedError(self.failed)
