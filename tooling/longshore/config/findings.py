"""The mistakes that pydantic finds in a document, one line each with the path of the key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from longshore.config.values import guess, shown

_ADDED = "[key]"
"""The part of a path with which pydantic says that the key itself is wrong."""
_SCALARS = (bool, int, float, date)
_QUOTES = " (put it in quotes)"


def findings(error: ValidationError, root: str, model: type[BaseModel]) -> list[str]:
    """The mistakes in their order, each at most once.

    Args:
        error: of pydantic.
        root: the name of the whole, with which each path begins.
        model: of the whole, whose keys are suggested for unknown ones.
    """
    return list(dict.fromkeys(_finding(detail, root, model) for detail in error.errors()))


def _finding(detail: Any, root: str, model: type[BaseModel]) -> str:
    keys = [part for part in detail["loc"] if part != _ADDED]
    path = ".".join([root, *(shown(part, bare=True) for part in keys)])
    if detail["type"] == "extra_forbidden":
        return f"{path}: unknown key{guess(str(keys[-1]), _keys_at(model, keys[:-1]))}"
    return f"{path}: {_explanation(detail)}"


def _explanation(detail: Any) -> str:
    given, context = shown(detail["input"]), detail.get("ctx", {})
    explanations = {
        "string_pattern_mismatch": f"{given} does not match {context.get('pattern')}",
        "string_type": f"must be a string, got {given}{_QUOTES if isinstance(detail['input'], _SCALARS) else ''}",
        "too_short": "must not be empty",
        "missing": "is missing",
        "dict_type": f"must be a mapping of keys to values, got {given}",
        "model_type": f"must be a mapping of keys to values, got {given}",
        "list_type": f"must be a list, got {given}",
        "value_error": str(context.get("error")),
    }
    return explanations.get(detail["type"]) or f"{detail['msg']}, got {given}"


def _keys_at(model: type[BaseModel], path: list[Any]) -> Mapping[str, Any]:
    section = model
    for part in path:
        if part in section.model_fields:
            annotation = section.model_fields[part].annotation
            section = next(sections(annotation), section)
    return section.model_fields


def sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in a field's type: the one of a map's values, too."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from sections(argument)
