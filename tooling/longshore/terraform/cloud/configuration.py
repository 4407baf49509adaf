"""The configuration of a run: an upload, or the commit of the connected branch."""

from __future__ import annotations

from pathlib import Path

from longshore import git
from longshore.clock import Clock
from longshore.config.target import Stack
from longshore.errors import CloudError, GitError, TerraformError
from longshore.terraform.cloud import archive
from longshore.terraform.cloud.api import Api
from longshore.terraform.cloud.objects import included, one, present
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
    version = one(api.send("POST", f"workspaces/{workspace.id}/configuration-versions", document))
    api.upload(present(version.attributes.upload_url, "data.attributes.upload-url"), archive.pack(root, stack))
    status = "pending"
    for _ in clock.polls(_PROCESSED_WITHIN, longest=2.0):
        current = one(api.get(f"configuration-versions/{version.id}")).attributes
        status = current.status or "without a status"
        if status == "uploaded":
            return version.id
        if status == "errored":
            raise TerraformError(f"Terraform Cloud rejected the configuration: {current.error_message}")
    raise TerraformError(
        f"the configuration version {version.id} was still {status} after {_PROCESSED_WITHIN:.0f} s",
        "Try again in a few minutes.",
    )


def commit_mismatch(api: Api, run: str, root: Path) -> str:
    """A warning that a run's configuration, from version control, is of a different commit than this clone.

    Returns:
        A sentence; empty if the commits are the same, or if the API does not return the commit.
    """
    try:
        others = included(api.get(f"runs/{run}", {"include": "configuration_version.ingress_attributes"}))
        local = git.read(root).commit
    except (CloudError, GitError):
        return ""
    sources = (data.attributes for data in others if data.type == "ingress-attributes")
    remote = next((source.commit_sha or "" for source in sources), "")
    if not remote or remote == local:
        return ""
    return f"{run} plans the connected branch at {remote[:12]}; this clone is at {local[:12]}"
