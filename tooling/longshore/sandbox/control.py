"""Starting, stopping and querying a sandbox."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
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
from longshore.sandbox import engine, folder, processes
from longshore.sandbox.cloud import sandbox_id
from longshore.sandbox.fault_spec import FaultSpec
from longshore.sandbox.registry import distribution
from longshore.sandbox.state import State, load, mark, read

START_SECONDS = 60.0
STOP_SECONDS = 45.0


@dataclass(frozen=True)
class ServiceStatus:
    """A service in the sandbox; `url` is None if it has no port."""

    cluster: str
    service: str
    url: str | None
    desired: int
    running: int
    deployment: str
    task_definition: str


@dataclass(frozen=True)
class Status:
    """The contents of a sandbox; `state` is None if no sandbox is running."""

    state: State | None
    services: tuple[ServiceStatus, ...] = ()
    tasks: tuple[dict[str, Any], ...] = ()
    builds: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class FaultStatus:
    """The faults of a sandbox.

    Attributes:
        aws: faults of the AWS API, oldest first, each with the number of calls that it has affected.
        terraform_cloud: faults of the next runs and calls of Terraform Cloud's stand-in, in their order.
        settings: the settings, in seconds.
    """

    aws: list[dict[str, Any]]
    terraform_cloud: list[str]
    settings: dict[str, float]


def up(directory: Path, port: int = 0) -> State:
    """Start a sandbox in a directory, unless it is running; clean up after a killed one first.

    Args:
        directory: where it keeps its files; created if missing.
        port: port of the AWS API on loopback; 0 for any free port.

    Returns:
        The state of the sandbox.

    Raises:
        SandboxError: no Docker engine or no registry, a port in use, or a directory with other files.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = directory.resolve()
    with _locked(directory):
        if running := load(directory):
            return running
        if not folder.is_claimed(directory) and any(directory.iterdir()):
            raise SandboxError(
                f"{directory} is not empty and was not created by a sandbox", "Choose an empty directory."
            )
        _remove_leftovers(directory)
        folder.claim(directory)
        return _start(directory, port)


def down(directory: Path) -> list[str]:
    """Stop the sandbox of a directory, running or killed, and remove everything that it created, and nothing else.

    Returns:
        One line for each thing that was removed; empty if there was nothing.

    Raises:
        SandboxError: no Docker engine answers, so its containers cannot be removed.
    """
    if not directory.is_dir() or not folder.is_claimed(directory):
        return []
    directory = directory.resolve()
    with _locked(directory):
        state = read(directory)
        stopped = state is not None and processes.end(state.pid, mark(directory), STOP_SECONDS)
        removed = [f"server process {state.pid}"] if state and stopped else []
        removed += _remove_leftovers(directory)
        if others := sorted(path.name for path in directory.iterdir()):
            return [*removed, f"its files in {directory}, but not {', '.join(others)}: the sandbox did not create that"]
        directory.rmdir()
    return [*removed, f"files in {directory}"]


def status(directory: Path) -> Status:
    """The services, tasks and builds of the sandbox in a directory.

    Raises:
        SandboxError: it is running, but does not answer.
    """
    state = load(directory)
    if state is None:
        return Status(None)
    answer = _get(state, "/_sandbox/status")
    services = tuple(ServiceStatus(**service) for service in answer["services"])
    return Status(state, services, tuple(answer["tasks"]), tuple(answer["builds"]))


def calls(state: State, since: int = 0) -> dict[str, Any]:
    """The calls that a sandbox answered, from a number: ``{"next": M, "requests": [...]}``."""
    return _get(state, f"/_sandbox/requests?since={since}")


def faults(state: State) -> list[dict[str, Any]]:
    """The faults that are set, oldest first, each with the number of calls that it has affected."""
    rows: list[dict[str, Any]] = _request(state, state.endpoint, "GET", "/_sandbox/faults")
    return rows


def add_fault(state: State, fault: dict[str, Any]) -> None:
    """Set a fault, given the fields of `longshore.sandbox.api.faults.Fault`.

    Raises:
        UsageError: a field is not valid; the message names it.
    """
    _request(state, state.endpoint, "POST", "/_sandbox/faults", fault)


def clear_faults(state: State) -> None:
    """Clear all faults."""
    _request(state, state.endpoint, "DELETE", "/_sandbox/faults")


