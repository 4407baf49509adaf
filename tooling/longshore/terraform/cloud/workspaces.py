"""A workspace of Terraform Cloud: whether it is as a release needs it, and how it becomes so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longshore.config.target import Stack, Workspace
from longshore.errors import CloudError, TerraformError
from longshore.terraform.cloud import arguments
from longshore.terraform.cloud.api import Api
from longshore.terraform.cloud.arguments import ARGUMENTS
from longshore.terraform.cloud.run import related_id

_PAGE = 100


@dataclass(frozen=True)
class WorkspaceState:
    """A workspace as it is.

    Attributes:
        id: such as ``ws-SihZTyXKfNXUWuUa``.
        address: its organization and name.
        mode: ``remote``, ``agent`` or ``local``: who runs terraform.
        auto_apply: whether plans are applied that nobody has confirmed.
        directory: where in the repository its root is.
        connected: whether its configuration comes from version control.
        structured: whether its logs are events.
        version: of Terraform.
        readable: whether the token may read its states.
    """

    id: str
    address: Workspace
    mode: str
    auto_apply: bool
    directory: str
    connected: bool
    structured: bool
    version: str
    readable: bool

    def current_run_and_lock(self, api: Api) -> tuple[str, bool]:
        """The id of the run that has the workspace, or had it last, empty where none has; and whether it is locked."""
        data = api.get(f"workspaces/{self.id}")["data"]
        return related_id(data, "current-run"), (data.get("attributes") or {}).get("locked") is True


def find(api: Api, address: Workspace) -> WorkspaceState | None:
    """A workspace by its name; None where it is not there, or the token may not see it."""
    try:
        data = api.get(f"organizations/{address.organization}/workspaces/{address.name}")["data"]
    except CloudError as error:
        if error.status == 404:
            return None
        raise
    return _parse(data, address)


def refuse_auto_apply(found: WorkspaceState) -> None:
    """Makes sure that nothing is applied before somebody has seen it.

    Raises:
        TerraformError: the workspace applies by itself.
    """
    if found.auto_apply:
        raise TerraformError(
            f"workspace {found.address} applies every plan by itself (auto-apply): nothing could look at it before",
            "Switch auto-apply off in the workspace's settings.",
        )


def refuse_unreadable(found: WorkspaceState) -> None:
    """Makes sure that a state that may not be read is not taken for one that is not there: both are answered by 404.

    Raises:
        TerraformError: the token may not read the workspace's states.
    """
    if not found.readable:
        raise TerraformError(
            f"the token may not read the states of workspace {found.address}, whose outputs a release needs",
            "Let the team of the token read its state versions, which the permission to read outputs does not include.",
        )


def problems(api: Api, found: WorkspaceState, root: Path, stack: Stack) -> list[str]:
    """What of a workspace would make its plans other ones than those of the stack, one finding each."""
    wanted = stack.directory.relative_to(root).as_posix()
    lines = (
        []
        if found.directory.strip("/") == wanted
        else [f"its working directory is {found.directory!r}, not {wanted!r}"]
    )
    variable, needed = _arguments_variable(api, found), arguments.for_stack(stack)
    if variable is None:
        return [*lines, f"it has no environment variable {ARGUMENTS} = {needed}"] if needed else lines
    if variable["attributes"].get("sensitive"):
        return lines  # its value can't be read: the plan itself tells
    return [
        *lines,
        *(f"its {ARGUMENTS} {line}" for line in arguments.problems(variable["attributes"].get("value"), needed)),
    ]


def set_up(api: Api, root: Path, stack: Stack, address: Workspace) -> list[str]:
    """Makes the workspace, or makes of one that is there what the stack needs.

    Returns:
        What was changed, one line each.

    Raises:
        TerraformError: it applies by itself; or the token may not do this.
    """
    directory = stack.directory.relative_to(root).as_posix()
    found, lines = find(api, address), []
    if found is None:
        found = _create(api, address, directory)
        lines.append(f"workspace {address}: made")
    refuse_auto_apply(found)
    if found.mode == "local":
        return lines
    if found.directory.strip("/") != directory:
        _send(api, "PATCH", f"workspaces/{found.id}", "workspaces", {"working-directory": directory})
        lines.append(f"workspace {address}: working directory {directory}")
    return [*lines, *_set_arguments(api, found, arguments.for_stack(stack))]


def _set_arguments(api: Api, found: WorkspaceState, needed: str) -> list[str]:
    if not needed:
        return []
    variable, said = _arguments_variable(api, found), f"workspace {found.address}: {ARGUMENTS}"
    if variable is None:
        wanted = {"key": ARGUMENTS, "value": needed, "category": "env", "hcl": False, "sensitive": False}
        _send(api, "POST", f"workspaces/{found.id}/vars", "vars", wanted)
        return [f"{said} {needed}"]
    if variable["attributes"].get("sensitive"):
        return [f"{said} can't be read and is left as it is; it needs {needed}"]
    after = arguments.with_only(variable["attributes"].get("value"), needed)
    if after is None:
        return []
    _send(api, "PATCH", f"workspaces/{found.id}/vars/{variable['id']}", "vars", {"value": after})
    return [f"{said} {needed}"]


def _create(api: Api, address: Workspace, directory: str) -> WorkspaceState:
    attributes = {
        "name": address.name,
        "execution-mode": "remote",
        "auto-apply": False,
        "working-directory": directory,
        "queue-all-runs": False,
        "structured-run-output-enabled": True,
    }
    relationships = {}
    if address.project:
        project = _project(api, address.organization, address.project)
        relationships["project"] = {"data": {"type": "projects", "id": project}}
    document = {"data": {"type": "workspaces", "attributes": attributes, "relationships": relationships}}
    try:
        return _parse(api.send("POST", f"organizations/{address.organization}/workspaces", document)["data"], address)
    except CloudError as error:
        if error.open and (found := find(api, address)):
            return found  # it was made, and the answer was lost
        raise


def _project(api: Api, organization: str, name: str) -> str:
    query: dict[str, str | int] = {"filter[names]": name, "page[size]": _PAGE}
    for data in api.get(f"organizations/{organization}/projects", query)["data"]:
        if data["attributes"]["name"] == name:
            return str(data["id"])
    raise TerraformError(f"organization {organization} has no project {name!r}", "Mend terraform.cloud.project.")


def _send(api: Api, method: str, path: str, kind: str, attributes: Mapping[str, Any]) -> None:
    api.send(method, path, {"data": {"type": kind, "attributes": dict(attributes)}})


def _arguments_variable(api: Api, found: WorkspaceState) -> Mapping[str, Any] | None:
    variables: Sequence[Mapping[str, Any]] = api.get(f"workspaces/{found.id}/vars")["data"]
    named = (one for one in variables if one["attributes"].get("key") == ARGUMENTS)
    return next((one for one in named if one["attributes"].get("category") == "env"), None)


def _parse(data: Mapping[str, Any], address: Workspace) -> WorkspaceState:
    attributes = data["attributes"]
    return WorkspaceState(
        id=str(data["id"]),
        address=address,
        mode=str(attributes.get("execution-mode") or "remote"),
        auto_apply=attributes.get("auto-apply") is True,
        directory=str(attributes.get("working-directory") or ""),
        connected=bool(attributes.get("vcs-repo")),
        structured=attributes.get("structured-run-output-enabled") is not False,
        version=str(attributes.get("terraform-version") or ""),
        readable=(attributes.get("permissions") or {}).get("can-read-state-versions") is not False,
    )
