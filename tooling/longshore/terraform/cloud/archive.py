"""What of the repository a run needs: the folders of the root and of its variable files, as a tar.gz or as a copy."""

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
"""The file of a copy that puts its state into a workspace."""
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
    """The folders as a tar.gz; the same content gives the same bytes but for the times.

    What the repository's .terraformignore names stays here, as with an upload of Terraform's own
    (https://developer.hashicorp.com/terraform/cloud-docs/run/remote-operations#excluding-files-from-upload).

    Raises:
        GitError: there is a .terraformignore, and no repository or no git.
    """
    ignore = root / ".terraformignore"
    left_out = git.matching(root, ignore) if ignore.is_file() else set()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", dereference=True) as archive:
        for file in _files(root, stack):
            if file in left_out:
                continue
            archive.add(file, str(file.relative_to(root)), recursive=False)
    return buffer.getvalue()


def copy(root: Path, stack: Stack, to: Path) -> Path:
    """Copies the folders to a place of the environment's own, where an override file disturbs nobody.

    What is there already stays where it is the same: another terraform may be at work in it, and a state that one could
    not save lies there until it is pushed.

    Returns:
        The root in the copy.
    """
    wanted = {to / file.relative_to(root): file for file in _files(root, stack)}
    for old in [path for path in to.rglob("*") if not path.is_dir() or path.is_symlink()]:
        if old not in wanted and not _belongs_to_terraform(old.name):
            old.unlink(missing_ok=True)
    for goal, file in wanted.items():
        write_if_changed(goal, file.read_bytes())
        goal.chmod(file.stat().st_mode)
    return directory(root, stack, to)


def directory(root: Path, stack: Stack, to: Path) -> Path:
    """The root in a copy, which need not be there yet."""
    return to / stack.directory.relative_to(root)


def write_if_changed(goal: Path, content: bytes) -> None:
    """Gives a file its content at once for whoever reads it, unless it has it already."""
    if goal.is_file() and not goal.is_symlink() and goal.read_bytes() == content:
        return
    goal.parent.mkdir(parents=True, exist_ok=True)
    half = goal.with_name(f".{goal.name}.{os.getpid()}")
    half.write_bytes(content)
    half.replace(goal)


def _belongs_to_terraform(name: str) -> bool:
    """Whether terraform, or the driver, has made a file in a copy."""
    return name in (OVERRIDE, ".terraform.lock.hcl") or ".tfstate" in name


def _files(root: Path, stack: Stack) -> Iterator[Path]:
    for folder in folders(root, stack):
        yield from _below(folder, frozenset())


def _below(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    """The files of a folder; symbolic links are followed, as Terraform's own upload does, but for a circle of them."""
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
    """Whether a file is a state or a saved plan, which hold every value in clear text and are no configuration."""
    return ".tfstate" in name or name.endswith(".tfplan") or name == "tfplan"
