"""What of the repository a run needs: the folders of the root and of its variable files, as a tar.gz or as a copy."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

from longshore.errors import TerraformError
from longshore.target import Stack

_LEFT_OUT = {".git", ".terraform", ".longshore", "node_modules", "__pycache__"}


def folders(root: Path, stack: Stack) -> list[Path]:
    """The folders at the top of the repository that hold the stack's root, its modules and its variable files.

    Raises:
        TerraformError: one is outside the repository.
    """
    found: set[Path] = set()
    for path in (stack.directory, *(file.parent for file in stack.var_files)):
        if not path.is_relative_to(root):
            raise TerraformError(
                f"{path} is outside {root}, so that no run on Terraform Cloud could have it",
                "Keep the root and its variable files in the repository.",
            )
        parts = path.relative_to(root).parts
        found.add(root / parts[0] if parts else root)
    return sorted(found)


def pack(root: Path, stack: Stack) -> bytes:
    """The folders as a tar.gz; the same content gives the same bytes but for the times."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for file in _files(root, stack):
            archive.add(file, str(file.relative_to(root)), recursive=False)
    return buffer.getvalue()


def copy(root: Path, stack: Stack, to: Path) -> Path:
    """Copies the folders to a place of the environment's own, where an override file disturbs nobody.

    Returns:
        The root in the copy.
    """
    shutil.rmtree(to, ignore_errors=True)
    for file in _files(root, stack):
        goal = to / file.relative_to(root)
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, goal)
    return to / stack.directory.relative_to(root)


def _files(root: Path, stack: Stack) -> Iterator[Path]:
    for folder in folders(root, stack):
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(root).parts
            if path.is_file() and not _LEFT_OUT & set(inside) and ".tfstate" not in path.name:
                yield path
