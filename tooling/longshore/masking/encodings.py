"""The forms in which programs print a known value: JSON, URLs, HTML, string literals of languages, base64, hexadecimal.

Forms are combined: JSON inside JSON, a URL in JSON, one character escaped and the next one not. So a value becomes a
pattern with alternatives for each of its characters, not a list of texts.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_ESCAPES = {"\n": "n", "\r": "r", "\t": "t", "\0": "0", "\b": "b", "\f": "f", "\v": "v", "\x1b": "e"}
_ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_BACKSLASHES = r"\\{1,7}"
"""Each level of JSON inside JSON doubles the backslashes."""
_PERCENT = "%(?:25){0,2}"
_ALIKE = re.compile(r"[A-Za-z0-9]+")
"""Characters that no form escapes."""


@dataclass(frozen=True)
class Form:
    """A way to print a value.

    Attributes:
        anchor: a part that is the same in all its variants; a text without it need not be searched.
        pattern: a regular expression.
    """

    anchor: str
    pattern: str

    def search(self, text: str) -> Iterator[tuple[int, int]]:
        """The places at which a text has the value."""
        if self.anchor in text:
            yield from (match.span() for match in _compiled(self.pattern).finditer(text))


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def forms(value: str) -> list[Form]:
    """All forms of a value that is at least six characters long; shorter ones would be found in ordinary text."""
    raw = value.encode("utf-8", "surrogatepass")
    texts = [value, *_base64_cores(raw)]
    digits = raw.hex()
    return [*(Form(_anchor(text), "".join(map(_character, text))) for text in texts), *_hex_forms(digits)]


def _hex_forms(digits: str) -> list[Form]:
    return [Form(text, text) for text in {digits, digits.upper()}]


def _base64_cores(raw: bytes) -> Iterator[str]:
    """The part of the base64 text that the value alone decides, at each alignment with the text around it."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode()
        first = -(-before * 8 // 6)
        yield encoded[first : (before + len(raw)) * 8 // 6]


def _anchor(text: str) -> str:
    return max(_ALIKE.findall(text), key=len, default="")


def _character(letter: str) -> str:
    if _ALIKE.fullmatch(letter) and letter.isascii():
        return letter
    return f"(?:{'|'.join(_special(letter))})"


def _special(letter: str) -> Iterator[str]:
    """The alternatives for a character that some form escapes."""
    code, raw = ord(letter), letter.encode("utf-8", "surrogatepass")
    yield rf"\\{{0,7}}{re.escape(letter)}"
    yield _PERCENT + _any_case(f"{_PERCENT}".join(f"{byte:02x}" for byte in raw))
    yield "".join(rf"{_BACKSLASHES}x{_any_case(f'{byte:02x}')}" for byte in raw)
    yield "".join(rf"{_BACKSLASHES}{byte:03o}" for byte in raw)
    yield "".join(rf"{_BACKSLASHES}u{_any_case(unit)}" for unit in _utf_16(letter))
    yield rf"{_BACKSLASHES}u\{{0{{0,4}}{_any_case(f'{code:x}')}\}}"
    yield rf"{_BACKSLASHES}U{_any_case(f'{code:08x}')}"
    yield rf"&#(?:0{{0,4}}{code}|[xX]0{{0,4}}{_any_case(f'{code:x}')});"
    if 0x7F < code < 0x100:
        yield rf"{_BACKSLASHES}x{_any_case(f'{code:02x}')}"
    if letter in _ESCAPES:
        yield rf"{_BACKSLASHES}{_ESCAPES[letter]}"
    if letter in _ENTITIES:
        yield f"&(?:amp;){{0,2}}{_ENTITIES[letter]};"
    yield from _OTHER_FORMS.get(letter, ())


_OTHER_FORMS = {
    " ": [r"\+"],  # in a query string
    "+": ["-"],  # in URL-safe base64
    "/": ["_"],
    "'": ["''", r"'\\''", "'\"'\"'"],  # in SQL and in a shell
    '"': ['""'],  # in CSV
    "%": ["%%"],  # in a format
}


def _any_case(digits: str) -> str:
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)


def _utf_16(letter: str) -> list[str]:
    """The code units of a character, four hexadecimal digits each."""
    digits = letter.encode("utf-16-be", "surrogatepass").hex()
    return [digits[start : start + 4] for start in range(0, len(digits), 4)]
