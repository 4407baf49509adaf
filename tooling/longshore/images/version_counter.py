"""The next version: counted from the ledger and the registry, and reserved before anything is built."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from longshore.images import version
from longshore.images.ports import Registry
from longshore.images.version import Bump, Version
from longshore.ledger.issued_versions import Issued, Versions

LOOKUPS = 3
"""After this many lookups in a row that return a higher tag, the whole registry is listed."""


@dataclass(frozen=True)
class VersionRequest:
    """Which version to issue next.

    Attributes:
        bump: the number to increase.
        series: such as ``v1.0``, to consider v1.0.x only.
        recount: list the whole registry instead of looking up the tags just above the counter.
    """

    bump: Bump = "patch"
    series: str | None = None
    recount: bool = False

    def check(self) -> None:
        """Refuses options that contradict each other, before AWS is asked.

        Raises:
            UsageError: malformed series, or a series with a bump other than patch.
        """
        version.next_version((), self.bump, self.series)


@dataclass(frozen=True)
class Claim:
    """Who reserves a version: ``by`` is the id of a release, or a command with a random token."""

    by: str
    user: str

    @classmethod
    def of_command(cls, command: str, user: str) -> Claim:
        """The claim of a command that has no record; the token makes it unique to this process."""
        return cls(f"{command} {uuid.uuid4().hex[:12]}", user)


@dataclass(frozen=True)
class VersionCounter:
    """Decides which version comes next.

    Attributes:
        registry: stores the images.
        repositories: their names.
        versions: the versions issued so far.
        recorded: the versions of past releases, for the time before the first version was issued.
    """

    registry: Registry
    repositories: Sequence[str]
    versions: Versions
    recorded: Callable[[], Iterable[str]] = field(default=tuple)

    def peek(self, request: VersionRequest) -> Version:
        """The version after the highest one in ledger and registry; reserves nothing.

        This usually takes two calls: one for the counter, and one per repository for the tags just above it. The whole
        registry is listed if no version was issued yet (in the series, if one is given), or to recount.

        Raises:
            UsageError: malformed series, or a series with a bump other than patch.
        """
        request.check()
        return self._next(self.versions.newest(request.series), request)

    def reserve(self, request: VersionRequest, claim: Claim) -> Version:
        """Reserves the next version, so that no other process gets it; one call more than `peek`.

        A resumed release gets the version that it had reserved.

        Raises:
            UsageError: as for `peek`.
        """
        request.check()
        while True:
            issued = self.versions.newest(request.series)
            for entry in issued:
                if entry.by == claim.by and entry.state == "reserved":
                    return version.parse(entry.version)
            if request.series and not issued:
                self._record_highest_of_all(claim)
            following = self._next(issued, request)
            if self.versions.reserve(str(following), claim.by, claim.user):
                return following
            # Another process was faster. Its version is in the ledger now, so there is no need to recount again.
            request = replace(request, recount=False)

    def _next(self, issued: Sequence[Issued], request: VersionRequest) -> Version:
        counter = version.parse(issued[0].version) if issued else None
        if counter and not request.recount:
            highest: Version | None = self._highest_near(counter, request.series)
        else:
            highest = _highest(counter, self._highest_listed(request.series))
        return version.next_version([str(highest)] if highest else (), request.bump, request.series)

    def _highest_near(self, counter: Version, series: str | None) -> Version:
        """The highest of the counter and the tags just above it; looks up again from each higher tag."""
        for _ in range(LOOKUPS):
            candidates = [str(candidate) for candidate in version.just_above(counter, series)]
            tags = [tag for name in self.repositories for tag in self.registry.existing_tags(name, candidates)]
            if not tags:
                return counter
            counter = max(map(version.parse, tags))
        return _highest(counter, self._highest_listed(series)) or counter

    def _highest_listed(self, series: str | None) -> Version | None:
        tags = chain.from_iterable(self.registry.tags(name) for name in self.repositories)
        return version.survey(chain(tags, self.recorded()), series).highest

    def _record_highest_of_all(self, claim: Claim) -> None:
        """Records the highest tag before the very first reservation, if that is in a series and may be lower."""
        if not self.versions.newest() and (highest := self._highest_listed(None)):
            self.versions.record_seen(str(highest), claim.by, claim.user)


def _highest(*versions: Version | None) -> Version | None:
    return max(filter(None, versions), default=None)
