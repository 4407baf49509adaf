"""The outputs in a workspace's current state."""

from __future__ import annotations

from typing import Any

from longshore.clock import Clock
from longshore.errors import CloudError, TerraformError
from longshore.terraform.cloud.api import Api
from longshore.terraform.cloud.objects import CloudObject, many, next_page, one, present
from longshore.terraform.cloud.workspaces import WorkspaceState, refuse_unreadable

_PROCESSED_WITHIN = 120.0
"""Seconds until the outputs of a new state can be read: Terraform Cloud extracts them after the upload."""
_PAGE = 100


def read(api: Api, workspace: WorkspaceState, clock: Clock, *, of_run: str = "") -> dict[str, Any]:
    """The values of all outputs that are not sensitive; the API returns sensitive ones as null.

    Args:
        api: Terraform Cloud.
        workspace: of the state.
        clock: for the polling.
        of_run: the run that must have written the state, if it wrote one.

    Raises:
        TerraformError: the token may not read the state, or it was not ready in time.
    """
    refuse_unreadable(workspace)
    for _ in clock.polls(_PROCESSED_WITHIN, longest=2.0):
        state = _current(api, workspace)
        if state is None and not of_run:
            return {}
        if state and state.attributes.resources_processed is not False and _written_by(state, of_run):
            return _values(api, state.id)
    raise TerraformError(
        f"cannot read the outputs of {workspace.address} yet: Terraform Cloud is still processing the state",
        "Try again in a few minutes.",
    )


def _current(api: Api, workspace: WorkspaceState) -> CloudObject | None:
    try:
        return one(api.get(f"workspaces/{workspace.id}/current-state-version"))
    except CloudError as error:
        if error.status == 404:
            return None
        raise


def _written_by(state: CloudObject, run: str) -> bool:
    writer = state.related("run")
    return not run or not writer or writer == run


def _values(api: Api, state: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    page = 1
    while page:
        document = api.get(f"state-versions/{state}/outputs", {"page[size]": _PAGE, "page[number]": page})
        for output in (each.attributes for each in many(document)):
            if not output.sensitive:
                values[present(output.name, "data.attributes.name")] = output.value
        page = next_page(document, page)
    return values
