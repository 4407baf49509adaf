"""Terraform on this machine with the state of a workspace: the execution mode `local`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from longshore.config.target import Workspace
from longshore.terraform.cloud import archive, tokens
from longshore.terraform.hcl import to_hcl
from longshore.terraform.local import Terraform

_OVERRIDE = """terraform {{
  cloud {{
    hostname     = {}
    organization = {}
    workspaces {{
      name = {}
    }}
  }}
}}
"""


@dataclass(frozen=True)
class LocalMode:
    """A copy of the root for one environment, with an override file that must not appear in the root itself.

    Args:
        local: the driver of the root itself.
        root: the repository.
        workspace: holds the state.
        token: for Terraform Cloud.
    """

    local: Terraform
    root: Path
    workspace: Workspace
    token: str = field(repr=False)

    def prepare(self) -> Terraform:
        """Brings the copy up to date with the root, and returns the driver of the copy."""
        directory = archive.copy(self.root, self.local.stack, self._copies)
        workspace = self.workspace
        # Complete, so that the `state push` that a hint suggests needs no environment variables.
        text = _OVERRIDE.format(to_hcl(workspace.hostname), to_hcl(workspace.organization), to_hcl(workspace.name))
        archive.write_if_changed(directory / archive.OVERRIDE, text.encode())
        return self.terraform

    @property
    def terraform(self) -> Terraform:
        """The driver of the copy as it is; the copy may not exist yet."""
        stack = self.local.stack
        variables = {
            # With the project's CLI configuration, Terraform would not look for the token where Longshore found it.
            tokens.variable_name(self.workspace.hostname): self.token,
            "TF_CLOUD_ORGANIZATION": self.workspace.organization,
            "TF_CLOUD_HOSTNAME": self.workspace.hostname,
            "TF_WORKSPACE": self.workspace.name,
        }
        directory = archive.directory(self.root, stack, self._copies)
        return replace(self.local, stack=replace(stack, directory=directory, backend={}), variables=variables)

    @property
    def _copies(self) -> Path:
        return self.local.stack.data_dir.parent / "cloud"
