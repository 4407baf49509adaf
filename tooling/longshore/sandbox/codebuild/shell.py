"""A bash for a whole build: directory, exports and functions of a command last until the next."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from longshore.sandbox.processes import PROC, with_variables

CHECK_SECONDS = 0.05
"""Seconds between two checks for an interruption."""

# Commands arrive on standard input, each ended by a NUL; exit codes leave on file descriptor 9, hidden from commands.
# `exit` in a command ends the bash; the next bash continues with the state that it saved in $_state.
_DRIVER = r"""
[ "$1" = 9 ] || { exec 9>&"$1"; eval "exec $1>&-"; }
_state=$2
_save() { { export -p; declare -f; printf 'cd -- %q\n' "$PWD"; } >"$_state"; }
[ ! -e "$_state" ] || source "$_state"
trap '_save 2>/dev/null' EXIT
while IFS= read -r -d '' _command; do
  { eval "$_command"; } </dev/null 9>&-
  { _code=$?; printf '%s\n' "$_code" >&9; } 2>/dev/null
done
"""


class Interrupted(Exception):  # noqa: N818 - not an error: the build was stopped, or timed out
    """The command is still running."""


class Shell:
    """The shell of a build, with all processes that it starts, in their own process group.

    Args:
        folder: the folder of the build, where the shell saves its state.
        directory: the working directory of the first command.
        environ: all variables.
        output: called with the commands' output, as it arrives.
        mark: a variable with a value that only this build's processes have, to find those that left the process group.
        grace: seconds between SIGTERM and SIGKILL.
    """

    def __init__(
        self,
        folder: Path,
        directory: Path,
        environ: Mapping[str, str],
        output: Callable[[bytes], None],
        mark: str,
        grace: float = 5.0,
    ) -> None:
        self._folder = folder
        self._directory = directory
        self._environ = dict(environ)
        self._output = output
        self._mark = mark
        self._grace = grace
        self._process: subprocess.Popen[bytes] | None = None
        self._groups: list[int] = []
        self._outputs: list[int] = []
        self._codes = -1

    def run(self, command: str, interrupted: Callable[[], bool]) -> int:
        """Run a command and wait until it ends; background processes stay.

        Returns:
            The exit code.

        Raises:
            Interrupted: `interrupted` returned True; the command is still running.
        """
        process = self._ensure_bash()
        assert process.stdin  # noqa: S101 - Popen was given a pipe
        process.stdin.write(command.encode().replace(b"\0", b"") + b"\0")
        process.stdin.flush()
        code = b""
        with selectors.DefaultSelector() as selector:
            for descriptor in (*self._outputs, self._codes):
                selector.register(descriptor, selectors.EVENT_READ)
            while not code.endswith(b"\n"):
                if interrupted():
                    raise Interrupted
                for key, _ in selector.select(CHECK_SECONDS):
                    chunk = self._read(key.fd)
                    if key.fd == self._codes:
                        code += chunk
                    if not chunk:
                        selector.unregister(key.fd)
                if process.poll() is not None and self._codes not in selector.get_map():
                    code = b"%d\n" % _exit_code(process.returncode)
        self._drain()
        return int(code)

    def variable(self, name: str) -> str | None:
        """The value of a variable, exported or not; None if it is not set."""
        target = self._folder / "variable"
        target.unlink(missing_ok=True)
        self.run(f'[ -z "${{{name}+x}}" ] || printf %s "${{{name}}}" >{_quote(target)}', lambda: False)
        return target.read_text(errors="replace", encoding="utf-8") if target.exists() else None

    def close(self) -> None:
        """End the shell and all its processes: SIGTERM, then SIGKILL after `grace` seconds."""
        self._hang_up()  # a bash that waits for a command ends at the end of its input, but may miss a signal
        self._send(signal.SIGTERM)
        deadline = time.monotonic() + self._grace
        while self._alive() and time.monotonic() < deadline:
            self._drain()
            time.sleep(0.01)
        self._send(signal.SIGKILL)
        if self._process:
            self._process.wait()
        self._drain()
        for descriptor in (*self._outputs, *([self._codes] if self._codes >= 0 else [])):
            os.close(descriptor)
        self._outputs, self._codes = [], -1

    def _ensure_bash(self) -> subprocess.Popen[bytes]:
        """The bash: if it has ended, a new one with its state."""
        if self._process and self._process.poll() is None:
            return self._process
        self._hang_up()
        if self._codes >= 0:
            os.close(self._codes)
        out_read, out_write = os.pipe()
        self._codes, codes_write = os.pipe()
        os.set_blocking(out_read, False)
        try:
            self._process = subprocess.Popen(
                [
                    "bash",
                    "--noprofile",
                    "--norc",
                    "-c",
                    _DRIVER,
                    "build",
                    str(codes_write),
                    str(self._folder / "state"),
                ],
                cwd=self._directory,
                env=self._environ,
                stdin=subprocess.PIPE,
                stdout=out_write,
                stderr=out_write,
                pass_fds=(codes_write,),
                start_new_session=True,
            )
        finally:
            os.close(out_write)
            os.close(codes_write)
        self._outputs.append(out_read)
        self._groups.append(self._process.pid)
        return self._process

    def _hang_up(self) -> None:
        if self._process and self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()

    def _read(self, descriptor: int) -> bytes:
        try:
            chunk = os.read(descriptor, 65536)
        except BlockingIOError:
            return b" "[:0] if descriptor == self._codes else b""
        if chunk and descriptor != self._codes:
            self._output(chunk)
        return chunk

    def _drain(self) -> None:
        """Read the output that was written before the exit code arrived."""
        for descriptor in self._outputs:
            while self._read(descriptor):
                pass

    def _send(self, number: signal.Signals) -> None:
        for group in self._groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        for pid in with_variables(self._mark):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)

    def _alive(self) -> bool:
        if self._process:
            self._process.poll()
        return any(_is_running(group) for group in self._groups) or any(True for _ in with_variables(self._mark))


def _is_running(group: int) -> bool:
    """Whether a process of a group is running; a zombie is not."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return any(_state_in(path, group) not in "ZX" for path in PROC.glob("[0-9]*/stat")) if PROC.is_dir() else True


def _state_in(path: Path, group: int) -> str:
    """The state of a process of this group; X for a process of another group."""
    try:
        state, _, its_group, *_ = path.read_text(errors="replace", encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return "X"
    return state if int(its_group) == group else "X"


def _exit_code(returncode: int) -> int:
    """An exit code as a shell shows it: for a signal, 128 plus its number."""
    return returncode if returncode >= 0 else 128 - returncode


def _quote(path: Path) -> str:
    return "'" + str(path).replace("'", "'\\''") + "'"
