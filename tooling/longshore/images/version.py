"""Versions: ``vMAJOR.MINOR.PATCH``, compared as numbers; the next one is derived from the tags of the registry."""

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
"""The limit of Docker (grammar of image references: https://pkg.go.dev/github.com/distribution/reference)."""
_SERIES = re.compile(r"v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")


class Version(semver.Version):
    """A semantic version with the prefix ``v``, without build metadata: a Docker tag cannot contain ``+``."""

    def __str__(self) -> str:
        return f"v{super().__str__()}"


@dataclass(frozen=True)
class Survey:
    """A summary of tags: the highest full release, and the number of tags of each kind."""

    highest: Version | None
    releases: int
    prereleases: int
    ignored: int


def parse(text: str) -> Version:
    """Parses a version.

    Raises:
        UsageError: the text is not a version.
    """
    version = _parse(text)
    if version is None:
        raise UsageError(f"{text!r} is not a version", "A version looks like v1.4.12, a pre-release like v2.0.0-rc.1.")
    return version


def next_version(tags: Iterable[str], bump: Bump = "patch", series: str | None = None) -> Version:
    """The version after the highest full release among the tags.

    Args:
        tags: of all images, in any order; pre-releases and tags that are not versions are ignored.
        bump: the number to increase; the numbers after it become 0.
        series: such as ``v1.0``, to consider v1.0.x only.

    Raises:
        UsageError: malformed series, or a series with a bump other than patch.
    """
    if series and bump != "patch":
        raise UsageError(
            f"--series {series} increases the patch number only and cannot be combined with --bump {bump}",
            "Use either --series or --bump.",
        )
    first = parse(FIRST) if series is None else _first_of_series(series)
    highest = survey(tags, series).highest
    if highest is None:
        return first
    following = {
        "major": (highest.major + 1, 0, 0),
        "minor": (highest.major, highest.minor + 1, 0),
        "patch": (highest.major, highest.minor, highest.patch + 1),
    }
    return Version(*following[bump])


def just_above(highest: Version, series: str | None = None) -> list[Version]:
    """The versions that are likely to come next: tags to look up in a registry instead of listing it.

    At most 100: the next patches, and the first of the next minor and major versions. That is the limit of
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html.

    Args:
        highest: the version that they follow.
        series: such as ``v1.0``, the series of ``highest``: patches only.
    """
    major, minor, patch = highest.major, highest.minor, highest.patch
    candidates = [Version(major, minor, patch + number) for number in range(1, 61)]
    if series is None:
        candidates += [Version(major, minor + number, 0) for number in range(1, 21)]
        candidates += [Version(major + number, 0, 0) for number in range(1, 21)]
    return candidates


def survey(tags: Iterable[str], series: str | None = None) -> Survey:
    """Summarises tags in one pass, in constant memory.

    Args:
        tags: of all images, in any order.
        series: such as ``v1.0``; versions of other series count as ignored.

    Raises:
        UsageError: malformed series.
    """
    first = None if series is None else _first_of_series(series)
    highest: Version | None = None
    releases = prereleases = ignored = 0
    for tag in tags:
        version = _parse(tag)
        if version is None or (first and (version.major, version.minor) != (first.major, first.minor)):
            ignored += 1
        elif version.prerelease:
            prereleases += 1
        else:
            releases += 1
            highest = version if highest is None else max(highest, version)
    return Survey(highest, releases, prereleases, ignored)


def _parse(text: str) -> Version | None:
    if not text.startswith("v") or len(text) > _LONGEST_TAG:
        return None
    try:
        version = Version.parse(text[1:])
    except ValueError:
        return None
    # The library also accepts digits of other scripts and a trailing line feed.
    return version if str(version) == text and version.build is None else None


def _first_of_series(series: str) -> Version:
    if not _SERIES.fullmatch(series):
        raise UsageError(f"{series!r} is not a series", "A series looks like v1.0.")
    return parse(f"{series}.0")


def parse_bump(text: str) -> Bump:
    """Parses the number of a version to increase.

    Raises:
        UsageError: the text is not one of the three.
    """
    if text not in ("patch", "minor", "major"):
        raise UsageError(f"--bump {text!r} is not a part of a version", "Use patch, minor or major.")
    return cast(Bump, text)


def parse_tag(text: str) -> str:
    """Parses a tag that can be released.

    Raises:
        UsageError: the text is ``unreleased``, or not a version.
    """
    if text == UNRELEASED:
        raise UsageError(
            f"{UNRELEASED!r} is the tag before the first release and cannot be released",
            "Release a version: invoke release, or invoke release --tag vX.Y.Z.",
        )
    return str(parse(text))
