"""The outputs in a workspace's current state."""

from __future__ import annotations

from typing import Any

from longshore.clock import Clock
from longshore.errors import CloudError, TerraformError
from longshore.terraform.cloud.api import Api
from longshore.terraform.cloud.run import related_id
from longshore.terraform.cloud.workspaces import WorkspaceState, refuse_unreadable

_PROCESSED_WITHIN = 120.0
"""Seconds after which the outputs of a new state can be read: they are worked out after its upload."""
_PAGE = 100


def read(api: Api, found: WorkspaceState, clock: Clock, *, of_run: str = "") -> dict[str, Any]:
    """The values of all outputs; those that are sensitive come as None, and are left out.

    Args:
        api: Terraform Cloud.
        found: the workspace.
        clock: time.
        of_run: the run whose state it must be, where it has made one.

    Raises:
        TerraformError: the state may not be read, or could not in time.
    """
    refuse_unreadable(found)
    for _ in clock.polls(_PROCESSED_WITHIN, longest=2.0):
        state = _current(api, found)
        if state is None and not of_run:
            return {}
        if state and state["attributes"].get("resources-processed") is not False and _made_by(state, of_run):
            return _values(api, str(state["id"]))
    raise TerraformError(
        f"the outputs of {found.address} can't be read yet: Terraform Cloud still works on its state",
        "Try again in a while.",
    )


def _current(api: Api, found: WorkspaceState) -> dict[str, Any] | None:
    try:
        return dict(api.get(f"workspaces/{found.id}/current-state-version")["data"])
    except CloudError as error:
        if error.status == 404:
            return None
        raise


def _made_by(state: dict[str, Any], run: str) -> bool:
    made_by = related_id(state, "run")
    return not run or not made_by or made_by == run


def _values(api: Api, state: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    page = 1
    while page:
        document = api.get(f"state-versions/{state}/outputs", {"page[size]": _PAGE, "page[number]": page})
        for one in document["data"]:
            if not one["attributes"].get("sensitive"):
                values[str(one["attributes"]["name"])] = one["attributes"].get("value")
        page = int(((document.get("meta") or {}).get("pagination") or {}).get("next-page") or 0)
    return values
