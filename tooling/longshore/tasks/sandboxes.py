"""What the tasks ``sandbox.*`` show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from longshore.config.settings import load
from longshore.console import Console
from longshore.environment.access import sandbox_directory
from longshore.environment.environment import project_root, raw_settings
from longshore.errors import SandboxError, UsageError
from longshore.masking import NoMasks

if TYPE_CHECKING:
    from types import ModuleType

    from invoke.context import Context

    from longshore.sandbox.state import State


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
    # It is asked for to be used: the sandbox's own key gives access to nothing else.
    console = Console(masks=NoMasks())
    found = _control().status(sandbox_directory(project_root(c.config)))
    if found.state is None:
        raise SandboxError("no sandbox is running", "Start it with: invoke sandbox.up")
    environment = found.state.environment()
    builds = list(found.builds)
    services = [asdict(service) for service in found.services]
    if as_json:
        console.document(
            {
                "endpoint": found.state.endpoint,
                "registry": found.state.registry,
                "terraform_cloud": found.state.terraform_cloud,
                "environment": environment,
                "services": services,
                "builds": builds,
            }
        )
        return
    for name, value in environment.items():
        console.result(f"export {name}={value}")
    console.say(f"Terraform Cloud's stand-in answers at {found.state.terraform_cloud}; its token is the secret key.")
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
    if builds:
        shown = {"build": "id", "status": "buildStatus", "phase": "currentPhase", "started by": "initiator"}
        console.table([{title: build[name] for title, name in shown.items()} for build in builds], "")


def repository(c: Context, name: str) -> None:
    """Shows where a repository lies that stands for GitHub; it is made when it is missing.

    Raises:
        SandboxError: no sandbox is running.
        UsageError: no name was given, and there is not exactly one.
    """
    Console(masks=NoMasks()).result(str(_control().repository(_running(c), name)))


def fault(c: Context, given: Mapping[str, str | None], *, clear: bool, as_json: bool) -> None:
    """Sets a fault, clears all, or changes the circuit breaker's window; lists the faults in any case.

    Args:
        c: Invoke's context.
        given: the options as they were typed; None for those that were not.
        clear: clear all faults first.
        as_json: list them as JSON.

    Raises:
        UsageError: an option is not as it must be; the message names it.
        SandboxError: none is running.
    """
    console, state, control = Console(), _running(c), _control()
    wanted = {name: _value(name, text) for name, text in given.items() if text is not None}
    changes = {"rollback_window": wanted.pop("window")} if "window" in wanted else {}
    if clear:
        control.clear_faults(state)
        control.script_cloud(state, None)
    if str(wanted.get("operation", "")).startswith("cloud:"):
        name = str(wanted["operation"]).removeprefix("cloud:")
        control.script_cloud(state, [name] * int(wanted.get("times", 1)))
    elif wanted:
        from longshore.sandbox.api import operations

        operations.check(str(wanted.get("operation", "")))
        control.add_fault(state, wanted)
    settings = control.settings(state, **changes)
    rows, scripted = control.faults(state), control.script_cloud(state, [])
    if as_json:
        console.document({"faults": rows, "settings": settings, "terraform_cloud": scripted})
        return
    if scripted:
        console.say(f"Terraform Cloud's stand-in will meet: {', '.join(scripted)}.")
    console.say(f"A deployment shows FAILED for {settings['rollback_window']:g} s before ECS rolls it back.")
    shown = ("n", "operation", "kind", "times", "skip", "every", "seconds", "code", "struck")
    console.table([{name: row[name] for name in shown} for row in rows], "No faults are set.")


def _value(name: str, text: str) -> str | int | float:
    kinds: dict[str, tuple[type[int] | type[float], str]] = {
        **dict.fromkeys(("times", "skip", "every"), (int, "a whole number")),
        **dict.fromkeys(("seconds", "window"), (float, "a number of seconds")),
    }
    if name not in kinds:
        return text
    kind, words = kinds[name]
    try:
        return kind(text)
    except ValueError:
        raise UsageError(f"{name}: {text!r} is not {words}") from None


def _running(c: Context) -> State:
    state: State | None = _control().status(sandbox_directory(project_root(c.config))).state
    if state is None:
        raise SandboxError("no sandbox is running", "Start it with: invoke sandbox.up")
    return state


def _control() -> ModuleType:
    try:
        from longshore.sandbox import control  # its packages are an extra
    except ModuleNotFoundError as error:
        raise SandboxError(
            f"the sandbox needs the package {error.name!r}", "Install it with: pip install 'longshore[sandbox]'"
        ) from None
    return control
