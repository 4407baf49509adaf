"""Valid documents with a few mistakes: keys without a value, other types, a document in another, huge values."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any

_VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 1.5, 1e300, 10**400, "", "x", "é", "a\nb\x1b[31m", "\0", "9" * 5000, "1e400", "null",
    "2026-13-45", "arn:aws:ecs:x", "no", "{", "{x}", "${x}", [], {}, [None], [[]], ["x"], {"": None}, {"x": {"x": []}},
]  # fmt: skip
_LETTERS = "\"'{}[]()<>,:;=#&*!|>%@`\\\t\n\r \0\x1b$~-+.0159aeE_é\ud800\U0001f6a2"


def changed(document: Any, random: Random) -> Any:
    """A copy of a document of JSON's types with one to three mistakes."""
    result = copy.deepcopy(document)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        result = _change(result, random)
    return result


def changed_text(text: str, random: Random) -> str:
    """A text with one to four mistakes: letters added, replaced, taken out or repeated."""
    for _ in range(random.randint(1, 4)):
        begin = random.randint(0, len(text))
        end = min(len(text), begin + random.choice((0, 0, 1, 1, 2, 8, 40)))
        letters = "".join(random.choice(_LETTERS) for _ in range(random.choice((0, 1, 1, 2, 5))))
        middle = text[begin:end] * random.choice((2, 50, 3000)) if random.random() < 0.1 else letters
        text = f"{text[:begin]}{middle}{text[end:]}"
    return text


def changed_json(document: Any, random: Random) -> bytes:
    """The JSON of a document with mistakes in its values or, now and then, in its letters."""
    text = json.dumps(changed(document, random))
    return (changed_text(text, random) if random.random() < 0.1 else text).encode(errors="surrogatepass")


def _change(document: Any, random: Random) -> Any:
    places = list(_places(document))
    if not places or random.random() < 0.02:
        return random.choice(_VALUES)
    parent, key = random.choice(places)
    act = random.random()
    if act < 0.3:
        del parent[key]
    elif act < 0.7:
        parent[key] = copy.deepcopy(random.choice(_VALUES))
    elif act < 0.8:
        value = parent[key]
        parent[key] = random.choice(([value], {"x": value}, [value] * 3, repr(value)[:99]))
    elif act < 0.9:
        other, name = random.choice(places)
        parent[key] = copy.deepcopy(other[name]) if _is_there(other, name) else None
    elif isinstance(parent, list):
        parent.append(copy.deepcopy(parent[key]))
    else:
        parent[random.choice(("", "x", "a\nb", str(key).upper(), "\0"))] = parent[key]
    return document


def _is_there(parent: Any, key: Any) -> bool:
    return key in parent if isinstance(parent, dict) else key < len(parent)


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Each value in a document, as the mapping or list that has it, and its key or place there."""
    if isinstance(document, dict):
        keys: list[Any] = list(document)
    else:
        keys = list(range(len(document))) if isinstance(document, list) else []
    for key in keys:
        yield document, key
        yield from _places(document[key])
