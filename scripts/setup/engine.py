"""Provides a Docker engine that answers: on Debian as root, it is installed and started if there is none."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from longshore.errors import BuildError
from longshore.images import docker_engine
from scripts.setup.machine import WORK, MissingError, install, installs, run, say

START_SECONDS = 60
SYSTEMD = Path("/run/systemd/system")


def prepare() -> str:
    """Provide a Docker engine and its command line.

    Returns:
        A line for the user.

    Raises:
        MissingError: there is none; the message tells the user which program to install or start.
    """
    version = _version()
    # If DOCKER_HOST names an engine on another machine, the user does not want one here.
    if version is None and installs() and not os.environ.get("DOCKER_HOST"):
        version = _start()
    if version is None:
        raise MissingError(_advice())
    return f"Docker engine {version}"


def _version() -> str | None:
    done = run("docker", "version", "--format", "{{.Server.Version}}")
    return done.stdout.strip() if done.returncode == 0 else None


def _advice() -> str:
    if shutil.which("docker") is None:
        return "no Docker: install Docker Desktop (macOS), or Docker Engine: https://docs.docker.com/engine/install/"
    reason = run("docker", "version").stderr.strip().splitlines()
    return f"no Docker engine answers; start it, or allow your user to use it ({reason[-1] if reason else 'no reason'})"


def _start() -> str | None:
    if not all(shutil.which(program) or install("docker.io") for program in ("dockerd", "docker")):
        return None
    # Since Debian 13 the command line is a separate package.
    if shutil.which("docker") is None and not install("docker-cli"):
        return None
    if SYSTEMD.exists():
        say("systemctl start docker")
        run("systemctl", "start", "docker", timeout=START_SECONDS)
        return _wait()
    return _start_detached()


def _start_detached() -> str | None:
    log = WORK / "dockerd.log"
    log.parent.mkdir(exist_ok=True)
    try:
        docker_engine.start(log, say)
    except BuildError as error:
        say(error.message)
        return None
    return _version()


def _wait() -> str | None:
    """The engine's version once it answers; None after START_SECONDS."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if version := _version():
            return version
        time.sleep(0.5)
    return None
