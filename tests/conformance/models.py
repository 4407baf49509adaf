"""Botocore's models of the AWS services: values, errors, limits, texts, and the shapes of answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

SERVICES = (
    "application-autoscaling",
    "codebuild",
    "dynamodb",
    "ecr",
    "ecs",
    "elbv2",
    "events",
    "logs",
    "s3",
    "ssm",
    "sts",
)
"""The services that the package calls."""

_PLAIN: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (float, int),
    "double": (float, int),
    "blob": (str, bytes),
    "timestamp": (float, int, str, datetime, date),
}


@cache
def model(service: str) -> ServiceModel:
    """The model of a service."""
    return botocore.session.get_session().get_service_model(service)


def operation(service: str, name: str) -> OperationModel:
    """The model of an operation, such as ``DescribeServices``."""
    return model(service).operation_model(name)


@cache
def values(service: str) -> frozenset[str]:
    """Every value of every enumeration of a service."""
    shapes = (model(service).shape_for(name) for name in model(service).shape_names)
    return frozenset(value for shape in shapes for value in _enum(shape))


@cache
def errors(service: str) -> frozenset[str]:
    """The codes of all errors that the model of a service names."""
    shapes: Any = model(service).error_shapes
    return frozenset(code for shape in shapes for code in (shape.name, shape.error_code))


@cache
def fields(service: str) -> frozenset[str]:
    """The names of all fields of a service, in calls and in answers."""
    shapes = (model(service).shape_for(name) for name in model(service).shape_names)
    return frozenset(name for shape in shapes if isinstance(shape, StructureShape) for name in shape.members)


def enumeration(service: str, shape: str) -> tuple[str, ...]:
    """The values of an enumeration, in the model's order."""
    return _enum(model(service).shape_for(shape))


def text(service: str, path: str) -> str:
    """The documentation of a member, such as ``Service.status``, or of an operation, such as ``RunTask``; no markup."""
    shape, _, member = path.partition(".")
    if member:
        structure: Any = model(service).shape_for(shape)
        raw = structure.members[member].documentation
    else:
        raw = operation(service, shape).documentation
    return " ".join(re.sub(r"<[^>]+>", " ", raw).split())


def problems(shape: Shape | None, value: Any, path: str) -> Iterator[str]:
    """The ways in which an answer departs from its shape, one line each.

    Args:
        shape: the shape of the answer; None if the operation answers nothing.
        value: plain data with the model's names; a field that is None is absent, as it is for botocore.
        path: where the value is, for the lines.
    """
    if shape is None:
        yield from [f"{path}: the operation has no answer"] if value else []
    elif isinstance(shape, StructureShape) and isinstance(value, Mapping):
        yield from _of_structure(shape, value, path)
    elif isinstance(shape, ListShape) and isinstance(value, (list, tuple)):
        for item in value:
            yield from problems(shape.member, item, f"{path}[]")
    elif isinstance(shape, MapShape) and isinstance(value, Mapping):
        for key, item in value.items():
            yield from problems(shape.value, item, f"{path}[{key}]")
    else:
        yield from _of_scalar(shape, value, path)


def _of_scalar(shape: Shape, value: Any, path: str) -> Iterator[str]:
    kinds = _PLAIN.get(shape.type_name, ())
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        yield f"{path}: {value!r} is not a {shape.type_name}"
    elif _enum(shape) and value not in _enum(shape):
        yield f"{path}: {value!r} is not one of {', '.join(_enum(shape))}"


def _of_structure(shape: StructureShape, value: Mapping[str, Any], path: str) -> Iterator[str]:
    members = shape.members
    names = {members[name].serialization.get("name", name): name for name in members}
    yield from (f"{path}.{name}: the model has no such field" for name in value if name not in names)
    present = {names[name]: item for name, item in value.items() if name in names and item is not None}
    missing = [name for name in shape.required_members if name not in present]
    yield from (f"{path}.{name}: the model requires it" for name in missing)
    for name, item in present.items():
        yield from problems(members[name], item, f"{path}.{name}")


def wire(shape: Shape | None, value: Any) -> Any:
    """An answer as AWS sends it: moments as seconds since 1970, as the JSON protocols have them."""
    if isinstance(shape, StructureShape):
        return {name: wire(shape.members.get(name), item) for name, item in value.items()}
    if isinstance(shape, ListShape):
        return [wire(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: wire(shape.value, item) for key, item in value.items()}
    if shape is not None and shape.type_name == "timestamp" and isinstance(value, str):
        return datetime.fromisoformat(value).timestamp()
    return value


def _enum(shape: Shape) -> tuple[str, ...]:
    return tuple(getattr(shape, "enum", None) or ())
