"""Terraform on this machine with the state of a workspace, as its execution mode `local` wants it."""

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
    """A copy of the root for one environment, in which an override file disturbs nobody.

    Args:
        local: what runs the root itself.
        root: the repository.
        workspace: where the state is.
        token: of Terraform Cloud.
    """

    local: Terraform
    root: Path
    workspace: Workspace
    token: str = field(repr=False)

    def prepare(self) -> Terraform:
        """Terraform in the copy, once that is what the root is now."""
        place, where = archive.copy(self.root, self.local.stack, self._copies), self.workspace
        # Complete, so that what a person is told to run in the copy (state push) needs no variables.
        text = _OVERRIDE.format(to_hcl(where.hostname), to_hcl(where.organization), to_hcl(where.name))
        archive.write_if_changed(place / archive.OVERRIDE, text.encode())
        return self.terraform

    @property
    def terraform(self) -> Terraform:
        """Terraform in the copy as it is; there may be none yet."""
        stack = self.local.stack
        environ = {
            **self.local.environ,
            # What Longshore itself found: with a CLI configuration of its own, Terraform looks nowhere else for it.
            tokens.variable_name(self.workspace.hostname): self.token,
            "TF_CLOUD_ORGANIZATION": self.workspace.organization,
            "TF_CLOUD_HOSTNAME": self.workspace.hostname,
            "TF_WORKSPACE": self.workspace.name,
        }
        place = archive.directory(self.root, stack, self._copies)
        return replace(self.local, stack=replace(stack, directory=place, backend={}), environ=environ)

    @property
    def _copies(self) -> Path:
        return self.local.stack.data_dir.parent / "cloud"
