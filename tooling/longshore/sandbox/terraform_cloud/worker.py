"""Carries runs through their states: one at a time in a workspace, those that only plan beside them."""

from __future__ import annotations

import json
import logging
import threading

from longshore.sandbox.terraform_cloud.execution import Execution
from longshore.sandbox.terraform_cloud.model import Run, StateVersion, Store, Workspace, new_id

UNKNOWN = "reticulating"
"""A state that no documentation has."""
_LOOKS = 0.5


class Worker:
    """Works runs off.

    Args:
        store: where they are.
        execution: what does their work.
    """

    def __init__(self, store: Store, execution: Execution) -> None:
        self._store = store
        self._execution = execution
        self._stopped = False

    def start(self, run: Run) -> None:
        """Begins with a run: it waits for its turn."""
        threading.Thread(target=self._work, args=(run,), name=run.id, daemon=True).start()

    def cancel(self, run: Run) -> None:
        """Stops what a run does."""
        self._execution.interrupt(run)

    def stop(self) -> None:
        """Lets nothing begin any more, and interrupts what runs."""
        with self._store.changed:
            self._stopped = True
            self._store.changed.notify_all()
        for run in list(self._store.runs.values()):
            if not run.final:
                self._execution.interrupt(run)

    def _work(self, run: Run) -> None:
        try:
            self._carry(run, self._store.workspaces[run.workspace])
        except Exception:
            logging.getLogger(__name__).exception("%s failed", run.id)
            self._become(run, "errored")
        finally:
            run.plan_log.done = run.apply_log.done = True

    def _carry(self, run: Run, workspace: Workspace) -> None:
        if not self._turn(run):
            return self._become(run, "discarded" if run.asked == "discard" else "canceled")
        for status in ("plan_queued", "planning"):
            self._become(run, status)
        changes = self._planned(run, workspace)
        run.plan_log.done = True
        if run.asked == "cancel":
            return self._become(run, "canceled")
        if changes is None or run.fault == "policy_hard":
            run.policy = "hard_failed" if changes is not None else ""
            return self._become(run, "errored")
        run.has_changes = changes
        if run.plan_only or not changes:
            soft = run.fault == "policy_soft"
            return self._become(run, "policy_soft_failed" if soft and run.plan_only else "planned_and_finished")
        return self._decide(run, workspace)

    def _planned(self, run: Run, workspace: Workspace) -> bool | None:
        archive = self._store.configurations[run.configuration].archive
        return self._execution.plan(workspace, run, archive) if archive else None

    def _decide(self, run: Run, workspace: Workspace) -> None:
        for status in ("planned", "cost_estimated", "policy_checking"):
            self._become(run, status)
        if run.fault == "policy_soft":
            run.policy = "soft_failed"
        stands = {"policy_soft": "policy_override", "unknown": UNKNOWN}.get(run.fault, "policy_checked")
        self._become(run, stands)
        asked = self._asked(run)
        if asked == "confirm" and run.fault != "discarded":
            return self._apply(run, workspace)
        return self._become(run, "canceled" if asked == "cancel" else "discarded")

    def _apply(self, run: Run, workspace: Workspace) -> None:
        run.asked = ""
        for status in ("confirmed", "apply_queued"):
            self._become(run, status)
        if run.fault == "canceled":
            return self._become(run, "canceled")
        if run.fault == "unknown_apply":
            self._become(run, UNKNOWN)
            self._asked(run)
            return self._become(run, "canceled")
        self._become(run, "applying")
        well = self._execution.apply(workspace, run)
        self._keep_state(run, workspace)
        run.apply_log.done = True
        return self._become(run, "applied" if well else "canceled" if run.asked == "cancel" else "errored")

    def _keep_state(self, run: Run, workspace: Workspace) -> None:
        if workspace.state_file.exists():
            outputs = json.loads(workspace.state_file.read_text()).get("outputs", {})
            workspace.states.append(StateVersion(new_id("sv"), run.id, outputs))

    def _turn(self, run: Run) -> bool:
        """Waits until it is a run's turn; False if somebody ends it before."""
        with self._store.changed:
            while run.fault == "queued" or self._store.position(run) > 0:
                if run.asked or self._stopped:
                    return False
                self._store.changed.wait(_LOOKS)
            return not self._stopped

    def _asked(self, run: Run) -> str:
        with self._store.changed:
            while not run.asked and not self._stopped:
                self._store.changed.wait(_LOOKS)
            return run.asked

    def _become(self, run: Run, status: str) -> None:
        with self._store.changed:
            run.becomes(status)
            self._store.changed.notify_all()
