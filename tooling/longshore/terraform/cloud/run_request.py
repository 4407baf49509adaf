"""The request that creates a run."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from longshore.terraform.hcl import to_hcl


@dataclass(frozen=True)
class CloudRunRequest:
    """A run to create.

    Attributes:
        message: unlike that of any other run, see `unique_message`.
        variables: values of input variables.
        plan_only: the run cannot be applied.
        destroy: plan to destroy the whole stack.
        configuration: id of an uploaded configuration version; empty for the connected branch.
    """

    message: str
    variables: Mapping[str, Any]
    plan_only: bool = False
    destroy: bool = False
    configuration: str = ""

    def document(self, workspace: str) -> dict[str, Any]:
        """The request's body.

        https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run#create-a-run
        """
        relationships = {"workspace": {"data": {"type": "workspaces", "id": workspace}}}
        if self.configuration:
            relationships["configuration-version"] = {
                "data": {"type": "configuration-versions", "id": self.configuration}
            }
        attributes = {
            "message": self.message,
            "auto-apply": False,
            "plan-only": self.plan_only,
            "is-destroy": self.destroy,
            "variables": [{"key": key, "value": to_hcl(value)} for key, value in self.variables.items()],
        }
        return {"data": {"type": "runs", "attributes": attributes, "relationships": relationships}}


def unique_message(text: str) -> str:
    """A message that no other run has, by which the run can be found."""
    return f"{text} [{uuid.uuid4().hex[:12]}]"
