"""How the sandbox reads: one text for people, one JSON document for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from longshore.masking import NoMasks
from longshore.terminal.console import Console

if TYPE_CHECKING:
    from longshore.sandbox.control import FaultStatus, Status
    from longshore.sandbox.state import State

_FAULT_COLUMNS = ("n", "operation", "kind", "times", "skip", "every", "seconds", "code", "struck")
_BUILD_COLUMNS = {"build": "id", "status": "buildStatus", "phase": "currentPhase", "started by": "initiator"}


def started(state: State) -> None:
    """The addresses of a sandbox that was started."""
    Console().say(f"The sandbox is running at {state.endpoint}; its registry is {state.registry}.")


def stopped(removed: Sequence[str]) -> None:
    """The things that were removed with a sandbox."""
    console = Console()
    for line in removed:
        console.say(f"removed {line}")
    console.say("The sandbox is down." if removed else "No sandbox was running.")


def status(state: State, status: Status, *, as_json: bool) -> None:
    """The addresses of a sandbox, the variables for other programs, its services and its builds.

    Nothing is masked: the variables are meant to be used, and the key is valid for this sandbox only.
    """
    console = Console(masks=NoMasks())
    if as_json:
        console.document(_status_document(state, status))
        return
    for name, value in state.environment().items():
        console.result(f"export {name}={value}")
    console.say(
        f"Terraform Cloud's stand-in is running at {state.terraform_cloud}; its token is the secret access key."
    )
    console.table(_service_rows(status), "There are no services yet. Run: invoke bootstrap, then invoke release")
    if status.builds:
        rows = [{title: build[name] for title, name in _BUILD_COLUMNS.items()} for build in status.builds]
        console.table(rows, "")


def repository(path: Path) -> None:
    """The folder of a repository."""
    Console(masks=NoMasks()).result(str(path))


def faults(status: FaultStatus, *, as_json: bool) -> None:
    """The faults that are set."""
    console = Console()
    if as_json:
        settings, terraform_cloud = status.settings, status.terraform_cloud
        console.document({"faults": status.aws, "settings": settings, "terraform_cloud": terraform_cloud})
        return
    if status.terraform_cloud:
        console.say(f"Next faults of Terraform Cloud's stand-in: {', '.join(status.terraform_cloud)}.")
    window = status.settings["rollback_window"]
    console.say(f"A deployment shows FAILED for {window:g} s before ECS rolls it back.")
    console.table([{name: row[name] for name in _FAULT_COLUMNS} for row in status.aws], "No faults are set.")


def _status_document(state: State, status: Status) -> dict[str, object]:
    return {
        "endpoint": state.endpoint,
        "registry": state.registry,
        "terraform_cloud": state.terraform_cloud,
        "environment": state.environment(),
        "services": [asdict(service) for service in status.services],
        "builds": list(status.builds),
    }


def _service_rows(status: Status) -> list[dict[str, str]]:
    return [
        {
            "service": service.service,
            "running": f"{service.running}/{service.desired}",
            "deployment": service.deployment,
            "revision": service.task_definition.rsplit("/", 1)[-1],
            "url": service.url or "-",
        }
        for service in status.services
    ]
