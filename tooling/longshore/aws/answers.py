"""Answers of AWS, compared with the shapes that AWS's model gives them: boto3 passes on any JSON.

A proxy, an emulator or a cut-off answer may lack a key or have another type in its place. Then there is one error with
the operation and the path of the key, and not a KeyError or TypeError somewhere else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NoReturn, SupportsIndex, overload

from longshore.errors import AwsError

MALFORMED = "malformed answer"
"""The code of the error; a repetition of the call does not help."""
HINT = (
    "Something other than AWS may answer, such as a proxy: check HTTPS_PROXY, and the setting endpoint in invoke.yaml."
)

_TYPES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "structure": (dict, "a mapping"),
    "map": (dict, "a mapping"),
    "list": (list, "a list"),
    "string": (str, "a string"),
    "integer": (int, "a whole number"),
    "long": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "double": ((int, float), "a number"),
    "boolean": (bool, "true or false"),
    "timestamp": (datetime, "a time"),
}
_NUMBERS = ("integer", "long", "float", "double")


class Answer(dict[str, Any]):
    """A mapping in an answer; reading a key that it lacks is an error with the operation and the path.

    Args:
        values: of the mapping.
        operation: such as ``ECS DescribeServices``.
        path: of the mapping in the answer; empty for the whole answer.
    """

    def __init__(self, values: dict[str, Any], operation: str, path: str = "") -> None:
        super().__init__(values)
        self._operation, self._path = operation, path

    def __missing__(self, key: str) -> NoReturn:
        _refuse(self._operation, f"has no {_join(self._path, key)!r}")


class Items(list[Any]):
    """A list in an answer; reading an item that it lacks is an error as well. For the arguments, see `Answer`."""

    def __init__(self, values: list[Any], operation: str, path: str) -> None:
        super().__init__(values)
        self._operation, self._path = operation, path

    @overload
    def __getitem__(self, place: SupportsIndex) -> Any: ...
    @overload
    def __getitem__(self, place: slice) -> list[Any]: ...
    def __getitem__(self, place: SupportsIndex | slice) -> Any:
        try:
            return super().__getitem__(place)
        except IndexError:
            _refuse(self._operation, f"has an empty list {self._path!r}")


def checked(value: Any, shape: Any, operation: str, path: str = "") -> Any:
    """A part of an answer, with its types compared with a shape.

    Args:
        value: as botocore has parsed it.
        shape: of botocore's model; None if it is unknown; then only missing keys are noticed.
        operation: such as ``ECS DescribeServices``.
        path: of the part; empty for the whole answer.

    Raises:
        AwsError: the type of a value differs from its shape.
    """
    kind = shape.type_name if shape is not None else "structure" if isinstance(value, dict) else ""
    expected, words = _TYPES.get(kind, (object, ""))
    fits: bool = isinstance(value, expected)
    if not fits or (kind in _NUMBERS and isinstance(value, bool)):
        given = f"has {_shown(value)} as {path!r}" if path else f"is {_shown(value)}"
        _refuse(operation, f"{given}, but AWS documents {words}")
    if kind == "structure" and not getattr(shape, "is_document_type", False):
        members = shape.members if shape is not None else {}
        inner = {key: _member(v, members.get(key), operation, _join(path, key)) for key, v in value.items()}
        return Answer(inner, operation, path)
    if kind == "list":
        items = [checked(item, shape.member, operation, f"{path}[{number}]") for number, item in enumerate(value)]
        return Items(items, operation, path)
    if kind == "map":
        return {key: checked(inner, shape.value, operation, _join(path, key)) for key, inner in value.items()}
    return value.replace(tzinfo=UTC) if kind == "timestamp" and value.tzinfo is None else value


def _member(value: Any, shape: Any, operation: str, path: str) -> Any:
    return value if shape is None else checked(value, shape, operation, path)


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _shown(value: object) -> str:
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else f"{value!r:.60}"


def _refuse(operation: str, problem: str) -> NoReturn:
    raise AwsError(f"the answer of {operation} {problem}", HINT, MALFORMED)
