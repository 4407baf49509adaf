"""Pages of a list, as ECS's List operations cut them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from longshore.sandbox.ecs.definitions import ecs_error


def page(
    keys: Sequence[str], parameters: Mapping[str, Any], default: int, *, descending: bool = False
) -> tuple[list[str], str | None]:
    """Cut the page that a List operation asks for.

    The token holds the last key of the page before, so that a list that grows or shrinks meanwhile neither repeats nor
    skips what was there all along.

    Args:
        keys: all keys, each once, sorted.
        parameters: of the operation: `maxResults` and `nextToken` count.
        default: how many there are on a page if `maxResults` does not say.
        descending: whether the keys are sorted the other way round.

    Returns:
        The page's keys, and the token of the next page; None at the end.
    """
    size = parameters.get("maxResults") or default
    if not 1 <= size <= 100:
        raise ecs_error("InvalidParameterException", "maxResults must be between 1 and 100.")
    token = parameters.get("nextToken")
    after = _decode(token) if token else None
    rest = [key for key in keys if after is None or (key < after if descending else key > after)]
    return rest[:size], _encode(rest[size - 1]) if len(rest) > size else None


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decode(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ecs_error("InvalidParameterException", "Invalid token.") from error
