"""Starting, stopping and asking after a sandbox."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from longshore.errors import SandboxError, UsageError
from longshore.sandbox import engine, processes
from longshore.sandbox.cloud import sandbox_id
from longshore.sandbox.fault_spec import FaultSpec
from longshore.sandbox.registry import distribution
from longshore.sandbox.state import State, load, mark, read

LOG = "server.log"
START_SECONDS = 60.0
STOP_SECONDS = 45.0


@dataclass(frozen=True)
class ServiceStatus:
    """A service that runs in the sandbox; `url` is None for one without a port."""

    cluster: str
    service: str
    url: str | None
    desired: int
    running: int
    deployment: str
    task_definition: str


@dataclass(frozen=True)
class Status:
    """What a sandbox does; `state` is None when none runs."""

    state: State | None
    services: tuple[ServiceStatus, ...] = ()
    tasks: tuple[dict[str, Any], ...] = ()
    builds: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class FaultStatus:
    """The faults of a sandbox.

    Attributes:
        aws: those of the AWS API, oldest first, each with how often it has struck.
        terraform_cloud: those that the stand-in for Terraform Cloud has yet to meet, in their order.
        settings: the settings, in seconds.
    """

    aws: list[dict[str, Any]]
    terraform_cloud: list[str]
    settings: dict[str, float]


def up(directory: Path, port: int = 0) -> State:
    """Start a sandbox in a directory, or find it running. What a killed one left is cleaned up first.

    Args:
        directory: where it keeps its files; made when missing.
        port: port of the AWS API on loopback; 0 takes a free one.

    Returns:
        What it is known by.

    Raises:
        SandboxError: no Docker engine, no registry, the port is taken, or the directory holds something else.
    """
    directory.mkdir(parents=True, exist_ok=True)
    directory = directory.resolve()
    with _locked(directory):
        if running := load(directory):
            return running
        if not _is_ours(directory):
            raise SandboxError(f"{directory} is not empty, and no sandbox made it", "Name a folder of its own.")
        _clean(directory)
        return _start(directory, port)


def down(directory: Path) -> list[str]:
    """Stop the sandbox of a directory, running or killed, and remove all that it made.

    Returns:
        What was removed, one text each; empty when there was nothing.

    Raises:
        SandboxError: no Docker engine answers, so that what it holds can't be removed.
    """
    if not directory.is_dir() or not _is_ours(directory):
        return []
    directory = directory.resolve()
    with _locked(directory):
        state = read(directory)
        stopped = state is not None and processes.end(state.pid, mark(directory), STOP_SECONDS)
        removed = [f"server process {state.pid}"] if state and stopped else []
        removed += _clean(directory)
        directory.rmdir()
    return [*removed, f"files in {directory}"]


def status(directory: Path) -> Status:
    """What runs in the sandbox of a directory.

    Raises:
        SandboxError: it runs, and does not answer.
    """
    state = load(directory)
    if state is None:
        return Status(None)
    answer = _get(state.endpoint, "/_sandbox/status")
    services = tuple(ServiceStatus(**service) for service in answer["services"])
    return Status(state, services, tuple(answer["tasks"]), tuple(answer["builds"]))


def calls(state: State, since: int = 0) -> dict[str, Any]:
    """The calls that a sandbox answered, from a number on: ``{"next": M, "requests": [...]}``."""
    return _get(state.endpoint, f"/_sandbox/requests?since={since}")


def faults(state: State) -> list[dict[str, Any]]:
    """The faults that are set, oldest first, with how often each has struck."""
    rows: list[dict[str, Any]] = _ask(state.endpoint, "GET", "/_sandbox/faults")
    return rows


def add_fault(state: State, fault: dict[str, Any]) -> None:
    """Set a fault: the fields of `longshore.sandbox.api.faults.Fault`.

    Raises:
        UsageError: a field is not as it must be; the message names it.
    """
    _ask(state.endpoint, "POST", "/_sandbox/faults", fault)


def clear_faults(state: State) -> None:
    """Clear all faults."""
    _ask(state.endpoint, "DELETE", "/_sandbox/faults")


def change_faults(state: State, spec: FaultSpec, *, clear: bool) -> None:
    """Clear all faults, of AWS and of Terraform Cloud, if asked to; then make the changes of a spec.

    Raises:
        UsageError: there is no such fault, or a field is not as it must be; the message names those that there are.
    """
    if clear:
        clear_faults(state)
        _ask(state.terraform_cloud, "DELETE", "/_sandbox/script")
    if spec.terraform_cloud:
        _ask(state.terraform_cloud, "POST", "/_sandbox/script", spec.terraform_cloud)
    if spec.aws:
        add_fault(state, dict(spec.aws))
    if spec.rollback_window is not None:
        settings(state, rollback_window=spec.rollback_window)


def fault_status(state: State) -> FaultStatus:
    """Every fault that is set, and the settings."""
    terraform_cloud = _ask(state.terraform_cloud, "GET", "/_sandbox/script")
    return FaultStatus(faults(state), terraform_cloud, settings(state))


def settings(state: State, **changes: float) -> dict[str, float]:
    """The settings of a sandbox, in seconds, after these changes.

    Raises:
        UsageError: there is no such setting, or the value is not allowed.
    """
    found: dict[str, float] = _ask(state.endpoint, "POST", "/_sandbox/settings", changes)
    return found


def script_builds(state: State, outcomes: Iterable[dict[str, Any]], *, clear: bool = False) -> list[dict[str, Any]]:
    """Prescribe what becomes of the next builds: the fields of `longshore.sandbox.codebuild.outcomes.Outcome`.

    Args:
        state: the sandbox.
        outcomes: one for each build to come, in their order; those of other projects wait beside them.
        clear: forget what was prescribed before.

    Returns:
        Those that wait now.

    Raises:
        UsageError: a field is not as it must be; the message names it.
    """
    rows: list[dict[str, Any]] = _ask(state.endpoint, "DELETE" if clear else "GET", "/_sandbox/builds")
    for outcome in outcomes:
        rows = _ask(state.endpoint, "POST", "/_sandbox/builds", outcome)
    return rows


def repository(state: State, name: str = "") -> Path:
    """The repository of a name, made when it is missing; without a name the only one that there is.

    Raises:
        UsageError: no repository can be called so; or there is none, or there are several, and no name was given.
    """
    if name:
        made: dict[str, str] = _ask(state.endpoint, "POST", "/_sandbox/repositories", {"name": name})
        return Path(made[name])
    found = _get(state.endpoint, "/_sandbox/repositories")
    if len(found) == 1:
        return Path(*found.values())
    hint = f"Name one of: {', '.join(sorted(found))}" if found else "Name one: invoke sandbox.repository --name NAME"
    raise UsageError(f"the sandbox has {len(found) or 'no'} repositories", hint)


def _start(directory: Path, port: int) -> State:
    # not subprocess: the server outlives this process, and nobody waits for it
    log = directory / LOG
    arguments = [sys.executable, "-m", "longshore.sandbox.server", "--directory", str(directory), "--port", str(port)]
    pid = os.posix_spawn(
        sys.executable,
        arguments,
        _environment(),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if state := read(directory):
            return state
        if os.waitpid(pid, os.WNOHANG)[0]:
            raise _failure(log)
        time.sleep(0.02)
    processes.end(pid, mark(directory), grace=5)
    raise SandboxError(f"the sandbox did not start within {START_SECONDS:.0f} s", f"See {log}.")


def _failure(log: Path) -> SandboxError:
    lines = log.read_text(errors="replace").splitlines()[-15:]
    return SandboxError("the sandbox did not start:\n" + "\n".join(lines), f"The whole log: {log}")


def _environment() -> dict[str, str]:
    """The server's: without what points AWS's or moto's code elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_"))}