def change_faults(state: State, spec: FaultSpec, *, clear: bool) -> None:
    """Optionally clear all faults, of AWS and of Terraform Cloud; then make the changes of a spec.

    Raises:
        UsageError: there is no such fault, or a field is not valid; the message lists the valid values.
    """
    if clear:
        clear_faults(state)
        _request(state, state.terraform_cloud, "DELETE", "/_sandbox/script")
    if spec.terraform_cloud:
        _request(state, state.terraform_cloud, "POST", "/_sandbox/script", spec.terraform_cloud)
    if spec.aws:
        add_fault(state, dict(spec.aws))
    if spec.rollback_window is not None:
        settings(state, rollback_window=spec.rollback_window)


def fault_status(state: State) -> FaultStatus:
    """Every fault that is set, and the settings."""
    terraform_cloud = _request(state, state.terraform_cloud, "GET", "/_sandbox/script")
    return FaultStatus(faults(state), terraform_cloud, settings(state))


def settings(state: State, **changes: float) -> dict[str, float]:
    """Change settings, in seconds, and return all of them.

    Raises:
        UsageError: there is no such setting, or the value is not valid.
    """
    values: dict[str, float] = _request(state, state.endpoint, "POST", "/_sandbox/settings", changes)
    return values


def script_builds(state: State, outcomes: Iterable[dict[str, Any]], *, clear: bool = False) -> list[dict[str, Any]]:
    """Prescribe outcomes of the next builds, given the fields of `longshore.sandbox.codebuild.outcomes.Outcome`.

    Args:
        state: the sandbox.
        outcomes: one for each of the next builds of its project, in their order.
        clear: discard earlier outcomes first.

    Returns:
        The outcomes that no build has taken yet.

    Raises:
        UsageError: a field is not valid; the message names it.
    """
    rows: list[dict[str, Any]] = _request(state, state.endpoint, "DELETE" if clear else "GET", "/_sandbox/builds")
    for outcome in outcomes:
        rows = _request(state, state.endpoint, "POST", "/_sandbox/builds", outcome)
    return rows


def repository(state: State, name: str = "") -> Path:
    """The folder of a repository, created if missing; without a name, that of the only repository.

    Raises:
        UsageError: the name is not valid, or no name was given and there is not exactly one repository.
    """
    if name:
        created: dict[str, str] = _request(state, state.endpoint, "POST", "/_sandbox/repositories", {"name": name})
        return Path(created[name])
    folders = _get(state, "/_sandbox/repositories")
    if len(folders) == 1:
        return Path(*folders.values())
    names = ", ".join(sorted(folders))
    hint = (
        f"Pass one of these with --name: {names}" if names else "Create one with: invoke sandbox.repository --name NAME"
    )
    raise UsageError(f"the sandbox has {len(folders) or 'no'} repositories", hint)


def _start(directory: Path, port: int) -> State:
    # not subprocess: the server outlives this process, which does not wait for it
    log = directory / folder.LOG
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
    raise SandboxError(f"the sandbox did not start within {START_SECONDS:.0f} s", f"Check {log}.")


def _failure(log: Path) -> SandboxError:
    lines = log.read_text(errors="replace", encoding="utf-8").splitlines()[-15:]
    return SandboxError("the sandbox did not start:\n" + "\n".join(lines), f"The full log is {log}.")


def _environment() -> dict[str, str]:
    """The server's variables: none that point AWS's or moto's code elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_"))}


def _remove_leftovers(directory: Path) -> list[str]:
    killed = read(directory)
    # builds that a killed server started are still running
    orphans = processes.end_all((f"LONGSHORE_SANDBOX={directory}", "CODEBUILD_BUILD_ID="), grace=2.0)
    removed = [f"build process {pid}" for pid in orphans]
    removed += distribution.end_orphan(directory)
    client = engine.connect()
    try:
        removed += engine.sweep(client, sandbox_id(directory), killed.registry if killed else None)
    finally:
        client.close()
    folder.clear(directory)
    return removed


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Allow one `up` or `down` at a time in a directory."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _get(state: State, path: str) -> dict[str, Any]:
    answer: dict[str, Any] = _request(state, state.endpoint, "GET", path)
    return answer


def _request(state: State, endpoint: str, method: str, path: str, document: object = None) -> Any:
    connection = HTTPConnection(urlsplit(endpoint).netloc, timeout=10)
    try:
        sent = None if document is None else json.dumps(document)
        connection.request(method, path, sent, state.authorization())
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == HTTPStatus.BAD_REQUEST:
            raise UsageError(body.decode(errors="replace").strip())
        return json.loads(body)
    except (OSError, HTTPException, ValueError) as error:
        raise SandboxError(
            f"the sandbox at {endpoint} does not answer: {error}",
            "Restart it with: invoke sandbox.down, then invoke sandbox.up",
        ) from error
    finally:
        connection.close()
