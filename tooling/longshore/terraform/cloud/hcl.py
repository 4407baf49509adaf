"""Values as HCL literals: what a variable of a run must be. JSON is none: HCL reads ``${`` and ``%{`` in a text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_TEMPLATE = re.compile(r"(\$+|%+)\{")


def literal(value: object) -> str:
    """A value as HCL.

    Args:
        value: a text, a number, True, False or None, or a list or mapping of such.

    Raises:
        TypeError: anything else.
    """
    if isinstance(value, str):
        return f'"{_text(value)}"'
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(str(key))} = {literal(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(literal(inner) for inner in value) + "]"
    raise TypeError(f"HCL has no {type(value).__name__}")


def _text(text: str) -> str:
    parts = _TEMPLATE.split(text)
    # Every second part is the run of $ or % that stood before a brace.
    return "".join(_marked(part) + "{" if number % 2 else _plain(part) for number, part in enumerate(parts))


def _marked(run: str) -> str:
    # HCL reads `$${` as `${`, but also the first two of `$$${`: a longer run is written by its code points.
    return run * 2 if len(run) == 1 else "".join(f"\\u{ord(one):04x}" for one in run)


def _plain(text: str) -> str:
    return "".join(_ESCAPES.get(one) or (one if one.isprintable() else _coded(one)) for one in text)


def _coded(one: str) -> str:
    return f"\\u{ord(one):04x}" if ord(one) <= 0xFFFF else f"\\U{ord(one):08x}"
