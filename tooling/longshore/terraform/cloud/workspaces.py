"""A workspace of Terraform Cloud: its settings, the checks of them, and its setup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longshore.config.target import Stack, Workspace
from longshore.errors import CloudError, TerraformError
from longshore.terraform.cloud import arguments
from longshore.terraform.cloud.api import Api
from longshore.terraform.cloud.arguments import ARGUMENTS
from longshore.terraform.cloud.objects import CloudObject, many, one

_PAGE = 100


@dataclass(frozen=True)
class WorkspaceState:
    """The settings of a workspace as the API returned them.

    Attributes:
        id: such as ``ws-SihZTyXKfNXUWuUa``.
        address: its organization and name.
        mode: the execution mode: ``remote``, ``agent`` or ``local``.
        auto_apply: whether it applies plans without confirmation.
        directory: its working directory in the repository.
        connected: whether its configuration comes from version control.
        structured: whether its logs consist of events.
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
        """The id of the current or last run, empty if there is none, and whether the workspace is locked."""
        workspace = one(api.get(f"workspaces/{self.id}"))
        return workspace.related("current-run"), workspace.attributes.locked is True


def find(api: Api, address: Workspace) -> WorkspaceState | None:
    """A workspace by its name; None if it does not exist, or the token may not see it."""
    try:
        workspace = one(api.get(f"organizations/{address.organization}/workspaces/{address.name}"))
    except CloudError as error:
        if error.status == 404:
            return None
        raise
    return _parse(workspace, address)


def refuse_auto_apply(workspace: WorkspaceState) -> None:
    """Makes sure that plans can be reviewed before they are applied.

    Raises:
        TerraformError: the workspace has auto-apply enabled.
    """
    if workspace.auto_apply:
        raise TerraformError(
            f"workspace {workspace.address} has auto-apply enabled,"
            " so plans could not be reviewed before they are applied",
            "Turn auto-apply off in the workspace's settings.",
        )


def refuse_unreadable(workspace: WorkspaceState) -> None:
    """Makes sure that the token may read states: the API returns 404 for an unreadable state as for a missing one.

    Raises:
        TerraformError: the token may not read the workspace's states.
    """
    if not workspace.readable:
        raise TerraformError(
            f"the token may not read the states of workspace {workspace.address}, but a release needs their outputs",
            "Let the token's team read state versions; the permission to read outputs does not include that.",
        )


def problems(api: Api, workspace: WorkspaceState, root: Path, stack: Stack) -> list[str]:
    """The settings with which the workspace would not plan this stack as Longshore does, one line each."""
    directory = stack.directory.relative_to(root).as_posix()
    lines = (
        []
        if workspace.directory.strip("/") == directory
        else [f"its working directory is {workspace.directory!r}, not {directory!r}"]
    )
    variable, needed = _arguments_variable(api, workspace), arguments.for_stack(stack)
    if variable is None:
        return [*lines, f"it has no environment variable {ARGUMENTS} = {needed}"] if needed else lines
    if variable.attributes.sensitive:
        return lines  # its value cannot be read; the plan will show the difference
    value = variable.attributes.value
    return [*lines, *(f"its {ARGUMENTS} {problem}" for problem in arguments.problems(value, needed))]


def set_up(api: Api, root: Path, stack: Stack, address: Workspace) -> list[str]:
    """Creates the workspace, or changes an existing one to the settings that the stack needs.

    Returns:
        The changes, one line each.

    Raises:
        TerraformError: the workspace has auto-apply enabled, or the token may not change it.
    """
    directory = stack.directory.relative_to(root).as_posix()
    workspace, lines = find(api, address), []
    if workspace is None:
        workspace = _create(api, address, directory)
        lines.append(f"workspace {address}: created")
    refuse_auto_apply(workspace)
    if workspace.mode == "local":
        return lines
    if workspace.directory.strip("/") != directory:
        _send(api, "PATCH", f"workspaces/{workspace.id}", "workspaces", {"working-directory": directory})
        lines.append(f"workspace {address}: working directory {directory}")
    return [*lines, *_set_arguments(api, workspace, arguments.for_stack(stack))]


def _set_arguments(api: Api, workspace: WorkspaceState, needed: str) -> list[str]:
    if not needed:
        return []
    variable, label = _arguments_variable(api, workspace), f"workspace {workspace.address}: {ARGUMENTS}"
    if variable is None:
        attributes = {"key": ARGUMENTS, "value": needed, "category": "env", "hcl": False, "sensitive": False}
        _send(api, "POST", f"workspaces/{workspace.id}/vars", "vars", attributes)
        return [f"{label} {needed}"]
    if variable.attributes.sensitive:
        return [f"{label} is sensitive, so it cannot be read and was not changed; it must contain {needed}"]
    value = arguments.with_only(variable.attributes.value, needed)
    if value is None:
        return []
    _send(api, "PATCH", f"workspaces/{workspace.id}/vars/{variable.id}", "vars", {"value": value})
    return [f"{label} {needed}"]


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
        return _parse(one(api.send("POST", f"organizations/{address.organization}/workspaces", document)), address)
    except CloudError as error:
        if error.open and (workspace := find(api, address)):
            return workspace  # it was created, but the response was lost
        raise


def _project(api: Api, organization: str, name: str) -> str:
    query: dict[str, str | int] = {"filter[names]": name, "page[size]": _PAGE}
    for project in many(api.get(f"organizations/{organization}/projects", query)):
        if project.attributes.name == name:
            return project.id
    raise TerraformError(
        f"organization {organization} has no project {name!r}", "Fix terraform.cloud.project in invoke.yaml."
    )


def _send(api: Api, method: str, path: str, kind: str, attributes: Mapping[str, Any]) -> None:
    api.send(method, path, {"data": {"type": kind, "attributes": dict(attributes)}})


def _arguments_variable(api: Api, workspace: WorkspaceState) -> CloudObject | None:
    variables = many(api.get(f"workspaces/{workspace.id}/vars"))
    named = (variable for variable in variables if variable.attributes.key == ARGUMENTS)
    return next((variable for variable in named if variable.attributes.category == "env"), None)


def _parse(workspace: CloudObject, address: Workspace) -> WorkspaceState:
    attributes = workspace.attributes
    permissions = attributes.permissions
    return WorkspaceState(
        id=workspace.id,
        address=address,
        mode=attributes.execution_mode or "remote",
        auto_apply=attributes.auto_apply is True,
        directory=attributes.working_directory or "",
        connected=bool(attributes.vcs_repo),
        structured=attributes.structured_run_output_enabled is not False,
        version=attributes.terraform_version or "",
        readable=permissions is None or permissions.can_read_state_versions is not False,
    )
