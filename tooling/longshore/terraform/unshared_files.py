"""Files that Terraform loads without being told, and that only this machine has: git has no commit with them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from longshore import git
from longshore.config.target import Stack
from longshore.errors import ConfigError

_OVERRIDES = ("override.tf", "override.tf.json", "*_override.tf", "*_override.tf.json")
"""https://developer.hashicorp.com/terraform/language/files/override"""
_COMMIT = "Commit it, or remove it."
_COMMIT_OR_LIST = (
    "Commit it, remove it, or rename it so that Terraform does not load it automatically, and list it under"
    " terraform.var_files in invoke.yaml."
)


def refuse(stack: Stack, modules: Iterable[Path] = ()) -> None:
    """Refuses such files, because another machine would plan something else.

    Override files count in the root and in modules, variable files in the root, from which alone Terraform loads them.
    A variable file that invoke.yaml lists is not refused.

    Args:
        stack: its root and its variable files.
        modules: the folders of modules in this repository.

    Raises:
        ConfigError: names the files.
    """
    variables = [file.name for file in stack.loaded_files if file.resolve() not in stack.var_files]
    unshared = _untracked(stack.directory, variables)
    hint = _COMMIT_OR_LIST if unshared else _COMMIT
    for folder in sorted({stack.directory, *modules}):
        unshared += _untracked(folder, [file.name for pattern in _OVERRIDES for file in folder.glob(pattern)])
    if unshared:
        raise ConfigError(
            f"Terraform would load {', '.join(unshared)}, which git does not track: other machines plan without it",
            hint,
        )


def _untracked(folder: Path, names: Iterable[str]) -> list[str]:
    return [str(folder / name) for name in git.untracked(folder, sorted(names))]
