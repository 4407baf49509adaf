"""The next version: looked up in the ledger and the registry, and reserved before anything is built."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from longshore.images import version
from longshore.images.ports import Registry
from longshore.images.version import Bump, Version
from longshore.ledger.issued_versions import Issued, Versions

LOOKS = 3
"""So many looks in a row may find a tag above; then the whole registry is listed."""


@dataclass(frozen=True)
class VersionRequest:
    """Which version is wanted.

    Attributes:
        bump: which number is counted up.
        series: such as ``v1.0``: only v1.0.x are looked at.
        recount: list the whole registry, instead of what is just above the counter.
    """

    bump: Bump = "patch"
    series: str | None = None
    recount: bool = False


@dataclass(frozen=True)
class Claim:
    """In whose name a version is taken: ``by`` is the id of a release, or a command with a token of its own."""

    by: str
    user: str

    @classmethod
    def of_command(cls, command: str, user: str) -> Claim:
        """The claim of a command that has no record: of this one process, and no other."""
        return cls(f"{command} {uuid.uuid4().hex[:12]}", user)


@dataclass(frozen=True)
class VersionCounter:
    """What decides which version comes next.

    Attributes:
        registry: where the images are.
        repositories: their names.
        versions: what was issued.
        recorded: the versions that were released, for the time before the first was issued.
    """

    registry: Registry
    repositories: Sequence[str]
    versions: Versions
    recorded: Callable[[], Iterable[str]] = field(default=tuple)

    def look(self, wanted: VersionRequest) -> Version:
        """The version after the highest of ledger and registry; nothing is written.

        Two calls as a rule: the counter, and one look for the tags just above it (one for each repository). Everything
        is listed where nothing was issued yet (in the series, if one is given), and to recount.

        Raises:
            UsageError: malformed series, or a series together with another bump than patch.
        """
        version.next_version((), wanted.bump, wanted.series)  # refuses what does not go together, before AWS is asked
        return self._after(self.versions.newest(wanted.series), wanted)

    def reserve(self, wanted: VersionRequest, claim: Claim) -> Version:
        """Takes the next version, which nobody else gets then; one call more than to look.

        A release that was taken up again gets the version that it had taken.

        Raises:
            UsageError: as for `look`.
        """
        version.next_version((), wanted.bump, wanted.series)
        while True:
            issued = self.versions.newest(wanted.series)
            for one in issued:
                if one.by == claim.by and one.state == "reserved":
                    return version.parse(one.version)
            if wanted.series and not issued:
                self._begin_to_count(claim)
            following = self._after(issued, wanted)
            if self.versions.reserve(str(following), claim.by, claim.user):
                return following
            # Somebody else was quicker. What it took is in the ledger now, so nothing must be counted again.
            wanted = replace(wanted, recount=False)

    def _after(self, issued: Sequence[Issued], wanted: VersionRequest) -> Version:
        counter = version.parse(issued[0].version) if issued else None
        if counter and not wanted.recount:
            highest: Version | None = self._climb(counter, wanted.series)
        else:
            highest = _highest(counter, self._listed(wanted.series))
        return version.next_version([str(highest)] if highest else (), wanted.bump, wanted.series)

    def _climb(self, counter: Version, series: str | None) -> Version:
        """The highest of the counter and the tags above it, as far as looks from there find any."""
        for _ in range(LOOKS):
            asked = [str(one) for one in version.just_above(counter, series)]
            found = [tag for name in self.repositories for tag in self.registry.existing_tags(name, asked)]
            if not found:
                return counter
            counter = max(map(version.parse, found))
        return _highest(counter, self._listed(series)) or counter

    def _listed(self, series: str | None) -> Version | None:
        tags = chain.from_iterable(self.registry.tags(name) for name in self.repositories)
        return version.survey(chain(tags, self.recorded()), series).highest

    def _begin_to_count(self, claim: Claim) -> None:
        """Before the first of all numbers is one of a series: it must not pass for the highest of all."""
        if not self.versions.newest() and (highest := self._listed(None)):
            self.versions.record_seen(str(highest), claim.by, claim.user)


def _highest(*found: Version | None) -> Version | None:
    return max((one for one in found if one), default=None)
