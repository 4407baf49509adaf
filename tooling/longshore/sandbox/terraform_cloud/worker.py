"""Carries out runs: one at a time in a workspace, plan-only runs beside them."""

from __future__ import annotations

import json
import logging
import threading

from longshore.sandbox.terraform_cloud.execution import Execution
from longshore.sandbox.terraform_cloud.model import Run, StateVersion, Store, Workspace, new_id

UNKNOWN = "reticulating"
"""A status that is not documented."""
_WAKE_SECONDS = 0.5


class Worker:
    """Carries out runs.

    Args:
        store: the runs.
        execution: executes their plans and applies.
    """

    def __init__(self, store: Store, execution: Execution) -> None:
        self._store = store
        self._execution = execution
        self._stopped = False

    def start(self, run: Run) -> None:
        """Start a run, which waits for its turn."""
        threading.Thread(target=self._work, args=(run,), name=run.id, daemon=True).start()

    def cancel(self, run: Run) -> None:
        """Interrupt the plan or apply of a run."""
        self._execution.interrupt(run)

    def stop(self) -> None:
        """Start no more runs, and interrupt those that are executing."""
        with self._store.changed:
            self._stopped = True
            self._store.changed.notify_all()
        for run in list(self._store.runs.values()):
            if not run.final:
                self._execution.interrupt(run)

    def _work(self, run: Run) -> None:
        try:
            self._carry_out(run, self._store.workspaces[run.workspace])
        except Exception:
            logging.getLogger(__name__).exception("%s failed", run.id)
            self._enter(run, "errored")
        finally:
            run.plan_log.done = run.apply_log.done = True

    def _carry_out(self, run: Run, workspace: Workspace) -> None:
        if not self._wait_for_turn(run):
            return self._enter(run, "discarded" if run.requested == "discard" else "canceled")
        for status in ("plan_queued", "planning"):
            self._enter(run, status)
        changes = self._plan(run, workspace)
        run.plan_log.done = True
        if run.requested == "cancel":
            return self._enter(run, "canceled")
        if changes is None or run.fault == "policy_hard":
            run.policy = "hard_failed" if changes is not None else ""
            return self._enter(run, "errored")
        run.has_changes = changes
        if run.plan_only or not changes:
            soft = run.fault == "policy_soft"
            return self._enter(run, "policy_soft_failed" if soft and run.plan_only else "planned_and_finished")
        return self._decide(run, workspace)

    def _plan(self, run: Run, workspace: Workspace) -> bool | None:
        archive = self._store.configurations[run.configuration].archive
        return self._execution.plan(workspace, run, archive) if archive else None

    def _decide(self, run: Run, workspace: Workspace) -> None:
        for status in ("planned", "cost_estimated", "policy_checking"):
            self._enter(run, status)
        if run.fault == "policy_soft":
            run.policy = "soft_failed"
        status = {"policy_soft": "policy_override", "unknown": UNKNOWN}.get(run.fault, "policy_checked")
        self._enter(run, status)
        requested = self._wait_for_request(run)
        if requested == "confirm" and run.fault != "discarded":
            return self._apply(run, workspace)
        return self._enter(run, "canceled" if requested == "cancel" else "discarded")

    def _apply(self, run: Run, workspace: Workspace) -> None:
        run.requested = ""
        for status in ("confirmed", "apply_queued"):
            self._enter(run, status)
        if run.fault == "canceled":
            return self._enter(run, "canceled")
        if run.fault == "unknown_apply":
            self._enter(run, UNKNOWN)
            self._wait_for_request(run)
            return self._enter(run, "canceled")
        self._enter(run, "applying")
        succeeded = self._execution.apply(workspace, run)
        self._keep_state(run, workspace)
        run.apply_log.done = True
        return self._enter(run, "applied" if succeeded else "canceled" if run.requested == "cancel" else "errored")

    def _keep_state(self, run: Run, workspace: Workspace) -> None:
        if workspace.state_file.exists():
            outputs = json.loads(workspace.state_file.read_text(encoding="utf-8")).get("outputs", {})
            workspace.states.append(StateVersion(new_id("sv"), run.id, outputs))

    def _wait_for_turn(self, run: Run) -> bool:
        """Wait for a run's turn, and return whether it came; False if the run was ended first."""
        with self._store.changed:
            while run.fault == "queued" or self._store.position(run) > 0:
                if run.requested or self._stopped:
                    return False
                self._store.changed.wait(_WAKE_SECONDS)
            return not self._stopped

    def _wait_for_request(self, run: Run) -> str:
        with self._store.changed:
            while not run.requested and not self._stopped:
                self._store.changed.wait(_WAKE_SECONDS)
            return run.requested

    def _enter(self, run: Run, status: str) -> None:
        with self._store.changed:
            run.enter(status)
            self._store.changed.notify_all()
