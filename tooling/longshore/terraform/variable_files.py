"""The variable files of an environment, read as Terraform does: a later file overrides an earlier one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from longshore.errors import ConfigError
from longshore.terraform import hcl


def read(files: Sequence[Path]) -> dict[str, Any]:
    """The variables that the files assign, in the form of `hcl.parse`.

    Raises:
        ConfigError: a file cannot be read; the message names it, and shows nothing of its content.
    """
    return {name: value for file in files for name, value in _read(file).items()}


def strings(variables: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A variable that is a map of strings, without entries that are null; empty if it is not assigned.

    Raises:
        ConfigError: it is not a map.
    """
    value = variables.get(name)
    if not isinstance(value, dict | None):
        raise ConfigError(f"{name} is not a map in the variable files", f"Write it as {name} = {{ … }}.")
    return {key: inner for key, inner in (value or {}).items() if inner is not None}


def add(files: Sequence[Path], name: str, entries: Mapping[str, str]) -> Path:
    """Adds entries to a map variable, and keeps the existing ones.

    Args:
        files: the variable files. The last file that assigns the variable is changed, because its assignment is the
            effective one; if none does, the first.
        name: of the variable.
        entries: to add.

    Returns:
        The changed file.

    Raises:
        ConfigError: the file cannot be read or written; it is unchanged.
    """
    file = next((file for file in reversed(files) if name in _read(file)), files[0])
    with _errors_of(file):
        text = _text(file)
        changed = (_with_entries_json if _is_json(file) else hcl.with_entries)(text, name, entries)
        _replace(file.resolve(), changed.encode())
    return file


def _replace(file: Path, content: bytes) -> None:
    """Replaces the content of a file in one step: a signal or a full disk leaves the file as it was."""
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        partial.write_bytes(content)
        shutil.copymode(file, partial)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _read(file: Path) -> dict[str, Any]:
    with _errors_of(file):
        return _parse_json(_text(file)) if _is_json(file) else hcl.parse(_text(file))


def _is_json(file: Path) -> bool:
    return file.name.endswith(".json")  # Terraform's own rule for -var-file


def _text(file: Path) -> str:
    # Not read_text, which would convert the line ends inside a heredoc.
    return file.read_bytes().decode()


def _parse_json(text: str) -> dict[str, Any]:
    """As `hcl.parse`; strings in JSON are never templates."""

    def value(source: Any) -> Any:
        if isinstance(source, dict):
            return {name: value(inner) for name, inner in source.items()}
        if isinstance(source, list):
            return [value(inner) for inner in source]
        return source if source is None or isinstance(source, str) else hcl.as_string(source)

    return {name: value(inner) for name, inner in _document(text).items()}


def _document(text: str) -> dict[str, Any]:
    document = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    if not isinstance(document, dict):
        raise ConfigError("not a JSON object", "Write it as { … }.")
    return document


def _with_entries_json(text: str, name: str, entries: Mapping[str, str]) -> str:
    document = json.loads(text)
    if not isinstance(document.setdefault(name, {}), dict):
        raise ConfigError(f"{name} is not a map", f"Write it as {name} = {{ … }}.")
    document[name] |= entries
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


@contextmanager
def _errors_of(file: Path) -> Iterator[None]:
    """Makes errors name the file, and show nothing of its content."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"variable file {file.name}: {error.message}", error.hint) from None
    except OSError as error:
        raise ConfigError(f"variable file {file.name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"variable file {file.name}: not encoded in UTF-8", "Save it in UTF-8.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ConfigError(f"variable file {file.name}: invalid JSON: {error.msg} in {where}") from None
    except (ValueError, RecursionError):
        problem = "a number of thousands of digits, or values in hundreds of levels"
        raise ConfigError(f"variable file {file.name}: {problem}", "Write the value differently.") from None
