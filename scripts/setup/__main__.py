"""Prepares a machine for Longshore: Terraform and its provider, a Docker engine, a registry, the base image.

Run by ``make setup`` in the project's virtual environment: ``python -m scripts.setup [PART...]``. Safe to run again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from scripts.setup import engine, images, terraform
from scripts.setup.machine import MissingError, say

PARTS: dict[str, Callable[[], str]] = {
    "terraform": terraform.prepare,
    "engine": engine.prepare,
    "registry": images.prepare_registry,
    "base-image": images.prepare_base_image,
}


def main(names: list[str]) -> int:
    """Prepare the parts in order, report every one that is missing, and return the exit code."""
    missing: list[str] = []
    for name in names or PARTS:
        try:
            say(PARTS[name]())
        except MissingError as problem:
            missing.append(str(problem))
            if name == "engine":
                break  # the parts after it need it
    for problem_text in missing:
        sys.stderr.write(f"setup: MISSING {problem_text}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
