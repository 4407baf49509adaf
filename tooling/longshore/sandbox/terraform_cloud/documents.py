"""JSON:API documents of what the stand-in keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longshore.sandbox.terraform_cloud.model import Configuration, Log, Run, StateVersion, Store, Workspace

Document = dict[str, Any]


def _of(kind: str, identity: str, attributes: Mapping[str, Any], **related: tuple[str, str]) -> Document:
    relationships = {
        name.replace("_", "-"): {"data": {"type": kind_of, "id": other} if other else None}
        for name, (kind_of, other) in related.items()
    }
    return {"id": identity, "type": kind, "attributes": dict(attributes), "relationships": relationships}


def workspace(store: Store, found: Workspace) -> Document:
    """A workspace."""
    queue = store.queue(found.id)
    attributes = {
        "auto-apply": False,
        "execution-mode": "remote",
        "working-directory": "",
        "vcs-repo": None,
        "structured-run-output-enabled": True,
        "terraform-version": "latest",
        **found.attributes,
    }
    return _of("workspaces", found.id, attributes, current_run=("runs", queue[0].id if queue else ""))


def variable(identity: str, attributes: Mapping[str, Any]) -> Document:
    """A variable of a workspace; one that is sensitive does not show its value."""
    shown = {**attributes, "value": None} if attributes.get("sensitive") else attributes
    return _of("vars", identity, shown)


def configuration(found: Configuration, upload_url: str) -> Document:
    """A configuration version."""
    attributes = {
        "status": "uploaded" if found.archive else "pending",
        "upload-url": None if found.archive else upload_url,
        "speculative": found.speculative,
        "auto-queue-runs": False,
        "source": "tfe-api",
    }
    return _of("configuration-versions", found.id, attributes)


def run(store: Store, found: Run) -> Document:
    """A run."""
    attributes = {
        "status": found.status,
        "message": found.message,
        "created-at": found.created,
        "has-changes": found.has_changes,
        "plan-only": found.plan_only,
        "is-destroy": found.destroy,
        "auto-apply": False,
        "position-in-queue": store.position(found),
        "variables": found.variables,
        "actions": {
            "is-cancelable": found.cancelable,
            "is-confirmable": found.confirmable,
            "is-discardable": found.discardable,
            "is-force-cancelable": False,
        },
    }
    return _of(
        "runs",
        found.id,
        attributes,
        workspace=("workspaces", found.workspace),
        configuration_version=("configuration-versions", found.configuration),
        plan=("plans", found.plan),
        apply=("applies", found.apply),
    )


def log(kind: str, identity: str, found: Log, url: str) -> Document:
    """A plan or an apply: that which has a log."""
    status = "finished" if found.done else "running" if found.file.exists() else "pending"
    return _of(kind, identity, {"status": status, "log-read-url": url})


def policy_check(found: Run) -> Document:
    """What the policies said of a run."""
    return _of("policy-checks", f"polchk-{found.id}", {"status": found.policy or "passed", "scope": "organization"})


def state(found: StateVersion) -> Document:
    """A version of a workspace's state."""
    return _of("state-versions", found.id, {"resources-processed": True}, run=("runs", found.run))


def outputs(found: StateVersion) -> list[Document]:
    """The outputs of a state; those that are sensitive have no value."""
    return [
        _of(
            "state-version-outputs",
            f"wsout-{found.id}-{name}",
            {
                "name": name,
                "sensitive": bool(output.get("sensitive")),
                "value": None if output.get("sensitive") else output["value"],
            },
        )
        for name, output in found.outputs.items()
    ]
