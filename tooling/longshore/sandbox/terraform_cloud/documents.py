"""JSON:API documents of workspaces, configurations, runs and states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longshore.sandbox.terraform_cloud.model import Configuration, Log, Run, StateVersion, Store, Workspace

Document = dict[str, Any]


def _of(kind: str, identity: str, attributes: Mapping[str, Any], **related: tuple[str, str]) -> Document:
    relationships = {
        name.replace("_", "-"): {"data": {"type": kind_of, "id": related_id} if related_id else None}
        for name, (kind_of, related_id) in related.items()
    }
    return {"id": identity, "type": kind, "attributes": dict(attributes), "relationships": relationships}


def workspace(store: Store, workspace: Workspace) -> Document:
    """A workspace."""
    queue = store.queue(workspace.id)
    attributes = {
        "auto-apply": False,
        "execution-mode": "remote",
        "working-directory": "",
        "vcs-repo": None,
        "structured-run-output-enabled": True,
        "terraform-version": "latest",
        **workspace.attributes,
    }
    return _of("workspaces", workspace.id, attributes, current_run=("runs", queue[0].id if queue else ""))


def variable(identity: str, attributes: Mapping[str, Any]) -> Document:
    """A variable of a workspace; a sensitive one does not show its value."""
    shown = {**attributes, "value": None} if attributes.get("sensitive") else attributes
    return _of("vars", identity, shown)


def configuration(configuration: Configuration, upload_url: str) -> Document:
    """A configuration version."""
    attributes = {
        "status": "uploaded" if configuration.archive else "pending",
        "upload-url": None if configuration.archive else upload_url,
        "speculative": configuration.speculative,
        "auto-queue-runs": False,
        "source": "tfe-api",
    }
    return _of("configuration-versions", configuration.id, attributes)


def run(store: Store, run: Run) -> Document:
    """A run."""
    attributes = {
        "status": run.status,
        "message": run.message,
        "created-at": run.created,
        "has-changes": run.has_changes,
        "plan-only": run.plan_only,
        "is-destroy": run.destroy,
        "auto-apply": False,
        "position-in-queue": store.position(run),
        "variables": run.variables,
        "actions": {
            "is-cancelable": run.cancelable,
            "is-confirmable": run.confirmable,
            "is-discardable": run.discardable,
            "is-force-cancelable": False,
        },
    }
    return _of(
        "runs",
        run.id,
        attributes,
        workspace=("workspaces", run.workspace),
        configuration_version=("configuration-versions", run.configuration),
        plan=("plans", run.plan),
        apply=("applies", run.apply),
    )


def log(kind: str, identity: str, log: Log, url: str) -> Document:
    """A plan or an apply, with its log."""
    status = "finished" if log.done else "running" if log.file.exists() else "pending"
    return _of(kind, identity, {"status": status, "log-read-url": url})


def policy_check(run: Run) -> Document:
    """The result of a run's policies."""
    return _of("policy-checks", f"polchk-{run.id}", {"status": run.policy or "passed", "scope": "organization"})


def state(version: StateVersion) -> Document:
    """A version of a workspace's state."""
    return _of("state-versions", version.id, {"resources-processed": True}, run=("runs", version.run))


def outputs(version: StateVersion) -> list[Document]:
    """The outputs of a state; sensitive ones have no value."""
    return [
        _of(
            "state-version-outputs",
            f"wsout-{version.id}-{name}",
            {
                "name": name,
                "sensitive": bool(output.get("sensitive")),
                "value": None if output.get("sensitive") else output["value"],
            },
        )
        for name, output in version.outputs.items()
    ]
