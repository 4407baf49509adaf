"""Counts words that the style guide rules out: ``python -m scripts.words [PATH]``, or lists them below a path."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from scripts.words.rules import violations
from scripts.words.texts import DOCUMENTS, INFRASTRUCTURE, PACKAGE, SETTINGS, Text, texts

_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")
_COUNTED = {
    "headless clauses": re.compile(r"\b(what(?! if\b| to\b)|(who|what|which)ever)\b(?![^.!;]*\?)", re.IGNORECASE),
    "nobody, somebody, whoever": re.compile(r"\b(nobody|somebody|whoever)\b", re.IGNORECASE),
    "you, your": re.compile(r"\byou(rs?)?\b", re.IGNORECASE),
}


def frequency(pieces: Iterable[Text]) -> dict[str, float]:
    """How often each of the counted words stands in 10,000 words."""
    words = "\n".join(piece.words for piece in pieces)
    total = len(_WORD.findall(words)) or 1
    return {name: len(pattern.findall(words)) * 10_000 / total for name, pattern in _COUNTED.items()}


def main(arguments: list[str]) -> int:
    """Lists violations below a path, or counts; exit code 1 if there are violations."""
    below = arguments[0] if arguments else ""
    count = 0
    for text in texts((*PACKAGE, *DOCUMENTS, *INFRASTRUCTURE, *SETTINGS), below):
        for phrase, better in violations(text.words):
            count += 1
            if below:
                sys.stdout.write(f"{text.file}:{text.line}: {phrase!r}; write: {better}\n")
    for name, patterns in (
        ("README and docs", ("README.md", "docs/**/*.md")),
        ("package", ("tooling/longshore/**/*.py",)),
    ):
        for counted, value in frequency(texts(patterns)).items():
            sys.stdout.write(f"{name:<16} {counted:<26} {value:6.1f} in 10,000 words\n")
    sys.stdout.write(f"{count} violations\n")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
