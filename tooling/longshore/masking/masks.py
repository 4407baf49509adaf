"""The masks of a process: known values, and secrets that are recognised by their shape or by their name."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from longshore.masking import named_values, shapes
from longshore.masking.encodings import Form, forms
from longshore.masking.ordinary import is_ordinary, with_parts

MASK = "(masked)"
SHORTEST = 6
"""Shorter values are not masked: they would also occur in ordinary words."""
CUT = 3
"""Characters of a secret at the end of a line that may be its first part; fewer reveal nothing."""

IDENTIFIERS = frozenset(
    {"account", "after", "application", "approved", "arn", "before", "build", "cause", "cluster", "commit",
     "container", "deployment", "digest", "environment", "family", "fingerprint", "hook", "host", "id", "image",
     "key", "kind", "looked", "name", "outcome", "platforms", "project", "promoted_from", "region", "registered",
     "release", "released", "repository", "revision", "rule", "service", "since", "stage", "standing", "state",
     "status", "stop_code", "tag", "task", "task_definition", "user", "verdict", "version"}
)  # fmt: skip
"""Keys of a document whose values a program compares or passes on."""
_IDENTIFIER_ENDS = ("_arn", "_digest", "_id", "_name", "_version")

READ_BACK = frozenset({"allow_destroy", "bump", "counts", "on", "services", "tag", "to"})
"""Options by which a run is resumed: keys, counts, addresses and versions."""

_Span = tuple[int, int]


class Masks:
    """Known secrets, which are masked in every text that leaves the process.

    Args:
        values: secret values; those shorter than SHORTEST are ignored.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values: dict[str, list[Form]] = {}
        self._names: set[str] = set()
        self.hide(values)

    def hide(self, values: Iterable[str]) -> None:
        """Adds secret values. Each line of a multi-line value, such as a key, is a secret too.

        A value that would mask ordinary words (`is_ordinary`), or a name given to `spare`, is ignored.
        """
        # A container prints a key line by line, and each line is masked on its own.
        parts = {part for value in values for part in (value, *map(str.strip, value.splitlines()))}
        new = {part for part in parts if len(part) >= SHORTEST and part not in MASK} - self._values.keys()
        self._values.update((part, forms(part)) for part in new if not is_ordinary(part, self._names))

    def spare(self, names: Iterable[str]) -> None:
        """Adds names of the environment, such as its cluster: neither they nor their words are masked from now on."""
        self._names |= with_parts(names)
        for name in self._names & self._values.keys():
            del self._values[name]

    def knows(self, text: str) -> bool:
        """Whether a text contains a known value."""
        return any(True for _ in self._known(text))

    def mask(self, text: str) -> str:
        """Masks known values and secrets with a shape, in text of Longshore or of a program that it runs."""
        return replaced(text, self._spans([text], untrusted=False))

    def mask_untrusted(self, text: str) -> str:
        """Masks the same in text of a container or of AWS, and also values after names such as ``password=``.

        The names in ARNs of secrets and parameters stay readable.
        """
        return "\n".join(self.mask_lines(text.split("\n")))

    def mask_lines(self, lines: Sequence[str], *, untrusted: bool = True) -> list[str]:
        """Masks consecutive lines, also a secret that continues on the next line; returns as many lines."""
        spans = merged(self._spans(lines, untrusted=untrusted))
        masked, first, start = [], 0, 0
        for line in lines:
            while first < len(spans) and spans[first][1] <= start:
                first += 1
            last = first
            while last < len(spans) and spans[last][0] < start + len(line):
                last += 1
            masked.append(_replaced(line, [(begin - start, end - start) for begin, end in spans[first:last]]))
            start += len(line) + 1
        return masked

    def mask_document(self, value: Any, key: str = "") -> Any:
        """Masks the texts in a document for JSON; its keys, and the values of IDENTIFIERS, stay as they are."""
        if isinstance(value, str):
            return value if key in IDENTIFIERS or key.endswith(_IDENTIFIER_ENDS) else self.mask(value)
        if isinstance(value, Mapping):
            return {name: self.mask_document(inner, name) for name, inner in value.items()}
        return [self.mask_document(inner, key) for inner in value] if isinstance(value, list | tuple) else value

    def mask_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Masks the options of a run; those that a resumed run reads stay as they are."""
        return {name: value if name in READ_BACK else self.mask_document(value) for name, value in options.items()}

    def is_cut(self, lines: list[str]) -> bool:
        """Whether a secret may continue on the line after these."""
        text = "".join(map(str.strip, lines))
        tail = text[-max(map(len, self._values), default=0) :]
        cut = any(_ends_inside(tail, value) for value in self._values)
        return cut or named_values.continues(lines[-1]) or shapes.inside_private_key(lines)

    def _spans(self, lines: Sequence[str], *, untrusted: bool) -> Iterator[_Span]:
        """The places of secrets in the lines, as they stand in the text with line feeds between them."""
        text = "\n".join(lines)
        yield from self._known(text)
        yield from shapes.spans(text)
        if untrusted:
            yield from named_values.spans(text)
        if len(lines) > 1:
            yield from self._across(lines)

    def _known(self, text: str) -> Iterator[_Span]:
        for value_forms in self._values.values():
            for form in value_forms:
                yield from form.search(text)

    def _across(self, lines: Sequence[str]) -> Iterator[_Span]:
        """The places of known values that begin on one line and end on another; indentation is ignored."""
        stripped = [line.strip() for line in lines]
        starts = [0, *accumulate(map(len, stripped))]
        offsets = [0, *accumulate(len(line) + 1 for line in lines)]
        indents = [len(line) - len(line.lstrip()) for line in lines]
        for begin, end in self._known("".join(stripped)):
            for number in range(bisect_right(starts, begin) - 1, len(lines)):
                if starts[number] >= end:
                    break
                shift = offsets[number] + indents[number] - starts[number]
                yield max(begin, starts[number]) + shift, min(end, starts[number + 1]) + shift


class NoMasks(Masks):
    """Masks nothing, for output that a person asked for."""

    def _spans(self, lines: Sequence[str], *, untrusted: bool) -> Iterator[_Span]:  # noqa: ARG002 - nothing is masked
        return iter(())


def _ends_inside(text: str, value: str) -> bool:
    """Whether a text ends with the beginning of a value, but not with all of it."""
    at = text.find(value[:CUT], -len(value) + 1)
    while at >= 0:
        if value.startswith(text[at:]):
            return True
        at = text.find(value[:CUT], at + 1)
    return False


def replaced(text: str, spans: Iterable[_Span]) -> str:
    """A text with a mask for each group of spans that overlap."""
    return _replaced(text, merged(spans))


def merged(spans: Iterable[_Span]) -> list[_Span]:
    """Spans in their order, those that overlap as one."""
    groups: list[_Span] = []
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if groups and begin < groups[-1][1]:
            groups[-1] = (groups[-1][0], max(end, groups[-1][1]))
        else:
            groups.append((begin, end))
    return groups


def _replaced(text: str, groups: Iterable[_Span]) -> str:
    """A text with a mask for each span; parts of a span outside of the text are ignored."""
    pieces, done = [], 0
    for begin, end in groups:
        pieces += [text[done : max(begin, 0)], MASK]
        done = end
    return "".join([*pieces, text[done:]])
