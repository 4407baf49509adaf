"""The variable files of an environment, as Terraform reads them: what a later one assigns wins over an earlier one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from longshore.errors import ConfigError
from longshore.terraform import hcl


def read(files: Sequence[Path]) -> dict[str, Any]:
    """The variables that the files give, in the form of `hcl.parse`.

    Raises:
        ConfigError: one can't be read; the message names it, and shows nothing of what stands in it.
    """
    return {name: value for file in files for name, value in _read(file).items()}


def texts(variables: Mapping[str, Any], name: str) -> dict[str, Any]:
    """One of them that is a map of texts; empty where it is not given, and without entries that are null.

    Raises:
        ConfigError: it is no map.
    """
    found = variables.get(name)
    if not isinstance(found, dict | None):
        raise ConfigError(f"{name} is no map in the variable files", f"Write it as {name} = {{ … }}.")
    return {key: value for key, value in (found or {}).items() if value is not None}


def add(files: Sequence[Path], name: str, entries: Mapping[str, str]) -> Path:
    """Writes more entries into a variable that is a map; what is there stays.

    Args:
        files: the variable files. The last one that assigns the variable counts, so it is written there; if none does,
            in the first.
        name: the variable.
        entries: what is added.

    Returns:
        The file that was written.

    Raises:
        ConfigError: it can't be read or written; then nothing was.
    """
    file = next((file for file in reversed(files) if name in _read(file)), files[0])
    with _named(file):
        text = _text(file)
        written = (_with_entries_json if _is_json(file) else hcl.with_entries)(text, name, entries)
        file.write_bytes(written.encode())
    return file


def _read(file: Path) -> dict[str, Any]:
    with _named(file):
        return _parse_json(_text(file)) if _is_json(file) else hcl.parse(_text(file))


def _is_json(file: Path) -> bool:
    return file.name.endswith(".json")  # Terraform's own rule for -var-file


def _text(file: Path) -> str:
    # Not read_text: it would turn the line ends of a heredoc into others than Terraform sees.
    return file.read_bytes().decode()


def _parse_json(text: str) -> dict[str, Any]:
    """Texts of a JSON file are no templates; null, numbers and booleans are as in HCL."""

    def value(found: Any) -> Any:
        if isinstance(found, dict):
            return {name: value(inner) for name, inner in found.items()}
        if isinstance(found, list):
            return [value(inner) for inner in found]
        return found if found is None or isinstance(found, str) else hcl.constant(found)

    return {name: value(inner) for name, inner in _document(text).items()}


def _document(text: str) -> dict[str, Any]:
    found = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    if not isinstance(found, dict):
        raise ConfigError("is no JSON object", "Write it as { … }.")
    return found


def _with_entries_json(text: str, name: str, entries: Mapping[str, str]) -> str:
    found = json.loads(text)
    if not isinstance(found.setdefault(name, {}), dict):
        raise ConfigError(f"{name} is no map", f"Write it as {name} = {{ … }}.")
    found[name] |= entries
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Errors name the file, and nothing that stands in it."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"variable file {file.name} {error.message}", error.hint) from None
    except OSError as error:
        raise ConfigError(f"variable file {file.name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"variable file {file.name} is not in UTF-8", "Save it in UTF-8.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ConfigError(f"variable file {file.name} is no JSON: {error.msg} in {where}") from None
