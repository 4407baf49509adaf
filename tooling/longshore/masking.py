"""Secrets are not shown: known values, passwords in URLs, and what stands behind a telling name in foreign text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "(masked)"
SHORTEST = 6
"""A value shorter than this is not looked for: it would turn up in other words."""

# The rule of terraform/modules/plaintext, whose validation would refuse what we write.
SECRET_NAME = "|".join((
    r"(?i:(^|[_.-])([a-z0-9]*(password|passwd|passphrase)|secrets?|token|credentials?)([_.-]|$))",
    r"(?i:(^|[_.-])(api|master|private|access|secret|encryption|signing)[_.-]?key([_.-]|$))",
    r"(?i:[_.-](pass|pwd)$)",
))  # fmt: skip
_PRIVATE_KEY = r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
SECRET_VALUE = "|".join((
    r"(?i:[a-z][a-z0-9+.-]*://[^/?#\s]*:[^/?#\s]+@)",
    _PRIVATE_KEY,
))  # fmt: skip

_NAMES = "PASSWORD|PASSWD|SECRET|TOKEN|KEY|CREDENTIALS?|PASSPHRASE|DSN"
_SECRET_NAME = re.compile(rf"(^|_)({_NAMES})(_|$)|_PWD$|^TF_TOKEN_", re.IGNORECASE)
# A line may be a megabyte long: each of these looks at a character a few times at the most, whatever stands there.
_URL_PASSWORD = re.compile(r"(?<=://)[^/@\s:]*:[^/@\s]*(?=@)")
_AUTHORIZATION = re.compile(r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?)((?:bearer|basic|token)\s+)?[^\s\"',;]+")
_NAMED = re.compile(
    r"(?i)((?:password|passwd|secret|token|api[_-]?key|access[_-]?key|credentials?|passphrase)[\"']?\s*[=:]\s*[\"']?)"
    r"[^\s\"',;&]+"
)


def is_secret(name: str) -> bool:
    """Whether a variable of this name holds a secret: by our rule, or by that of Terraform."""
    return bool(_SECRET_NAME.search(name) or re.search(SECRET_NAME, name))


def secrets(variables: Mapping[str, str]) -> set[str]:
    """The values of those variables that hold a secret."""
    return {value for name, value in variables.items() if is_secret(name)}


def secrets_of_containers(definitions: Iterable[Mapping[str, Any]]) -> set[str]:
    """The secrets that stand in the variables of container definitions, in ECS's form."""
    named = ((entry["name"], entry.get("value") or "") for one in definitions for entry in one.get("environment") or [])
    return {value for name, value in named if is_secret(name) or re.search(_PRIVATE_KEY, value)}


def words_without_secrets(words: Iterable[str]) -> list[str]:
    """A command without what stands behind a telling name, in the same word or as the next one (``--token abc``)."""
    found, flag = [], ""
    for word in words:
        found.append(MASK if is_secret(flag) else text_without_secrets(word))
        flag = word.strip("-").replace("-", "_") if word.startswith("-") and "=" not in word else ""
    return found


def text_without_secrets(text: str) -> str:
    """A text that somebody wrote for a container, without what stands behind a telling name in it; ARNs are none."""
    if re.search(_PRIVATE_KEY, text):
        return MASK
    return text if text.startswith("arn:") else _NAMED.sub(rf"\1{MASK}", without_passwords(text))


def without_passwords(text: str) -> str:
    """A text without the passwords in its URLs."""
    return _URL_PASSWORD.sub(MASK, text)


class Masks:
    """What is not to be shown, in the words of whoever knows it.

    Args:
        values: secret values; shorter ones than SHORTEST are left out.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self.hide(values)

    def hide(self, values: Iterable[str]) -> None:
        """Takes in values that have become known; of one of several lines, such as a key, each line, too."""
        # A container prints a key line by line, and each line is masked on its own.
        found = {part for value in values for part in (value, *map(str.strip, value.splitlines()))}
        self._values |= {part for part in found if len(part) >= SHORTEST}
        longest_first = sorted(self._values, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def mask(self, text: str) -> str:
        """A text of ours, or of a program that we run, without known values and passwords in URLs."""
        text = self._known.sub(MASK, text) if self._known else text
        return _AUTHORIZATION.sub(rf"\1{MASK}", without_passwords(text))

    def mask_untrusted(self, text: str) -> str:
        """A text that a container wrote: without what stands behind a name such as ``password=``, too."""
        return _NAMED.sub(rf"\1{MASK}", self.mask(text))


class NoMasks(Masks):
    """Shows everything: for what a person asked to see."""

    def mask(self, text: str) -> str:
        """The text."""
        return text

    def mask_untrusted(self, text: str) -> str:
        """The text."""
        return text
