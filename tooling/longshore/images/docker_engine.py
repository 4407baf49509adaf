"""Starts a Docker engine where none is running: on a build machine, or one without a service manager."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from longshore.errors import BuildError
from longshore.images.docker import Docker

PATIENCE = 60.0
"""Seconds within which a started engine must answer."""
PID_FILES = {Path("/run/docker.pid"): "dockerd", Path("/run/docker/containerd/containerd.pid"): "containerd"}
_LINES_SHOWN = 5


def start(log: Path, say: Callable[[str], object], docker: Docker | None = None, patience: float = PATIENCE) -> str:
    """Starts dockerd if no engine answers, and waits until it does.

    Args:
        log: receives the output of dockerd.
        say: receives a line if dockerd is started.
        docker: checks whether an engine answers.
        patience: seconds within which it must answer.

    Returns:
        A description of the engine.

    Raises:
        BuildError: docker or dockerd is not installed, or dockerd ended or did not answer in time.
    """
    docker = docker or Docker()
    try:
        return docker.check()
    except BuildError:
        say(f"starting dockerd; its log: {log}")
    remove_stale_pid_files()
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(
                ["dockerd"], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        except OSError as error:
            raise BuildError(f"cannot start dockerd: {error.strerror}", "Install Docker Engine.") from error
    return _wait(docker, process, log, patience)


def remove_stale_pid_files() -> None:
    """Removes PID files left by a crash: dockerd refuses to start if another process has that PID now."""
    for path, name in PID_FILES.items():
        if path.exists():
            process = Path("/proc", path.read_text(encoding="utf-8").strip(), "comm")
            if not process.exists() or process.read_text(encoding="utf-8").strip() != name:
                path.unlink()


def _wait(docker: Docker, process: subprocess.Popen[bytes], log: Path, patience: float) -> str:
    deadline = time.monotonic() + patience
    while True:
        try:
            return docker.check()
        except BuildError as error:
            if time.monotonic() < deadline and process.poll() is None:
                time.sleep(0.5)
                continue
            lines = "".join(
                f"\n  {line}" for line in log.read_text(errors="replace", encoding="utf-8").splitlines()[-_LINES_SHOWN:]
            )
            state = f"did not answer within {patience:.0f} s" if process.poll() is None else "ended"
            hint = f"A build machine must be privileged. The whole log of dockerd is in {log}."
            raise BuildError(f"dockerd was started but {state}: {error.message}{lines}", hint) from error
