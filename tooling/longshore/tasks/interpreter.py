"""Settings of Python that a caller's environment may contain, and that change nothing here."""

from __future__ import annotations

import sys
import warnings


def install() -> None:
    """Shows warnings that PYTHONWARNINGS or ``-W`` turns into errors: those of a library would end a release."""
    actions = (option.partition(":")[0].strip() for option in sys.warnoptions)
    if any(action and "error".startswith(action) for action in actions):
        warnings.simplefilter("default")
