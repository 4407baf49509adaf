"""Files that Terraform loads without being told, and that only this machine has: git has no commit with them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from longshore import git
from longshore.errors import ConfigError

_LOADED = (
    "terraform.tfvars",
    "terraform.tfvars.json",
    "*.auto.tfvars",
    "*.auto.tfvars.json",
    "override.tf",
    "override.tf.json",
    "*_override.tf",
    "*_override.tf.json",
)
"""https://developer.hashicorp.com/terraform/language/files/override"""


def refuse(folders: Iterable[Path]) -> None:
    """Refuses such files, because another machine would plan something else.

    Args:
        folders: the root, and the modules in this repository.

    Raises:
        ConfigError: names the files.
    """
    unshared = [
        str(folder / name)
        for folder in folders
        for name in git.untracked(folder, sorted(file.name for each in _LOADED for file in folder.glob(each)))
    ]
    if unshared:
        raise ConfigError(
            f"Terraform would load {', '.join(unshared)}, which git does not track: other machines plan without it",
            "Commit it, delete it, or list a variable file under terraform.var_files in invoke.yaml.",
        )
