"""The registry (CNCF Distribution) behind the sandbox's ECR, as a child process or as a container."""

from __future__ import annotations

import ctypes
import json
import re
import secrets
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
HINT = f"Install the Debian package docker-registry, or run: docker pull {IMAGE}"
_LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")
_PDEATHSIG = 1


class Registry(Protocol):
    """A running registry."""

    upstream: Upstream
    """Its address and secret path."""

    def stop(self) -> None:
        """Stop the registry."""


def start(directory: Path, docker: DockerClient) -> Registry:
    """Start the registry of a sandbox: the program if it is installed, its image otherwise.

    Raises:
        SandboxError: neither is available, or the registry does not start.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    return RegistryProcess(program, directory / "registry") if program else RegistryContainer(directory, docker)


class RegistryProcess:
    """The registry as a child process, on a port that it chooses; its data is in its directory."""

    def __init__(self, program: str, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        config, log = directory / "config.json", directory / "registry.log"
        prefix = _secret_path()
        config.touch(0o600)
        config.write_text(json.dumps(_config(directory / "data", prefix)), encoding="utf-8")
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [program, "serve", str(config.resolve())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={"OTEL_TRACES_EXPORTER": "none"},
                preexec_fn=_die_with_parent(),  # noqa: PLW1509 - the sandbox has no other threads yet
            )
        (directory / "pid").write_text(str(self._process.pid), encoding="utf-8")
        try:
            self.upstream = Upstream(f"127.0.0.1:{_port(log, self._process)}", prefix)
        except SandboxError:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the process."""
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class RegistryContainer:
    """The registry as a container with the sandbox's label, on a loopback port."""

    def __init__(self, directory: Path, docker: DockerClient) -> None:
        prefix = _secret_path()
        try:
            self._container = docker.containers.run(
                IMAGE,
                detach=True,
                labels={LABEL: engine.registry_id(sandbox_id(directory))},
                environment={
                    "REGISTRY_STORAGE_DELETE_ENABLED": "true",
                    "REGISTRY_HTTP_PREFIX": f"{prefix}/",
                    "OTEL_TRACES_EXPORTER": "none",
                },
                ports={"5000/tcp": ("127.0.0.1", 0)},
            )
            self._container.reload()
            published = self._container.ports["5000/tcp"] or []
            self.upstream = Upstream(f"127.0.0.1:{published[0]['HostPort']}", prefix)
        except (DockerException, LookupError) as error:
            raise SandboxError(f"no registry: {' or '.join(PROGRAMS)} is not installed, and {error}", HINT) from error
        try:
            address = self.upstream.address
            _wait(lambda: _answers(self.upstream), f"the registry's container does not answer on {address}")
        except SandboxError as error:
            log = self._container.logs(tail=10).decode(errors="replace")
            self.stop()
            raise SandboxError(f"{error.message}: {log}", HINT) from error

    def stop(self) -> None:
        """Remove the container and its data."""
        self._container.remove(force=True, v=True)


def end_orphan(directory: Path) -> list[str]:
    """Stop the registry that a killed sandbox left running; a line about it, or none."""
    try:
        pid = int((directory / "registry" / "pid").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [f"registry process {pid}"] if processes.end(pid, state.mark(directory), grace=5) else []


def _secret_path() -> str:
    """A path that only this sandbox knows."""
    return f"/{secrets.token_urlsafe(24)}"


def _config(data: Path, prefix: str) -> dict[str, object]:
    return {
        "version": "0.1",
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(data)}, "delete": {"enabled": True}},
        "http": {"addr": "127.0.0.1:0", "prefix": f"{prefix}/"},
    }


def _die_with_parent() -> Callable[[], None] | None:
    """A function for the child to call before its program starts: on Linux, it is killed with the sandbox."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # loaded before the fork: after it, no lock may be taken
    return lambda: prctl(_PDEATHSIG, signal.SIGKILL)


def _port(log: Path, process: subprocess.Popen[bytes]) -> str:
    def look() -> str | None:
        if process.poll() is not None:
            raise SandboxError(f"the registry exited: {log.read_text(errors='replace', encoding='utf-8')[-500:]}", HINT)
        listening = _LISTENING.search(log.read_text(errors="replace", encoding="utf-8"))
        return listening.group(1) if listening else None

    return _wait(look, f"the registry is not listening; check {log}")


def _answers(upstream: Upstream) -> str | None:
    try:
        answer = upstream.request("GET", "/v2/")
    except (OSError, HTTPException):
        return None
    return upstream.address if answer.status == 200 else None


def _wait(look: Callable[[], str | None], message: str) -> str:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if result := look():
            return result
        time.sleep(0.02)
    raise SandboxError(message, HINT)
