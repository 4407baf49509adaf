"""The format of the ledger's items: every item has its number, and names the Longshore that wrote it.

The number changes only if an older Longshore would misread an item: another meaning, or a new word of a closed set,
such as a verdict. A new key does not change it: an older Longshore ignores the key, and keeps it when it writes the
item back.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import metadata
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from longshore.errors import UnreadableRecordError

FORMAT = 1
"""The format that this Longshore writes. An item without a number has format 1."""

FORMAT_KEY, WRITER_KEY = "format", "writer"

Model = TypeVar("Model", bound=BaseModel)


def stamped(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item with the format and the version of Longshore that writes it."""
    return {**item, FORMAT_KEY: FORMAT, WRITER_KEY: own_version()}


def parse(model: type[Model], item: Mapping[str, Any], name: str) -> Model:
    """The value of an item; keys that the model does not know are kept.

    Args:
        model: its class.
        item: as the ledger has it.
        name: the item in words, such as the id of a release.

    Raises:
        UnreadableRecordError: a newer Longshore wrote it.
    """
    refuse_newer(item, name)
    try:
        return model.model_validate({key: item[key] for key in item if key not in (FORMAT_KEY, WRITER_KEY)})
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(map(str, first["loc"]))
        raise _newer(item, name, f"this Longshore does not know its {path} {_brief(first['input'])}") from error


def refuse_newer(item: Mapping[str, Any], name: str) -> None:
    """Refuses an item in a newer format.

    Raises:
        UnreadableRecordError: a newer Longshore wrote it.
    """
    if is_newer(item):
        raise _newer(item, name, f"format {item[FORMAT_KEY]}")


def is_newer(item: Mapping[str, Any]) -> bool:
    """Whether an item has a format that this Longshore does not know."""
    return item.get(FORMAT_KEY, FORMAT) not in range(1, FORMAT + 1)


@cache
def own_version() -> str:
    """The version of this Longshore; empty if it is used without being installed."""
    try:
        return metadata.version("longshore")
    except metadata.PackageNotFoundError:
        return ""


def _newer(item: Mapping[str, Any], name: str, reason: str) -> UnreadableRecordError:
    writer = item.get(WRITER_KEY) or ""
    target = f"version {writer} or later" if writer and writer != own_version() else "the version that wrote it"
    return UnreadableRecordError(
        f"{name} was written by a newer Longshore ({reason})",
        f"Update Longshore on this machine to {target}, then run the same command again.",
    )


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
