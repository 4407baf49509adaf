"""A state that terraform could not save: whose it is, where it is kept, and how to push it.

Terraform writes it to ``errored.tfstate`` in its working directory, which is the root's folder, so all environments
that use the root share the name (internal/backend/local/backend_apply.go of Terraform).
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from longshore.config.target import Stack
from longshore.errors import UnsavedStateError

_ERRORED = "errored.tfstate"
_PRIVATE = 0o600
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class UnsavedState:
    """The unsaved state of one stack.

    Args:
        stack: the stack.
        binary: terraform, for the command that pushes the state.
        lineage: returns the lineage of the stack's saved state; empty if it cannot be read.
    """

    stack: Stack
    binary: str
    lineage: Callable[[], str]

    @property
    def kept(self) -> Path:
        """The copy in the environment's own folder; mode 0600, because it contains everything in clear text.

        That of the foundation is beside the environments' folders, because all of them use its state.
        """
        own = self.stack.data_dir.parent
        return (own.parent if self.stack.shared else own) / f"{self.stack.name}.{_ERRORED}"

    def refuse(self) -> None:
        """Refuses to continue while there is an unsaved state.

        A file in the root's folder that belongs to this stack is moved to its own folder; another one is not touched.

        Raises:
            UnsavedStateError: with the command that pushes the state, or that finds out whose it is.
        """
        why = "an earlier terraform run could not save its state"
        if self.kept.exists():
            raise self._error(why)
        if not self._left.exists():
            return
        if self._is_ours():
            raise self.keep(why)
        options = "-a APPLICATION -e ENVIRONMENT (or --foundation)"
        raise UnsavedStateError(
            f"{why}\nThe unsaved state is in {self._left}, and may not belong to {self.stack.name}",
            f"Find out whose it is: run invoke state.unlock {options} for each one that uses this folder. The one that"
            " it belongs to takes the file and shows how to push it.",
        )

    def take(self, explanation: str) -> UnsavedStateError | None:
        """Keeps the state that the apply that has just ended could not save; None if it left none.

        Args:
            explanation: Terraform's own errors.
        """
        return self.keep(f"terraform could not save its state:\n{explanation}") if self._left.exists() else None

    def keep(self, why: str) -> UnsavedStateError:
        """Moves the file to the environment's own folder, and returns the error with the command that pushes it."""
        self.kept.parent.mkdir(parents=True, exist_ok=True)
        self._left.chmod(_PRIVATE)
        shutil.move(self._left, self.kept)
        return self._error(why)

    @property
    def _left(self) -> Path:
        return self.stack.directory / _ERRORED

    def _is_ours(self) -> bool:
        """Whether the file belongs to this stack: by its folder, which no other one uses, or by the state's lineage."""
        if self.stack.data_dir.parent in self.stack.directory.parents:
            return True
        try:
            lineage = json.loads(self._left.read_text(encoding="utf-8"))["lineage"]
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return bool(lineage) and lineage == self.lineage()

    def _error(self, why: str) -> UnsavedStateError:
        chdir = f"TF_DATA_DIR={self.stack.data_dir} {self.binary} -chdir={self.stack.directory}"
        return UnsavedStateError(
            f"{why}\nThe unsaved state of {self.stack.name} is in {self.kept}",
            f"Push the state: {chdir} state push {self.kept} (if the state is locked, first run: invoke state.unlock)."
            " Then delete that file.",
        )


@contextmanager
def sole_apply(
    directory: Path, on_wait: Callable[[], object], check: Callable[[], object] = bool
) -> Iterator[list[int]]:
    """Lets only one apply at a time run in a root's folder of this machine, so that none finds the state of another.

    The lock is flock's, of the folder itself. A terraform that inherits it keeps it if Longshore is killed.

    Args:
        directory: the root's folder.
        on_wait: called once if another apply runs.
        check: called before each attempt to get the folder; raises to end the wait.

    Yields:
        The file descriptors that terraform must inherit; none if the file system has no such locks.
    """
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield [folder] if _locked(folder, on_wait, check) else []
    finally:
        os.close(folder)


def _locked(folder: int, on_wait: Callable[[], object], check: Callable[[], object]) -> bool:
    waiting = False
    while True:
        check()
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN):
                return False
        else:
            return True
        if not waiting:
            on_wait()
        waiting = True
        time.sleep(_POLL_SECONDS)
