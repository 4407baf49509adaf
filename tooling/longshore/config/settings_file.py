"""Reads invoke.yaml, or another file with settings, so that each mistake becomes one message with its line.

Invoke would end with a traceback for most of them, and would not notice a key that stands there twice.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from invoke import util

from longshore.errors import ConfigError

yaml: Any = vars(util)["yaml"]
"""Invoke's own copy, or the package if a distribution has taken that out."""

SECTION = "longshore"
"""The key of the settings."""

_MOST_VALUES = 100_000
"""Values of a document with its aliases replaced: a few aliases of aliases stand for billions of values."""
_DEEPEST = 50
_TEXT = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"
_READ_AS = {"bool": "a boolean", "int": "a number", "float": "a number", "timestamp": "a date", "null": "null"}
_FIX = "Fix the file, then run the same command again."
_TABS = "YAML is indented with spaces, not with tabs."


def read(path: Path) -> dict[str, Any]:
    """The contents of a file with settings, in YAML or JSON; an empty file has none.

    Raises:
        FileNotFoundError: there is no such file.
        ConfigError: it cannot be read, or is malformed; the message names the file, and the line if it is known.
    """
    data = _bytes(path)
    try:
        document = _json(path, data) if path.suffix == ".json" else _yaml(path, data)
    except RecursionError:
        _refuse(path, "is nested too deeply")
    except ValueError as error:  # a date with a month 13, or a number of thousands of digits
        _refuse(path, f"has an invalid value: {error}")
    if document is None:
        return {}
    if not isinstance(document, dict):
        _refuse(path, f"must be a mapping of keys to values, such as {SECTION}: …, not {_kind(document)}")
    return document


def _bytes(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # reading a FIFO would wait for ever
            _refuse(path, "is not a file", "Replace it by a file with your settings.")
        return path.read_bytes()
    except FileNotFoundError:
        if path.is_symlink():
            _refuse(path, "is a link to a file that does not exist", "Fix the link, or remove it.")
        raise
    except OSError as error:
        _refuse(path, f"cannot be read: {error.strerror}")


def _json(path: Path, data: bytes) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        document = dict(pairs)
        if len(document) < len(pairs):
            names = [name for name, _ in pairs]
            _refuse(path, f"has the key {next(name for name in names if names.count(name) > 1)!r} twice")
        return document

    try:
        return json.loads(data, object_pairs_hook=unique)
    except UnicodeDecodeError:
        _refuse(path, "is not encoded in UTF-8", "Save it in UTF-8.")
    except json.JSONDecodeError as error:
        _refuse(path, f"line {error.lineno}, column {error.colno}: {error.msg}")


def _yaml(path: Path, data: bytes) -> Any:
    try:
        loader = yaml.SafeLoader(data)
        node = loader.get_single_node()
        if node is None:
            return None
        _check(path, node)
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if (mark := error.problem_mark) else ""
        problem = str(error.problem or error.context)
        _refuse(path, f"{where}{problem}", f"{_TABS} {_FIX}" if "'\\t'" in problem else _FIX)
    except yaml.reader.ReaderError as error:
        if error.encoding != "unicode":
            _refuse(path, f"is not encoded in UTF-8 (at position {error.position})", "Save it in UTF-8.")
        letter = chr(error.character)
        _refuse(path, f"has a character that YAML does not allow, {letter!r}, at position {error.position}")


def _check(path: Path, root: Any) -> None:
    """Refuses a key that stands in a mapping twice, one that is not a text, and aliases that have no end."""
    sizes: dict[int, int] = {}
    above: set[int] = set()

    def size(node: Any, depth: int, *, ours: bool) -> int:
        if id(node) in above:
            _refuse(path, f"{_line(node)}: the alias contains itself")
        if depth > _DEEPEST:
            _refuse(path, f"{_line(node)}: nested too deeply (more than {_DEEPEST} levels)")
        if id(node) not in sizes:
            above.add(id(node))
            inner = (
                size(child, depth + 1, ours=ours or name == SECTION) for name, child in _inside(path, node, ours=ours)
            )
            sizes[id(node)] = 1 + sum(inner)
            above.remove(id(node))
        if sizes[id(node)] > _MOST_VALUES:
            _refuse(path, f"{_line(node)}: its aliases stand for more than {_MOST_VALUES} values")
        return sizes[id(node)]

    size(root, 0, ours=False)


def _inside(path: Path, node: Any, *, ours: bool) -> Iterator[tuple[str, Any]]:
    """The values in a node, each with its key; an item of a list has none."""
    if isinstance(node, yaml.SequenceNode):
        yield from (("", child) for child in node.value)
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[tuple[str, str]] = set()
    for key, value in node.value:
        name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
        if ours and key.tag not in (_TEXT, _MERGE):
            read_as = _READ_AS.get(key.tag.rpartition(":")[2], "not a text")
            _refuse(path, f"{_line(key)}: the key {name!r} is {read_as} in YAML", "Put the key in quotes.")
        if name and (key.tag, name) in seen:
            _refuse(path, f"{_line(key)}: the key {name!r} is there twice", "Keep one of them, or join the two.")
        seen.add((key.tag, name))
        yield name, value


def _line(node: Any) -> str:
    return f"line {node.start_mark.line + 1}"


def _kind(value: object) -> str:
    return (
        "a list" if isinstance(value, list) else f"the text {value[:40]!r}" if isinstance(value, str) else repr(value)
    )


def _refuse(path: Path, problem: str, hint: str = _FIX) -> NoReturn:
    between = ", " if problem.startswith("line ") else " "
    raise ConfigError(f"{path.name}{between}{problem}", hint)
