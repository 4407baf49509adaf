"""Versions: ``vMAJOR.MINOR.PATCH``, compared as numbers; the next one follows from the tags of the registry."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast

import semver

from longshore.config.contract import UNRELEASED
from longshore.errors import UsageError

Bump = Literal["patch", "minor", "major"]

FIRST = "v1.0.0"
_LONGEST_TAG = 128
"""Docker takes no longer tag (the grammar of image references)."""
_SERIES = re.compile(r"v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")


class Version(semver.Version):
    """A semantic version with the prefix ``v``. It has no build metadata: a Docker tag can't hold a ``+``."""

    def __str__(self) -> str:
        return f"v{super().__str__()}"


@dataclass(frozen=True)
class Survey:
    """What a walk over tags found: the highest full release, and how many tags were of each kind."""

    highest: Version | None
    releases: int
    prereleases: int
    ignored: int


def parse(text: str) -> Version:
    """The version that a text names.

    Raises:
        UsageError: the text is no version.
    """
    found = _read(text)
    if found is None:
        raise UsageError(f"{text!r} is not a version", "A version looks like v1.4.12, a pre-release like v2.0.0-rc.1.")
    return found


def next_version(tags: Iterable[str], bump: Bump = "patch", series: str | None = None) -> Version:
    """The version after the highest full release among the tags.

    Args:
        tags: of all images, in any order; what is no version is ignored, and so are pre-releases.
        bump: which number is counted up; those behind it become 0.
        series: such as ``v1.0``: only v1.0.x are looked at.

    Raises:
        UsageError: malformed series, or a series together with another bump than patch.
    """
    if series and bump != "patch":
        raise UsageError(f"--series {series} counts patches up; --bump {bump} would leave it", "Give one of the two.")
    first = parse(FIRST) if series is None else _first_of(series)
    highest = survey(tags, series).highest
    if highest is None:
        return first
    counted_up = {
        "major": (highest.major + 1, 0, 0),
        "minor": (highest.major, highest.minor + 1, 0),
        "patch": (highest.major, highest.minor, highest.patch + 1),
    }
    return Version(*counted_up[bump])


def just_above(highest: Version, series: str | None = None) -> list[Version]:
    """The versions that are likely to be the next ones: what to ask a registry for, instead of for all that it has.

    At most 100 (BatchGetImage takes no more): the next patches, and the first of the next minor and major versions.

    Args:
        highest: the version that they follow.
        series: such as ``v1.0``, which ``highest`` is in: patches only.
    """
    major, minor, patch = highest.major, highest.minor, highest.patch
    found = [Version(major, minor, patch + number) for number in range(1, 61)]
    if series is None:
        found += [Version(major, minor + number, 0) for number in range(1, 21)]
        found += [Version(major + number, 0, 0) for number in range(1, 21)]
    return found


def survey(tags: Iterable[str], series: str | None = None) -> Survey:
    """Walks over tags once; memory does not grow with their number.

    Args:
        tags: of all images, in any order.
        series: such as ``v1.0``: versions of other series count as ignored.

    Raises:
        UsageError: malformed series.
    """
    start = None if series is None else _first_of(series)
    highest: Version | None = None
    releases = prereleases = ignored = 0
    for tag in tags:
        found = _read(tag)
        if found is None or (start and (found.major, found.minor) != (start.major, start.minor)):
            ignored += 1
        elif found.prerelease:
            prereleases += 1
        else:
            releases += 1
            highest = found if highest is None else max(highest, found)
    return Survey(highest, releases, prereleases, ignored)


def _read(text: str) -> Version | None:
    if not text.startswith("v") or len(text) > _LONGEST_TAG:
        return None
    try:
        found = Version.parse(text[1:])
    except ValueError:
        return None
    # The library also takes digits of other scripts and a line feed at the end.
    return found if str(found) == text and found.build is None else None


def _first_of(series: str) -> Version:
    if not _SERIES.fullmatch(series):
        raise UsageError(f"{series!r} is not a series", "A series looks like v1.0.")
    return parse(f"{series}.0")


def parse_bump(text: str) -> Bump:
    """The part of the version to count up.

    Raises:
        UsageError: it is not one of the three.
    """
    if text not in ("patch", "minor", "major"):
        raise UsageError(f"--bump {text!r} is not known", "Use patch, minor or major.")
    return cast(Bump, text)


def parse_tag(text: str) -> str:
    """A tag that can be released.

    Raises:
        UsageError: it is ``unreleased``, or no version.
    """
    if text == UNRELEASED:
        raise UsageError(
            f"{UNRELEASED!r} stands for the time before the first release and can't be released",
            "Release a version: invoke release, or --tag vX.Y.Z.",
        )
    return str(parse(text))
