"""The real registry (CNCF Distribution) behind the sandbox's ECR: a child process, or a container."""

from __future__ import annotations

import ctypes
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Protocol

from docker import DockerClient
from docker.errors import DockerException

from longshore.errors import SandboxError
from longshore.sandbox import engine, processes, state
from longshore.sandbox.cloud import LABEL, sandbox_id
from longshore.sandbox.registry.upstream import Upstream

PROGRAMS = ("docker-registry", "registry")
IMAGE = "registry:2"
HINT = f"Install the Debian package docker-registry, or run `docker pull {IMAGE}`."
_LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")
_PDEATHSIG = 1


class Registry(Protocol):
    """A registry that runs."""

    address: str
    """``127.0.0.1:PORT``."""

    def stop(self) -> None:
        """End it."""


def start(directory: Path, docker: DockerClient) -> Registry:
    """Start the registry of a sandbox: the program when it is installed, otherwise its image.

    Raises:
        SandboxError: there is neither, or it does not start.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    return RegistryProcess(program, directory / "registry") if program else RegistryContainer(directory, docker)


class RegistryProcess:
    """The registry as a child process, on a port of its own choice; its data lies in its directory."""

    def __init__(self, program: str, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        config, log = directory / "config.json", directory / "registry.log"
        config.write_text(json.dumps(_config(directory / "data")))
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [program, "serve", str(config.resolve())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={"OTEL_TRACES_EXPORTER": "none"},
                preexec_fn=_die_with_parent(),  # noqa: PLW1509 - the sandbox has one thread yet
            )
        (directory / "pid").write_text(str(self._process.pid))
        try:
            self.address = f"127.0.0.1:{_port(log, self._process)}"
        except SandboxError:
            self.stop()
            raise

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class RegistryContainer:
    """The registry as a container with the sandbox's label, its port published on loopback."""

    def __init__(self, directory: Path, docker: DockerClient) -> None:
        try:
            self._container = docker.containers.run(
                IMAGE,
                detach=True,
                labels={LABEL: engine.registry_id(sandbox_id(directory))},
                environment={"REGISTRY_STORAGE_DELETE_ENABLED": "true", "OTEL_TRACES_EXPORTER": "none"},
                ports={"5000/tcp": ("127.0.0.1", 0)},
            )
            self._container.reload()
            published = self._container.ports["5000/tcp"] or []
            self.address = f"127.0.0.1:{published[0]['HostPort']}"
        except (DockerException, LookupError) as error:
            raise SandboxError(f"no registry: no program {' or '.join(PROGRAMS)}, and {error}", HINT) from error
        try:
            _wait(lambda: _answers(self.address), f"the registry's container does not answer on {self.address}")
        except SandboxError as error:
            words = self._container.logs(tail=10).decode(errors="replace")
            self.stop()
            raise SandboxError(f"{error.message}: {words}", HINT) from error

    def stop(self) -> None:
        """Remove the container and its data."""
        self._container.remove(force=True, v=True)


def end_orphan(directory: Path) -> list[str]:
    """End the registry that a killed sandbox left running. Returns what was ended, one text each."""
    try:
        pid = int((directory / "registry" / "pid").read_text())
    except (OSError, ValueError):
        return []
    return [f"registry process {pid}"] if processes.end(pid, state.mark(directory), grace=5) else []


def _config(data: Path) -> dict[str, object]:
    return {
        "version": "0.1",
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(data)}, "delete": {"enabled": True}},
        "http": {"addr": "127.0.0.1:0"},
    }


def _die_with_parent() -> Callable[[], None] | None:
    """What the child does before its program begins: on Linux it asks to be killed when the sandbox is."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up here: after the fork no lock may be waited for
    return lambda: prctl(_PDEATHSIG, signal.SIGKILL)


def _port(log: Path, process: subprocess.Popen[bytes]) -> str:
    def look() -> str | None:
        if process.poll() is not None:
            raise SandboxError(f"the registry ended at once: {log.read_text(errors='replace')[-500:]}", HINT)
        found = _LISTENING.search(log.read_text(errors="replace"))
        return found.group(1) if found else None

    return _wait(look, f"the registry does not listen; see {log}")


def _answers(address: str) -> str | None:
    try:
        answer = Upstream(address).request("GET", "/v2/")
    except (OSError, HTTPException):
        return None
    return address if answer.status == 200 else None


def _wait(look: Callable[[], str | None], message: str) -> str:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise SandboxError(message, HINT)
