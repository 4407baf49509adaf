"""A Docker engine on a machine that has none running: a build machine, or one without a service manager."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from longshore.errors import BuildError
from longshore.images.docker import Docker

PATIENCE = 60.0
"""Seconds until a started engine must answer."""
PID_FILES = {Path("/run/docker.pid"): "dockerd", Path("/run/docker/containerd/containerd.pid"): "containerd"}
_LINES_SHOWN = 5


def start(log: Path, say: Callable[[str], object], docker: Docker | None = None, patience: float = PATIENCE) -> str:
    """Starts dockerd if no engine answers, and waits until it does.

    Args:
        log: where dockerd writes to.
        say: gets a line if it is started.
        docker: asks whether an engine answers.
        patience: seconds until it must answer.

    Returns:
        Which engine it is.

    Raises:
        BuildError: there is no docker or dockerd here, or it ended, or it does not answer in time.
    """
    docker = docker or Docker()
    try:
        return docker.check()
    except BuildError:
        say(f"starts dockerd, log in {log}")
    forget_dead_engine()
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(
                ["dockerd"], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        except OSError as error:
            raise BuildError(f"dockerd can't be started: {error.strerror}", "Install Docker Engine.") from error
    return _wait(docker, process, log, patience)


def forget_dead_engine() -> None:
    """Removes the PID files that a crash left: dockerd refuses to start if another process has got the number."""
    for path, name in PID_FILES.items():
        if path.exists():
            process = Path("/proc", path.read_text().strip(), "comm")
            if not process.exists() or process.read_text().strip() != name:
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
            lines = "".join(f"\n  {line}" for line in log.read_text(errors="replace").splitlines()[-_LINES_SHOWN:])
            what = f"has not answered after {patience:.0f} s" if process.poll() is None else "has ended"
            hint = "A build machine must be privileged; look at the log of dockerd."
            raise BuildError(f"dockerd was started and {what}: {error.message}{lines}", hint) from error
