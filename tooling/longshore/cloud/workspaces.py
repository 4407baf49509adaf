"""A workspace of Terraform Cloud: whether it is as a release needs it, and how it becomes so."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longshore.cloud.api import Api
from longshore.cloud.run import related
from longshore.errors import CloudError, TerraformError
from longshore.target import Stack, Workspace

ARGUMENTS = "TF_CLI_ARGS_plan"
"""The variable of a workspace by which its plans are given variable files that lie outside the root."""
_PAGE = 100


@dataclass(frozen=True)
class Found:
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
    """

    id: str
    address: Workspace
    mode: str
    auto_apply: bool
    directory: str
    connected: bool
    structured: bool
    version: str

    def current_run(self, api: Api) -> str:
        """The id of the run that has the workspace; empty where none has."""
        return related(api.get(f"workspaces/{self.id}")["data"], "current-run")


def find(api: Api, address: Workspace) -> Found | None:
    """A workspace by its name; None where it is not there, or the token may not see it."""
    try:
        data = api.get(f"organizations/{address.organization}/workspaces/{address.name}")["data"]
    except CloudError as error:
        if error.status == 404:
            return None
        raise
    return _found(data, address)


def refuse_auto_apply(found: Found) -> None:
    """Makes sure that nothing is applied before somebody has seen it.

    Raises:
        TerraformError: the workspace applies by itself.
    """
    if found.auto_apply:
        raise TerraformError(
            f"workspace {found.address} applies every plan by itself (auto-apply): nothing could look at it before",
            "Switch auto-apply off in the workspace's settings.",
        )


def mistakes(api: Api, found: Found, root: Path, stack: Stack) -> list[str]:
    """What of a workspace would make its plans other ones than those of the stack, one finding each."""
    wanted = stack.directory.relative_to(root).as_posix()
    lines = (
        []
        if found.directory.strip("/") == wanted
        else [f"its working directory is {found.directory!r}, not {wanted!r}"]
    )
    variable = _variable(api, found)
    arguments = plan_arguments(stack)
    if variable is None:
        return [*lines, f"it has no environment variable {ARGUMENTS} = {arguments}"] if arguments else lines
    if variable["attributes"].get("sensitive"):
        return lines  # its value can't be read: the plan itself tells
    given = shlex.split(str(variable["attributes"].get("value") or ""))
    missing = [one for one in shlex.split(arguments) if one not in given]
    return [*lines, *(f"its {ARGUMENTS} lacks {one}" for one in missing)]


def plan_arguments(stack: Stack) -> str:
    """What makes a plan in the root take the variable files."""
    files = [os.path.relpath(file, stack.directory) for file in stack.var_files]
    return " ".join(f"-var-file={shlex.quote(file)}" for file in files)


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
        found = _make(api, address, directory)
        lines.append(f"workspace {address}: made")
    refuse_auto_apply(found)
    if found.mode == "local":
        return lines
    if found.directory.strip("/") != directory:
        _change(api, "PATCH", f"workspaces/{found.id}", "workspaces", {"working-directory": directory})
        lines.append(f"workspace {address}: working directory {directory}")
    return [*lines, *_set_arguments(api, found, plan_arguments(stack))]


def _set_arguments(api: Api, found: Found, arguments: str) -> list[str]:
    if not arguments:
        return []
    wanted = {"key": ARGUMENTS, "value": arguments, "category": "env", "hcl": False, "sensitive": False}
    variable = _variable(api, found)
    if variable is None:
        _change(api, "POST", f"workspaces/{found.id}/vars", "vars", wanted)
    elif variable["attributes"].get("value") != arguments:
        path = f"workspaces/{found.id}/vars/{variable['id']}"
        _change(api, "PATCH", path, "vars", {"value": _with(variable["attributes"].get("value") or "", arguments)})
    else:
        return []
    return [f"workspace {found.address}: {ARGUMENTS} {arguments}"]


def _with(before: str, arguments: str) -> str:
    """Arguments that somebody else gave stay, but for other variable files."""
    kept = [one for one in shlex.split(before) if not one.startswith("-var-file=")]
    return " ".join([*map(shlex.quote, kept), arguments])


def _make(api: Api, address: Workspace, directory: str) -> Found:
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
        return _found(api.send("POST", f"organizations/{address.organization}/workspaces", document)["data"], address)
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


def _change(api: Api, method: str, path: str, kind: str, attributes: Mapping[str, Any]) -> None:
    api.send(method, path, {"data": {"type": kind, "attributes": dict(attributes)}})


def _variable(api: Api, found: Found) -> Mapping[str, Any] | None:
    variables: Sequence[Mapping[str, Any]] = api.get(f"workspaces/{found.id}/vars")["data"]
    named = (one for one in variables if one["attributes"].get("key") == ARGUMENTS)
    return next((one for one in named if one["attributes"].get("category") == "env"), None)


def _found(data: Mapping[str, Any], address: Workspace) -> Found:
    attributes = data["attributes"]
    return Found(
        id=str(data["id"]),
        address=address,
        mode=str(attributes.get("execution-mode") or "remote"),
        auto_apply=attributes.get("auto-apply") is True,
        directory=str(attributes.get("working-directory") or ""),
        connected=bool(attributes.get("vcs-repo")),
        structured=attributes.get("structured-run-output-enabled") is not False,
        version=str(attributes.get("terraform-version") or ""),
    )
