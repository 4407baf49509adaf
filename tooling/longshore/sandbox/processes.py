"""Finding and ending a sandbox's processes, by more than their pid."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")


def command_line(pid: int) -> str:
    """The command line of a process, its words joined by spaces; empty for one that has ended."""
    if PROC.is_dir():
        with contextlib.suppress(OSError):
            return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return ""
    # macOS has no /proc
    listed = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    return listed.stdout.strip()


def is_running(pid: int, mark: str) -> bool:
    """Whether a process with this pid is running and has `mark` in its command line.

    A pid alone proves nothing after a crash: the kernel may have given it to another process.
    """
    return bool(mark) and mark in command_line(pid)


def end(pid: int, mark: str, grace: float) -> bool:
    """End a process: SIGTERM, then SIGKILL if it is still running after `grace` seconds.

    Returns:
        False when no such process was running.
    """
    if not is_running(pid, mark):
        return False
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        if _ends_within(pid, mark, seconds):
            break
    return True


def with_variables(*variables: str) -> Iterator[int]:
    """The processes of this user that have all of these variables: ``NAME=VALUE``, or ``NAME=`` for any value.

    Finds none on a system without /proc.
    """
    for path in PROC.glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            environ = path.read_bytes().split(b"\0")
            if all(_has(environ, variable.encode()) for variable in variables):
                yield int(path.parent.name)


def end_all(variables: tuple[str, ...], grace: float) -> list[int]:
    """End all processes with these variables: SIGTERM, then SIGKILL after `grace` seconds; their pids."""
    ended = {*with_variables(*variables)}
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        for pid in with_variables(*variables):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while any(True for _ in with_variables(*variables)) and time.monotonic() < deadline:
            time.sleep(0.02)
    return sorted(ended)


def reap(pid: int) -> None:
    """Collect a child that ended, or it stays a zombie; does nothing for other processes."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _has(environ: list[bytes], variable: bytes) -> bool:
    return any(entry.startswith(variable) if variable.endswith(b"=") else entry == variable for entry in environ)


def _ends_within(pid: int, mark: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_running(pid, mark):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    reap(pid)
    return True
