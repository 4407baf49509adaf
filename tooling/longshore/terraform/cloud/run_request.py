"""What a run shall do, as the API wants it said."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from longshore.terraform.hcl import to_hcl


@dataclass(frozen=True)
class CloudRunRequest:
    """What a run shall do: ``plan_only`` for one that nobody can apply."""

    message: str
    variables: Mapping[str, Any]
    plan_only: bool = False
    destroy: bool = False
    configuration: str = ""

    def document(self, workspace: str) -> dict[str, Any]:
        """It as the API wants it."""
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
    """A message that no other run has."""
    return f"{text} [{uuid.uuid4().hex[:12]}]"
