"""Masks secrets: known values, passwords in URLs and, in untrusted text, values after names such as ``password=``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

MASK = "(masked)"
SHORTEST = 6
"""Shorter values are not masked: they would also occur in ordinary words."""

# The rule of terraform/modules/plaintext, whose validation refuses such variables.
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
# A line may be a megabyte long, so each of these patterns must look at a character a few times only.
_URL_PASSWORD = re.compile(r"(?<=://)[^/@\s:]*:[^/@\s]*(?=@)")
_AUTHORIZATION = re.compile(r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?)((?:bearer|basic|token)\s+)?[^\s\"',;]+")
# The name of a secret in an ARN is not a secret, and often the one thing that a reader of AWS's message needs. ECS adds
# three parts to the ARN of a secret: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html
_ARN = (
    r"\barn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:"
    r"(?:secret:[\w/+.@!-]++(?::[\w.-]*:[\w.-]*:[\w.-]*+)?|[\w/+.@!*-]++(?::[0-9]++)?)(?!=)"
)
_NAMED = re.compile(
    rf"(?P<arn>{_ARN})|"
    r"(?i:(?P<name>(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|credentials?|passphrase)[\"']?"
    r"\s*[=:]\s*[\"']?)[^\s\"',;&]+)"
)


def is_secret(name: str) -> bool:
    """Whether a variable of this name holds a secret, by our rule or by Terraform's."""
    return bool(_SECRET_NAME.search(name) or re.search(SECRET_NAME, name))


def secrets(variables: Mapping[str, str]) -> set[str]:
    """The values of the variables that hold a secret."""
    return {value for name, value in variables.items() if is_secret(name)}


def secrets_of_containers(definitions: Iterable[Mapping[str, Any]]) -> set[str]:
    """The secrets in the environment of container definitions, in ECS's format."""
    variables = (entry for container in definitions for entry in container.get("environment") or [])
    named = ((entry["name"], entry.get("value") or "") for entry in variables)
    return {value for name, value in named if is_secret(name) or re.search(_PRIVATE_KEY, value)}


def words_without_secrets(words: Iterable[str]) -> list[str]:
    """A command whose secrets are masked, in the word of their name or in the next one (``--token abc``)."""
    masked, flag = [], ""
    for word in words:
        masked.append(MASK if is_secret(flag) else text_without_secrets(word))
        flag = word.strip("-").replace("-", "_") if word.startswith("-") and "=" not in word else ""
    return masked


def text_without_secrets(text: str) -> str:
    """A text from a container definition whose secrets are masked; an ARN is returned unchanged."""
    if re.search(_PRIVATE_KEY, text):
        return MASK
    return text if text.startswith("arn:") else _without_named(without_passwords(text))


def without_passwords(text: str) -> str:
    """A text whose passwords in URLs are masked."""
    return _URL_PASSWORD.sub(MASK, text)


def _without_named(text: str) -> str:
    return _NAMED.sub(lambda match: match["arn"] or f"{match['name']}{MASK}", text)


class Masks:
    """Known secrets, which are masked in every text that leaves the process.

    Args:
        values: secret values; those shorter than SHORTEST are ignored.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.hide(values)

    def hide(self, values: Iterable[str]) -> None:
        """Adds secret values. Each line of a multi-line value, such as a key, is a secret too."""
        # A container prints a key line by line, and each line is masked on its own.
        parts = {part for value in values for part in (value, *map(str.strip, value.splitlines()))}
        self._values |= {part for part in parts if len(part) >= SHORTEST}
        longest_first = sorted(self._values, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def mask(self, text: str) -> str:
        """Masks known values and passwords in URLs, in text of Longshore or of a program that it runs."""
        text = self._pattern.sub(MASK, text) if self._pattern else text
        return _AUTHORIZATION.sub(rf"\1{MASK}", without_passwords(text))

    def mask_untrusted(self, text: str) -> str:
        """Masks the same in text of a container or of AWS, and also values after names such as ``password=``.

        The names in ARNs of secrets and parameters stay readable.
        """
        return _without_named(self.mask(text))


class NoMasks(Masks):
    """Masks nothing, for output that a person asked for."""

    def mask(self, text: str) -> str:
        """The text, unchanged."""
        return text

    def mask_untrusted(self, text: str) -> str:
        """The text, unchanged."""
        return text
