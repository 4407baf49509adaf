"""Values in invoke.yaml: the checks of texts and numbers, and the words for a wrong one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from longshore.masking import without_passwords

_SHOWN_CHARACTERS = 60
_CONTROL = ("Cc", "Cs")
"""Categories of Unicode: control characters, and halves of a character, which no file name or URL can contain."""


def url(text: str) -> str:
    """The URL.

    Raises:
        ValueError: the text is not a URL of a web server, or has a login.
    """
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port above 65535, or an address in one bracket
        usable = False
    if text and (not usable or text.split() != [text]):
        raise ValueError(f"{shown(text)} is not a URL such as https://shop.example.com or http://127.0.0.1:8080")
    if text and "@" in parts.netloc:
        raise ValueError("must not contain a user name or a password: they would be shown and recorded")
    return text


def url_or_sandbox(text: str) -> str:
    """The URL of an endpoint, or the name of the sandbox.

    Raises:
        ValueError: the text is neither.
    """
    return text if text == "sandbox" else url(text)


def printable(text: str, *, lines: bool = False) -> str:
    """The text.

    Args:
        text: of a setting.
        lines: whether it may have several lines.

    Raises:
        ValueError: it has control characters.
    """
    allowed = "\t\r\n" if lines else ""
    if any(unicodedata.category(letter) in _CONTROL and letter not in allowed for letter in text):
        raise ValueError(f"{shown(text)} contains control characters")
    return text


def no_boolean(value: Any) -> Any:
    """The value; a boolean, which pydantic would take for 0 or 1, is not a number.

    Raises:
        ValueError: it is a boolean.
    """
    if isinstance(value, bool):
        raise ValueError(f"must be a number, got {shown(value)}")  # noqa: TRY004 - pydantic collects no TypeError
    return value


def shown(value: object, *, bare: bool = False) -> str:
    """A short text without control characters for a value, as YAML has read it.

    Args:
        value: of a file.
        bare: without quotes, if a string needs none.
    """
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, date):
        return f"the date {value}"
    words = {type(None): "nothing", list: "a list", tuple: "a list", set: "a set"}
    return words.get(type(value)) or _short(value, bare=bare)


def _short(value: object, *, bare: bool) -> str:
    try:
        # Masked before it is truncated: without its "@", the password in a URL is no longer recognised.
        value = without_passwords(value) if isinstance(value, str) else value
        text = value if bare and isinstance(value, str) and value.isprintable() else repr(value)
    except ValueError:  # Python writes no number of more than 4300 digits
        return "a number of thousands of digits"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def guess(wrong: str, known: Iterable[str]) -> str:
    """A question after the name of a thing that does not exist; empty without a similar one."""
    close = get_close_matches(wrong[:_SHOWN_CHARACTERS], list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
