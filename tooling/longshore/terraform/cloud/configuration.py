"""The configuration of a run: what was uploaded for it, or the commit of the connected branch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from longshore import git
from longshore.clock import Clock
from longshore.config.target import Stack
from longshore.errors import CloudError, GitError, TerraformError
from longshore.terraform.cloud import archive
from longshore.terraform.cloud.api import Api
from longshore.terraform.cloud.workspaces import WorkspaceState

_TAKEN_WITHIN = 120.0
"""Seconds after which an uploaded configuration can be used in a run."""


def upload(api: Api, found: WorkspaceState, root: Path, stack: Stack, clock: Clock, *, plan_only: bool) -> str:
    """Uploads the repository's folders that the stack needs.

    Returns:
        The id of the configuration version.

    Raises:
        TerraformError: it could not be uploaded, or Terraform Cloud could not take it.
    """
    attributes = {"auto-queue-runs": False, "speculative": plan_only}
    document = {"data": {"type": "configuration-versions", "attributes": attributes}}
    made = api.send("POST", f"workspaces/{found.id}/configuration-versions", document)["data"]
    api.upload(str(made["attributes"]["upload-url"]), archive.pack(root, stack))
    status = "pending"
    for _ in clock.polls(_TAKEN_WITHIN, longest=2.0):
        read: dict[str, Any] = api.get(f"configuration-versions/{made['id']}")["data"]["attributes"]
        status = str(read.get("status"))
        if status == "uploaded":
            return str(made["id"])
        if status == "errored":
            raise TerraformError(f"Terraform Cloud could not take the configuration: {read.get('error-message')}")
    raise TerraformError(f"the configuration {made['id']} was still {status} after {_TAKEN_WITHIN:.0f} s")


def commit_mismatch(api: Api, run: str, root: Path) -> str:
    """What to say where a run's configuration, from version control, is of another commit than this clone.

    Returns:
        A sentence; empty where they are the same, or where the API does not tell.
    """
    try:
        document = api.get(f"runs/{run}", {"include": "configuration_version.ingress_attributes"})
        here = git.read(root).commit
    except (CloudError, GitError):
        return ""
    included = (one for one in document.get("included", []) if one.get("type") == "ingress-attributes")
    there = next((str(one["attributes"].get("commit-sha") or "") for one in included), "")
    if not there or there == here:
        return ""
    return f"{run} plans the connected branch at {there[:12]}; this clone is at {here[:12]}"
