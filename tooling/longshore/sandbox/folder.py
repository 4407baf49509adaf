"""The folder of a sandbox: private to you, marked as the sandbox's, and emptied of nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

from longshore.sandbox import state
from longshore.sandbox.cloud import sandbox_id

MARKER = "sandbox.id"
"""A file with the id of the folder, so that a copy of it in another folder marks nothing."""

LOG = "server.log"
_OWN = (MARKER, LOG, state.FILE, "state.draft", "registry", "repositories", "builds", "terraform-cloud")
"""Everything that a sandbox creates at the top of its folder."""


def claim(directory: Path) -> None:
    """Mark an empty folder as the sandbox's, and close it to other users of this machine."""
    directory.chmod(0o700)
    marker = directory / MARKER
    marker.touch(0o600)
    marker.write_text(sandbox_id(directory), encoding="utf-8")


def is_claimed(directory: Path) -> bool:
    """Whether the folder was marked, or has the state file of a sandbox that was started in it."""
    try:
        if (directory / MARKER).read_text(encoding="utf-8") == sandbox_id(directory):
            return True
    except (OSError, ValueError):
        pass
    started = state.read(directory)
    return started is not None and started.directory == directory.resolve()


def clear(directory: Path) -> None:
    """Remove the files and folders that the sandbox has created in its folder."""
    for name in _OWN:
        path = directory / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
