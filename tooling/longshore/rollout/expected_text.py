"""The text that a health answer must contain: a version in it is compared as a version, not as part of a text."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLACEHOLDER = "{version}"
_LONGEST = 128
"""The characters of the longest version: the limit of a tag (`longshore.images.version`)."""

# A letter or digit before a version belongs to another word, unless it is the end of an escape such as \n or %22.
_NO_WORD_BEFORE = r"(?:(?<![0-9A-Za-z])|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2}))"
# The grammar of a version: https://semver.org/#backusnaur-form-grammar-for-valid-semver-versions
_NO_LONGER_VERSION = r"(?![0-9A-Za-z]|-+[0-9A-Za-z]|\.[0-9])"
_NO_LONGER_PRERELEASE = r"(?![0-9A-Za-z]|-+[0-9A-Za-z]|\.-*[0-9A-Za-z])"
_PART_OF_A_VERSION = re.compile(r"[0-9A-Za-z.-]+")
_BEGUN_VERSION = re.compile(r"v[0-9]+\.[0-9]+\.[0-9]+-[0-9A-Za-z.-]*\Z")


@dataclass(frozen=True)
class ExpectedText:
    """A text that an answer must contain.

    Attributes:
        template: the text; ``{version}`` in it is filled in. Without it, any text that contains it will do.
        version: the version, such as ``v1.0.1``.
    """

    template: str
    version: str

    @classmethod
    def of(cls, text: str | None, version: str | None) -> ExpectedText:
        """The text of a check, by default the version; empty if it has a version in it that is unknown."""
        template = text or _PLACEHOLDER
        return cls("" if version is None and _PLACEHOLDER in template else template, version or "")

    def __str__(self) -> str:
        return self.template.replace(_PLACEHOLDER, self.version)

    def is_in(self, body: str) -> bool:
        """Whether a body contains the text.

        A longer version is another one: ``v1.0.10``, ``v1.0.1-rc.1`` and ``v1.0.1-dirty.5`` are not ``v1.0.1``. Build
        metadata does not change a version (https://semver.org/#spec-item-10), so ``v1.0.1+5f2c`` is.
        """
        if _PLACEHOLDER not in self.template:
            return self.template in body
        return any(not _is_within_a_version(body, match.start("version")) for match in self._pattern().finditer(body))

    def _pattern(self) -> re.Pattern[str]:
        before, *between = self.template.split(_PLACEHOLDER)
        version = re.escape(self.version)
        start = re.escape(before) if before else _NO_WORD_BEFORE
        rest = version.join(map(re.escape, between))
        return re.compile(f"{start}(?P<version>{version}){rest}{self._end(between[-1])}")

    def _end(self, after: str) -> str:
        """The pattern that ends the version; a text after it that cannot be part of a version ends it as well."""
        if after:
            return _NO_LONGER_PRERELEASE if _PART_OF_A_VERSION.fullmatch(after) else ""
        return _NO_LONGER_PRERELEASE if "-" in self.version else _NO_LONGER_VERSION


def _is_within_a_version(body: str, start: int) -> bool:
    """Whether a longer version has begun before this place, such as the pre-release ``v2.0.0-v1.0.1``."""
    return bool(_BEGUN_VERSION.search(body[max(0, start - _LONGEST) : start]))
