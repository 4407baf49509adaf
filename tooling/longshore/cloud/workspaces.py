"""A workspace of Terraform Cloud: whether it is as a release needs it, and how it becomes so."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from longshore.cloud.api import Api
from longshore.cloud.run import related
from longshore.errors import CloudError, TerraformError
from longshore.target import Stack, Workspace

ARGUMENTS = "TF_CLI_ARGS_plan"
"""The variable of a workspace by which its plans are given variable files that lie outside the root."""
_PAGE = 100
_ONE_WORD = re.compile(r"--?var-file=")
_TWO_WORDS = ("-var-file", "--var-file")


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

    def holders(self, api: Api) -> tuple[str, bool]:
        """The id of the run that has the workspace, or had it last, empty where none has; and whether it is locked."""
        data = api.get(f"workspaces/{self.id}")["data"]
        return related(data, "current-run"), (data.get("attributes") or {}).get("locked") is True


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


def refuse_unreadable(found: Found) -> None:
    """Makes sure that a state that may not be read is not taken for one that is not there: both are answered by 404.

    Raises:
        TerraformError: the token may not read the workspace's states.
    """
    if not found.readable:
        raise TerraformError(
            f"the token may not read the states of workspace {found.address}, whose outputs a release needs",
            "Let the team of the token read its state versions, which the permission to read outputs does not include.",
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
    given, wanted_files = _split(variable["attributes"].get("value")), shlex.split(arguments)
    missing = [one for one in wanted_files if one not in given]
    # The later of two files wins: one of another environment would be planned without a word.
    others = [one for one in _files(given) if f"-var-file={one}" not in wanted_files]
    return [
        *lines,
        *(f"its {ARGUMENTS} lacks {one}" for one in missing),
        *(f"its {ARGUMENTS} gives {one}, too" for one in others),
    ]


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
        return [f"workspace {found.address}: {ARGUMENTS} {arguments}"]
    if variable["attributes"].get("sensitive"):
        return [f"workspace {found.address}: {ARGUMENTS} can't be read and is left as it is; it needs {arguments}"]
    before = variable["attributes"].get("value")
    after = _with(before, arguments)
    if _split(before) == shlex.split(after):
        return []
    _change(api, "PATCH", f"workspaces/{found.id}/vars/{variable['id']}", "vars", {"value": after})
    return [f"workspace {found.address}: {ARGUMENTS} {arguments}"]


def _with(before: object, arguments: str) -> str:
    """Arguments that somebody else gave stay, but for other variable files."""
    words, kept = _split(before), []
    while words:
        word = words.pop(0)
        if word in _TWO_WORDS:
            del words[:1]
        elif not _ONE_WORD.match(word):
            kept.append(word)
    return " ".join([*map(shlex.quote, kept), arguments])


def _files(words: Sequence[str]) -> list[str]:
    """The variable files that arguments give, in either of the ways to write them."""
    after = [second for first, second in pairwise(words) if first in _TWO_WORDS]
    return [*after, *(_ONE_WORD.sub("", word) for word in words if _ONE_WORD.match(word))]


def _split(value: object) -> list[str]:
    """The words of a variable that holds arguments.

    Raises:
        TerraformError: a quotation mark in it is not closed.
    """
    try:
        return shlex.split(str(value or ""))
    except ValueError:
        raise TerraformError(
            f"{ARGUMENTS} of the workspace can't be read as arguments: a quotation mark is not closed",
            "Mend it on the workspace's page.",
        ) from None


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
        readable=(attributes.get("permissions") or {}).get("can-read-state-versions") is not False,
    )