def _is_ours(directory: Path) -> bool:
    names = {path.name for path in directory.iterdir()}
    return not names or LOG in names


def _clean(directory: Path) -> list[str]:
    former = read(directory)
    # whatever builds of a killed server have started still runs
    orphans = processes.end_all((f"LONGSHORE_SANDBOX={directory}", "CODEBUILD_BUILD_ID="), grace=2.0)
    removed = [f"build process {pid}" for pid in orphans]
    removed += distribution.end_orphan(directory)
    client = engine.connect()
    try:
        removed += engine.sweep(client, sandbox_id(directory), former.registry if former else None)
    finally:
        client.close()
    for path in directory.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return removed


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """One `up` or `down` at a time in a directory."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _get(endpoint: str, path: str) -> dict[str, Any]:
    answer: dict[str, Any] = _ask(endpoint, "GET", path)
    return answer


def _ask(endpoint: str, method: str, path: str, document: object = None) -> Any:
    connection = HTTPConnection(urlsplit(endpoint).netloc, timeout=10)
    try:
        connection.request(method, path, None if document is None else json.dumps(document))
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == HTTPStatus.BAD_REQUEST:
            raise UsageError(body.decode(errors="replace").strip())
        return json.loads(body)
    except (OSError, HTTPException, ValueError) as error:
        raise SandboxError(
            f"the sandbox at {endpoint} does not answer: {error}", "Stop it, and start it again."
        ) from error
    finally:
        connection.close()
