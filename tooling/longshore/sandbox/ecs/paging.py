"""Pages of ECS's List operations."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from longshore.sandbox.ecs.definitions import ecs_error


def page(
    keys: Sequence[str], parameters: Mapping[str, Any], default: int, *, descending: bool = False
) -> tuple[list[str], str | None]:
    """A page of a List operation.

    The token holds the last key of the page before, so a list that grows or shrinks between two calls neither repeats
    nor skips other keys.

    Args:
        keys: all keys, sorted and unique.
        parameters: the parameters of the operation, of which `maxResults` and `nextToken` are used.
        default: the size of a page without `maxResults`.
        descending: whether the keys are sorted in descending order.

    Returns:
        The page's keys, and the token of the next page; None for the last page.
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
