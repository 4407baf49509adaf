"""Runs other programs to their end, and passes their output on while they run."""

from __future__ import annotations

import os
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from longshore import signals

_LINES_KEPT = 200
_ANSWER_SECONDS = 60


@dataclass(frozen=True)
class Completed:
    """A program that has ended. If its output was passed on, ``output`` has the last lines of both streams."""

    exit_code: int
    output: str
    errors: str = ""


OnLine = Callable[[str], object]
"""Receives the output of a program, line by line, while it runs."""

Runner = Callable[[Sequence[str], Mapping[str, str], OnLine | None, str], Completed]
"""Runs a program to its end, with variables added to this process's own.

With an OnLine, both output streams are merged and passed on line by line. Without one, the program reads the text from
its standard input (a secret must not be an argument) and has a minute.
"""


def home() -> Path:
    """The home folder. In a container, a user may have none; then it is a folder that does not exist."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")


def unwatched(_line: str) -> None:
    """An OnLine that ignores the output; if the program fails, its last lines are in `Completed`."""


def execute(
    command: Sequence[str], environ: Mapping[str, str], on_line: OnLine | None = None, stdin: str = ""
) -> Completed:
    """The Runner that starts real processes.

    Raises:
        OSError: the program cannot be started.
        TimeoutExpired: it should answer at once, and did not within a minute.
    """
    whole = {**os.environ, **environ}
    return _ask(command, whole, stdin) if on_line is None else _follow(command, whole, on_line)


def _ask(command: Sequence[str], environ: Mapping[str, str], stdin: str) -> Completed:
    done = subprocess.run(
        command,
        env=environ,
        input=stdin,
        capture_output=True,
        check=False,
        encoding="utf-8",
        errors="replace",
        timeout=_ANSWER_SECONDS,
    )
    return Completed(done.returncode, done.stdout, done.stderr)


def _follow(command: Sequence[str], environ: Mapping[str, str], on_line: OnLine) -> Completed:
    kept: deque[str] = deque(maxlen=_LINES_KEPT)
    with (
        signals.deferred() as deferral,
        subprocess.Popen(
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        deferral.tell(lambda count: process.terminate() if count == 1 else process.kill())
        try:
            for line in process.stdout or ():
                kept.append(line.rstrip("\n"))
                on_line(kept[-1])
        except BaseException:
            process.terminate()
            raise
    return Completed(process.returncode, "\n".join(kept))
