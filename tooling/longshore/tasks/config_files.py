"""Additions to Invoke's configuration: a file that cannot be read is an error of the tasks, not a traceback.

The error replaces the settings, and reading them raises it. So `invoke --list` works with a broken
invoke.yaml, and a task that was asked for a JSON document prints one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from invoke.config import AmbiguousMergeError, Config
from invoke.exceptions import UnknownFileType

from longshore.config.settings_file import SECTION, read
from longshore.errors import ConfigError

_LOAD_FILE, _LOAD_PY = Config._load_file, Config._load_py
_LEVELS = ("system", "user", "project", "runtime")


def install() -> None:
    """Replaces methods of Invoke's configuration, which has no settings for this."""
    for suffix in ("yaml", "yml", "json"):
        setattr(Config, f"_load_{suffix}", lambda _, path: read(Path(path)))
    Config._load_py = _load_py  # type: ignore[method-assign, assignment]
    Config._load_file = _load_file  # type: ignore[method-assign, assignment]


def _load_py(config: Config, path: str) -> dict[str, Any]:
    """The settings in a Python file."""
    try:
        return _LOAD_PY(config, path)
    except OSError:
        raise
    except Exception as error:
        raise ConfigError(
            f"{Path(path).name} failed with {type(error).__name__}: {error}",
            "Fix the file, then run the command again.",
        ) from error


def _load_file(config: Config, prefix: str, absolute: bool = False, merge: bool = True) -> None:
    """Loads the file of one level; an error takes the place of the settings of all levels."""
    try:
        # The runtime file is merged later, where an error would be a traceback.
        _LOAD_FILE(config, prefix, absolute, merge or absolute)
        path = getattr(config, f"_{prefix}_path")
        if absolute and path and not Path(path).expanduser().exists():
            _put(config, prefix, ConfigError(f"there is no file {path} (option --config)", "Check the path."))
    except ConfigError as error:
        _put(config, prefix, error)
    except UnknownFileType as error:
        _put(config, prefix, ConfigError(str(error), "Use a file that ends in .yaml, .json or .py."))
    except OSError as error:
        _put(config, prefix, ConfigError(f"cannot read {error.filename}: {error.strerror}", "Check the file."))
    except AmbiguousMergeError:
        name = Path(str(getattr(config, f"_{prefix}_path"))).name
        key = _conflict(config.global_defaults(), getattr(config, f"_{prefix}")) or "a key"
        problem = f"{name}: {key} must be a mapping, or must not be one, as in Invoke's own settings"
        _put(config, prefix, ConfigError(problem, "Fix the file, then run the same command again."))


def _conflict(usual: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """The path of the first key that is a mapping on one side only; empty if there is none."""
    for key in given.keys() & usual.keys():
        sides = (usual[key], given[key])
        if all(isinstance(side, dict) for side in sides):
            if below := _conflict(*sides):
                return f"{key}.{below}"
        elif any(isinstance(side, dict) for side in sides):
            return str(key)
    return ""


def _put(config: Config, prefix: str, error: ConfigError) -> None:
    for level in _LEVELS:
        config._set(f"_{level}", {})
    config._set(f"_{prefix}", {SECTION: error})
    config._set(f"_{prefix}_found", True)
    config.merge()
