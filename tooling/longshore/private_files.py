"""Temporary folders that only this user can read. The next run removes those of a run that was killed.

A folder belongs to the process that holds the lock of the file in it. The kernel releases the lock however the process
ends, so no process id has to be compared: ids are used again, and differ between containers that share a folder.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from longshore.errors import LongshoreError

_LOCK = "in-use"
_NAMES_TRIED = 20
_UNLOCKED_SECONDS = 60.0
"""An older folder without a lock file is that of a killed process: its next step would have created the file."""
_PRIVATE_FOLDER, _PRIVATE_FILE, _OF_OTHERS = 0o700, 0o600, 0o077


@dataclass(frozen=True)
class PrivateFolder:
    """A folder of this process.

    Attributes:
        path: the folder.
        descriptor: holds its lock; a child process that inherits it keeps the folder until it ends.
    """

    path: Path
    descriptor: int


def keep_own_access() -> None:
    """Clears the bits of the umask that would take away this user's own access to new files."""
    mask = os.umask(_OF_OTHERS)
    os.umask(mask & _OF_OTHERS)


@contextmanager
def private_folder(purpose: str) -> Iterator[PrivateFolder]:
    """A temporary folder for plans, tokens and logs, removed when the block ends.

    Args:
        purpose: the beginning of its name.

    Raises:
        LongshoreError: no temporary folder can be written.
    """
    with _own(purpose) as folder:
        try:
            yield folder
        finally:
            shutil.rmtree(folder.path, ignore_errors=True)


@contextmanager
def _own(purpose: str) -> Iterator[PrivateFolder]:
    try:
        parent = _parent()
        # While this lock is held, nothing is removed: a new folder is not locked yet.
        with _locked(parent / _LOCK):
            _remove_abandoned(parent)
            path = Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=parent))
            descriptor = _open(path / _LOCK)
            _wait_for(descriptor)
    except OSError as error:
        raise LongshoreError(
            f"cannot create a temporary folder: {error}", "Free some space, or set TMPDIR to a folder you can write."
        ) from error
    try:
        yield PrivateFolder(path, descriptor)
    finally:
        os.close(descriptor)


def _parent() -> Path:
    """The folder of this user. Another user may have taken its name; then the next free one is used.

    Raises:
        OSError: no temporary folder, or all names are taken.
    """
    base = Path(tempfile.gettempdir(), f"longshore-{os.getuid()}")
    for path in (base, *(base.with_name(f"{base.name}.{number}") for number in range(1, _NAMES_TRIED))):
        with suppress(FileExistsError):
            path.mkdir(mode=_PRIVATE_FOLDER)
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid():
            with suppress(OSError):  # a file system without modes
                path.chmod(_PRIVATE_FOLDER)
            return path
    raise FileExistsError(f"{base} and the names that follow it belong to another user")


def _remove_abandoned(parent: Path) -> None:
    """Removes the folders whose lock is not held. One that cannot be removed is left for the next run."""
    for path in parent.iterdir():
        if path.is_symlink():
            continue
        with suppress(OSError):
            if not (path / _LOCK).exists():
                _remove_if_empty(path)
                continue
            descriptor = _open(path / _LOCK)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path)
            finally:
                os.close(descriptor)


def _remove_if_empty(path: Path) -> None:
    if path.is_dir() and time.time() - path.stat().st_mtime > _UNLOCKED_SECONDS:
        path.rmdir()  # refused by the system if there is a file in it


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    descriptor = _open(file)
    try:
        _wait_for(descriptor)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int) -> None:
    """Locks a file. On a file system without locks, nothing is locked, and `_remove_abandoned` removes nothing."""
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _open(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _PRIVATE_FILE)
