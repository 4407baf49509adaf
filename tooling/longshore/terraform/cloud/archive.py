"""The folders of the repository that a run needs (root, modules, variable files), as a tar.gz or as a copy."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

from longshore import git
from longshore.config.target import Stack
from longshore.errors import TerraformError

OVERRIDE = "longshore_override.tf"
"""The file in a copy that selects the workspace as its backend."""
_LEFT_OUT = {".git", ".terraform", ".longshore", "node_modules", "__pycache__"}


def folders(root: Path, stack: Stack) -> list[Path]:
    """The folders at the top of the repository that contain the stack's root, its modules and its variable files.

    Raises:
        TerraformError: one is outside the repository.
    """
    tops: set[Path] = set()
    for path in (stack.directory, *(file.parent for file in stack.var_files)):
        if not path.is_relative_to(root):
            raise TerraformError(
                f"{path} is outside the repository {root}, so it cannot be uploaded to Terraform Cloud",
                "Keep the root and its variable files in the repository.",
            )
        parts = path.relative_to(root).parts
        tops.add(root / parts[0] if parts else root)
    return sorted(tops)


def pack(root: Path, stack: Stack) -> bytes:
    """The folders as a tar.gz; the same content gives the same bytes, except for the times.

    Files that the repository's .terraformignore matches are left out, as in Terraform's own upload
    (https://developer.hashicorp.com/terraform/cloud-docs/run/remote-operations#excluding-files-from-upload).

    Raises:
        GitError: there is a .terraformignore, but no repository or no git.
    """
    ignore = root / ".terraformignore"
    ignored = git.matching(root, ignore) if ignore.is_file() else set()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", dereference=True) as archive:
        for file in _files(root, stack):
            if file not in ignored:
                archive.add(file, str(file.relative_to(root)), recursive=False)
    return buffer.getvalue()


def copy(root: Path, stack: Stack, to: Path) -> Path:
    """Copies the folders to a place that only this environment uses, and returns the root in the copy.

    Unchanged files are kept as they are: another terraform may be running in the copy, and a state that one could not
    save stays there until it is pushed.
    """
    files = {to / file.relative_to(root): file for file in _files(root, stack)}
    for existing in [path for path in to.rglob("*") if not path.is_dir() or path.is_symlink()]:
        if existing not in files and not _belongs_to_terraform(existing.name):
            existing.unlink(missing_ok=True)
    for target, file in files.items():
        write_if_changed(target, file.read_bytes())
        target.chmod(file.stat().st_mode)
    return directory(root, stack, to)


def directory(root: Path, stack: Stack, to: Path) -> Path:
    """The root in a copy, which may not exist yet."""
    return to / stack.directory.relative_to(root)


def write_if_changed(target: Path, content: bytes) -> None:
    """Replaces a file in one step, unless it has this content already."""
    if target.is_file() and not target.is_symlink() and target.read_bytes() == content:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(target)


def _belongs_to_terraform(name: str) -> bool:
    """Whether terraform or the driver wrote a file of a copy."""
    return name in (OVERRIDE, ".terraform.lock.hcl") or ".tfstate" in name


def _files(root: Path, stack: Stack) -> Iterator[Path]:
    for folder in folders(root, stack):
        yield from _below(folder, frozenset())


def _below(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    """The files in a folder; follows symbolic links, as Terraform's own upload does, but not in a circle."""
    real = folder.resolve()
    if real in above:
        return
    for path in sorted(folder.iterdir()):
        if path.name in _LEFT_OUT:
            continue
        if path.is_dir():
            yield from _below(path, above | {real})
        elif path.is_file() and not _has_secrets(path.name):
            yield path


def _has_secrets(name: str) -> bool:
    """Whether a file is a state or a saved plan: both contain every value in clear text."""
    return ".tfstate" in name or name.endswith(".tfplan") or name == "tfplan"
