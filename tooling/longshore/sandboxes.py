"""What the tasks ``sandbox.*`` show."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from longshore.access import sandbox_directory
from longshore.config import load
from longshore.console import Console
from longshore.environment import project_root, raw_settings
from longshore.errors import SandboxError

if TYPE_CHECKING:
    from types import ModuleType

    from invoke.context import Context


def up(c: Context, port: int) -> None:
    """Starts the sandbox of this project, or finds it running."""
    settings = load(raw_settings(c.config))
    state = _control().up(sandbox_directory(project_root(c.config)), port or settings.sandbox.port)
    Console().say(f"The sandbox answers at {state.endpoint}; its registry is {state.registry}.")


def down(c: Context) -> None:
    """Stops it and removes what it made."""
    console = Console()
    removed = _control().down(sandbox_directory(project_root(c.config)))
    for line in removed:
        console.say(f"removed {line}")
    console.say("The sandbox is down." if removed else "No sandbox was running.")


def status(c: Context, *, as_json: bool) -> None:
    """Shows where it answers, the variables for other programs, and its services.

    Raises:
        SandboxError: none is running.
    """
    console = Console()
    found = _control().status(sandbox_directory(project_root(c.config)))
    if found.state is None:
        raise SandboxError("no sandbox is running", "Start it with: invoke sandbox.up")
    environment = found.state.environment()
    services = [asdict(service) for service in found.services]
    if as_json:
        console.document(
            {
                "endpoint": found.state.endpoint,
                "registry": found.state.registry,
                "environment": environment,
                "services": services,
            }
        )
        return
    for name, value in environment.items():
        console.result(f"export {name}={value}")
    rows = [
        {
            "service": service["service"],
            "running": f"{service['running']}/{service['desired']}",
            "deployment": service["deployment"],
            "revision": service["task_definition"].rsplit("/", 1)[-1],
            "url": service["url"] or "-",
        }
        for service in services
    ]
    console.table(rows, "No services yet: invoke bootstrap, then invoke release.")


def _control() -> ModuleType:
    try:
        from longshore.sandbox import control  # noqa: PLC0415 - its packages are an extra
    except ModuleNotFoundError as error:
        raise SandboxError(
            f"the sandbox needs the package {error.name!r}", "Install it with: pip install 'longshore[sandbox]'"
        ) from None
    return control
