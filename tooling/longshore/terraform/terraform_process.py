"""One terraform process: started in its own group, followed to its end, and told to stop once."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from longshore.private_files import private_folder
from longshore.signals import Deferral
from longshore.terraform.driver import OnEvent
from longshore.terraform.output import Output, pass_on, plain

_POLL_SECONDS = 0.05
_GROUP_SECONDS = 20.0
"""Seconds to wait for the rest of the group: a wrapper may end at a SIGINT before terraform does."""


@dataclass(frozen=True)
class TerraformProcess:
    """A process to start.

    Args:
        arguments: the program and its arguments.
        directory: its working directory.
        environ: its whole environment.
        inherits: file descriptors that it keeps open for as long as it runs.
    """

    arguments: Sequence[str]
    directory: Path
    environ: Mapping[str, str] = field(repr=False)
    inherits: Sequence[int] = ()

    def run(self, deferral: Deferral, on_event: OnEvent | None, on_stop: Callable[[], None]) -> Output:
        """Runs the process to its end.

        At the first signal it gets a SIGINT, and no other one: it ends its operation and saves its state, and a second
        SIGINT would interrupt that (https://developer.hashicorp.com/terraform/cli/commands/apply).

        Args:
            deferral: receives the signals; they take effect after the end of the process.
            on_event: receives its messages.
            on_stop: called when it was told to stop.

        Raises:
            OSError: the program cannot be started.
        """
        # Files that are followed, not pipes: terraform must be able to continue writing if this process is killed.
        # Errors apart: a line of a log or of a shim between the lines of a JSON document would break it.
        with private_folder("terraform") as folder:
            files = [folder.path / "output", folder.path / "errors"]
            with files[0].open("wb") as output, files[1].open("wb") as errors:
                process = subprocess.Popen(
                    self.arguments,
                    cwd=self.directory,
                    env=self.environ,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=errors,
                    start_new_session=True,
                    pass_fds=[folder.descriptor, *self.inherits],  # the folder stays until terraform ends
                )
            try:
                with files[0].open("rb") as reader, files[1].open("rb") as error_reader:
                    lines = _follow(process, _LineReader(reader, on_event), deferral, on_stop)
                    return Output(process.returncode, lines, plain(error_reader.read()).splitlines())
            except BaseException:
                _stop(process)
                process.wait()
                raise


def _follow(
    process: subprocess.Popen[bytes], reader: _LineReader, deferral: Deferral, on_stop: Callable[[], None]
) -> list[str]:
    """The lines that a process writes until it ends."""
    told = False
    while process.poll() is None:
        reader.read()
        if deferral.raised and not told:
            told = True
            _stop(process)
            on_stop()
        time.sleep(_POLL_SECONDS)
    if told:
        _wait_for_group(process.pid)
    reader.read(last=True)
    return reader.lines


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Sends SIGINT to the process and its children, of which terraform may be one."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)


def _wait_for_group(group: int) -> None:
    end = time.monotonic() + _GROUP_SECONDS
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except OSError:
            return
        time.sleep(_POLL_SECONDS)


@dataclass
class _LineReader:
    stream: BinaryIO
    on_event: OnEvent | None
    lines: list[str] = field(default_factory=list)
    pending: bytes = b""

    def read(self, *, last: bool = False) -> None:
        *complete, self.pending = (self.pending + self.stream.read()).split(b"\n")
        for raw in [*complete, *([self.pending] if last and self.pending else [])]:
            line = plain(raw)
            self.lines.append(line)
            pass_on(line, self.on_event)
