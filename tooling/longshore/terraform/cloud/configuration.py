"""The configuration of a run: an upload, or the commit of the connected branch."""

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

_PROCESSED_WITHIN = 120.0
"""Seconds until an uploaded configuration can be used in a run."""


def upload(api: Api, workspace: WorkspaceState, root: Path, stack: Stack, clock: Clock, *, plan_only: bool) -> str:
    """Uploads the folders of the repository that the stack needs, and returns the configuration version's id.

    Raises:
        TerraformError: the upload failed, or Terraform Cloud rejected the configuration.
    """
    attributes = {"auto-queue-runs": False, "speculative": plan_only}
    document = {"data": {"type": "configuration-versions", "attributes": attributes}}
    version = api.send("POST", f"workspaces/{workspace.id}/configuration-versions", document)["data"]
    api.upload(str(version["attributes"]["upload-url"]), archive.pack(root, stack))
    status = "pending"
    for _ in clock.polls(_PROCESSED_WITHIN, longest=2.0):
        current: dict[str, Any] = api.get(f"configuration-versions/{version['id']}")["data"]["attributes"]
        status = str(current.get("status"))
        if status == "uploaded":
            return str(version["id"])
        if status == "errored":
            raise TerraformError(f"Terraform Cloud rejected the configuration: {current.get('error-message')}")
    raise TerraformError(
        f"the configuration version {version['id']} was still {status} after {_PROCESSED_WITHIN:.0f} s",
        "Try again in a few minutes.",
    )


def commit_mismatch(api: Api, run: str, root: Path) -> str:
    """A warning that a run's configuration, from version control, is of a different commit than this clone.

    Returns:
        A sentence; empty if the commits are the same, or if the API does not return the commit.
    """
    try:
        document = api.get(f"runs/{run}", {"include": "configuration_version.ingress_attributes"})
        local = git.read(root).commit
    except (CloudError, GitError):
        return ""
    sources = (data for data in document.get("included", []) if data.get("type") == "ingress-attributes")
    remote = next((str(source["attributes"].get("commit-sha") or "") for source in sources), "")
    if not remote or remote == local:
        return ""
    return f"{run} plans the connected branch at {remote[:12]}; this clone is at {local[:12]}"
