"""The reference of invoke.yaml, from the models of longshore.config.settings: key, type, default, meaning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from longshore.config import settings
from longshore.config.findings import sections
from scripts.reference.marks import cell

_NAMES = {str: "text", float: "number", int: "number", bool: "true or false", NoneType: "null"}
_PLACEHOLDERS = {"applications": "APPLICATION", "environments": "ENVIRONMENT", "images": "IMAGE"}
"""Keys under which you choose the names."""


def reference() -> str:
    """A section for each part of the configuration, outermost first."""
    return "\n\n".join(_sections("longshore", settings.Settings))


def _sections(path: str, section: type[BaseModel]) -> Iterator[str]:
    inner = [(f"{path}.{key}", model) for key, field in section.model_fields.items() for model in _models(field)]
    rows = [_row(key, field) for key, field in section.model_fields.items()]
    about = " ".join((section.__doc__ or "").replace("``", "`").split())
    yield "\n".join([f"## {path}", "", about, "", "| key | type | default | meaning |", "|---|---|---|---|", *rows])
    for key, model in inner:
        name = _PLACEHOLDERS.get(key.rpartition(".")[2])
        yield from _sections(f"{key}.{name}" if name else key, model)


def _row(key: str, field: FieldInfo) -> str:
    return f"| `{key}` | {_type(field.annotation)} | {_default(field)} | {cell(field.description or '')} |"


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (list, dict):
        return f"{'list' if origin is list else 'map'} of {_type(arguments[-1])}s"
    if arguments:
        return " or ".join(_type(argument) for argument in arguments)
    return "section" if issubclass(annotation, BaseModel) else _NAMES[annotation]


def _default(field: FieldInfo) -> str:
    default = field.default
    if default is PydanticUndefined:
        return "required"
    if isinstance(default, BaseModel) or _models(field):
        return "" if default is not None else "`null`"
    if isinstance(default, str):
        return f"`{default}`"
    number = isinstance(default, float) and default.is_integer()
    return f"`{json.dumps(int(default) if number else default)}`"


def _models(field: FieldInfo) -> list[type[BaseModel]]:
    """The sections below a field: one, or none."""
    return list(sections(field.annotation))
