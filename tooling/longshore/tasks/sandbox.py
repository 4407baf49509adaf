"""Tasks of the sandbox, the local cloud."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context

from longshore.config.values import shown
from longshore.errors import UsageError
from longshore.tasks.common import task
from longshore.tasks.exits import keeping_exit_code

if TYPE_CHECKING:
    from types import ModuleType

    from longshore.sandbox.control import Status
    from longshore.sandbox.state import State

_LAST_PORT = 65535


@task(port="port of the AWS API; any free one if not given")
def up(c: Context, port: int = 0) -> None:
    """Start the local cloud, with real containers."""
    from longshore.config.settings import load
    from longshore.environment.environment import raw_settings
    from longshore.tasks import sandbox_views

    settings = load(raw_settings(c.config))
    if not 0 <= port <= _LAST_PORT:
        raise UsageError(f"--port must be from 0 to {_LAST_PORT}, not {shown(port)}", "0 takes any free port.")
    sandbox_views.started(_control().up(_directory(c), port or settings.sandbox.port))


@task()
def down(c: Context) -> None:
    """Stop the local cloud and remove everything that it made."""
    from longshore.tasks import sandbox_views

    sandbox_views.stopped(_control().down(_directory(c)))


@task()
def status(c: Context, json: bool = False) -> None:
    """Show where the local cloud answers and what is running."""
    from longshore.tasks import sandbox_views

    running, status = _running(c)
    sandbox_views.status(running, status, as_json=json)


@task(name="last part of a build project's source location; the only repository if not given")
def repository(c: Context, name: str = "") -> None:
    """Show where the local cloud keeps a git repository."""
    from longshore.tasks import sandbox_views

    running, _ = _running(c)
    sandbox_views.repository(_control().repository(running, name))


@task(
    operation="the calls that fail: ecs:UpdateService, or ecs:reads, ecs:writes, ecs:*; cloud:NAME for Terraform Cloud",
    kind="throttle, error, expired, denied, lost, delay, stale, failures or refuse",
    times="how many calls fail; all of them if not given",
    skip="how many matching calls succeed first",
    every="fail only every Nth call",
    seconds="how long a delay lasts",
    code="AWS's error code, for refuse",
    message="the error's message, for refuse; the reason, for failures",
    window="how many seconds a deployment shows FAILED before ECS rolls it back",
    clear="clear all faults first",
)
def fault(
    c: Context,
    operation: str | None = None,
    kind: str | None = None,
    times: str | None = None,
    skip: str | None = None,
    every: str | None = None,
    seconds: str | None = None,
    code: str | None = None,
    message: str | None = None,
    window: str | None = None,
    clear: bool = False,
    json: bool = False,
) -> None:
    """List, set or clear the faults of the local cloud."""
    from longshore.sandbox import fault_spec
    from longshore.tasks import sandbox_views
    from longshore.terminal.console import Console

    options = {"operation": operation, "kind": kind, "times": times, "skip": skip, "every": every}
    options |= {"seconds": seconds, "code": code, "message": message, "window": window}
    control, (running, _) = _control(), _running(c)
    control.change_faults(running, fault_spec.parse(options), clear=clear)
    changed = clear or any(value is not None for value in options.values())
    with keeping_exit_code(Console()) if changed else nullcontext():
        sandbox_views.faults(control.fault_status(running), as_json=json)


def _running(c: Context) -> tuple[State, Status]:
    """The project's sandbox, and its status.

    Raises:
        SandboxError: it is not running.
    """
    from longshore.errors import SandboxError

    status: Status = _control().status(_directory(c))
    if status.state is None:
        raise SandboxError("no sandbox is running", "Start it with: invoke sandbox.up")
    return status.state, status


def _directory(c: Context) -> Path:
    from longshore.config.project import project_root
    from longshore.environment.access import sandbox_directory

    return sandbox_directory(project_root(c.config))


def _control() -> ModuleType:
    from longshore.errors import SandboxError

    try:
        from longshore.sandbox import control  # its packages are an extra
    except ModuleNotFoundError as error:
        raise SandboxError(
            f"the sandbox needs the package {error.name!r}", "Install it with: pip install 'longshore[sandbox]'"
        ) from None
    return control
