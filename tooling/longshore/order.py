"""What the operator ordered: the options of the command line, checked against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from longshore import version
from longshore.contract import UNRELEASED
from longshore.errors import UsageError

Bump = Literal["patch", "minor", "major"]


@dataclass(frozen=True)
class Order:
    """The options of ``invoke release``."""

    bump: Bump = "patch"
    tag: str | None = None
    yes: bool = False
    allow_infra: bool = False
    allow_dirty: bool = False
    allow_zero: bool = False
    allow_failed_version: bool = False
    rebuild: bool = False


def bump_of(text: str) -> Bump:
    """The part of the version to count up.

    Raises:
        UsageError: it is not one of the three.
    """
    if text not in ("patch", "minor", "major"):
        raise UsageError(f"--bump {text!r} is not known", "Use patch, minor or major.")
    return cast(Bump, text)


def tag_of(text: str) -> str:
    """A tag that can be released.

    Raises:
        UsageError: it is ``unreleased``, or no version.
    """
    if text == UNRELEASED:
        raise UsageError(
            f"{UNRELEASED!r} stands for the time before the first release and can't be released",
            "Release a version: invoke release, or --tag vX.Y.Z.",
        )
    return str(version.parse(text))


def order(*, bump: str, tag: str | None, **switches: bool) -> Order:
    """Checks the options.

    Args:
        bump: the part of the version to count up.
        tag: an image that exists, or None to build one.
        switches: the fields of Order that are yes or no.

    Raises:
        UsageError: one is not known, or two conflict.
    """
    made = Order(bump_of(bump), tag_of(tag) if tag else None, **switches)
    if tag and (made.rebuild or made.allow_dirty or bump != "patch"):
        raise UsageError("--tag releases an image that exists: it goes without --bump, --rebuild and --allow-dirty")
    if made.allow_failed_version and not tag:
        raise UsageError("--allow-failed-version goes with --tag: a new version has never failed")
    return made
