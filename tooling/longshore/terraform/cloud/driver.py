"""The driver of a stack whose runs are on Terraform Cloud, or whose state is there."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longshore.clock import Clock
from longshore.config.target import Workspace
from longshore.errors import PlanError, TerraformError
from longshore.masking import Masks
from longshore.terraform.cloud import archive, configuration, outputs, plan_json, workspaces
from longshore.terraform.cloud.api import Api
from longshore.terraform.cloud.local_mode import LocalMode
from longshore.terraform.cloud.log import Log
from longshore.terraform.cloud.run import CloudRun
from longshore.terraform.cloud.run_request import CloudRunRequest, unique_message
from longshore.terraform.cloud.runs import Runs
from longshore.terraform.cloud.workspaces import WorkspaceState
from longshore.terraform.driver import PLAN_DEFAULTS, OnEvent, PlanOptions, SavedPlan, Variables
from longshore.terraform.local import Terraform

_PRIVATE = 0o600


@dataclass(frozen=True)
class Notifier:
    """Whom the driver tells: what somebody who waits wants to know, and what somebody must know."""

    say: Callable[[str], None]
    warn: Callable[[str], None]


@dataclass(frozen=True)
class Timeouts:
    """Seconds that a run has until its plan is there, and again until that is applied; ``back`` after a roll-back."""

    run: float
    after_rollback: float


@dataclass(frozen=True)
class CloudPlan(SavedPlan):
    """The plan of a run: its JSON representation is in the file."""

    run: CloudRun


@dataclass(frozen=True)
class CloudDriver:
    """One stack on Terraform Cloud.

    Args:
        local: what runs it here, where the workspace's execution mode is `local`.
        api: Terraform Cloud.
        workspace: where it is there.
        root: the repository, whose folders are uploaded.
        clock: time.
        told: people.
        patience: how long is waited.
        masks: what is not to be shown.
    """

    local: Terraform
    api: Api
    workspace: Workspace
    root: Path
    clock: Clock
    notifier: Notifier
    timeouts: Timeouts
    masks: Masks = field(repr=False)

    def check(self, *, before_setup: bool = False) -> str:
        """Where it runs.

        Raises:
            TerraformError: the workspace is not there, or not as the stack needs it.
        """
        archive.folders(self.root, self.local.stack)
        found = workspaces.find(self.api, self.workspace)
        if found is None and before_setup:
            return f"workspace {self.workspace} is not there yet"
        found = found or self._workspace_state()
        workspaces.refuse_auto_apply(found)
        workspaces.refuse_unreadable(found)
        self._refuse_tags()
        if found.mode == "local":
            self.refuse_unsaved()
            return f"{self.local.check()}, with the state of workspace {self.workspace}"
        wrong = [] if before_setup else workspaces.problems(self.api, found, self.root, self.local.stack)
        if wrong:
            raise TerraformError(
                f"workspace {self.workspace} is not as this stack needs it: {'; '.join(wrong)}",
                "Set it up with: invoke bootstrap",
            )
        return f"Terraform {found.version} on Terraform Cloud, workspace {self.workspace} ({found.mode})"

    def set_up(self) -> list[str]:
        """Makes the workspace, or of one that is there what the stack needs."""
        return workspaces.set_up(self.api, self.root, self.local.stack, self.workspace)

    def refuse_unsaved(self) -> None:
        """As the local driver: a state that is kept here is one that a run here could not save."""
        self._local_mode.terraform.refuse_unsaved()
        self.local.refuse_unsaved()

    def init(self) -> None:
        """Readies the stack, where it runs here."""
        if self._workspace_state().mode == "local":
            self._local_mode.prepare().init()

    @contextmanager
    def plan(self, variables: Variables | None = None, options: PlanOptions = PLAN_DEFAULTS) -> Iterator[SavedPlan]:
        """Has a plan made; if it is not applied in the block, its run is ended.

        Raises:
            PlanError: a policy failed, or somebody else ended the run.
            TerraformError: it could not be made, or not in time.
        """
        found = self._workspace_state()
        if found.mode == "local":
            with self._local_mode.prepare().plan(variables, options) as saved:
                yield saved
            return
        workspaces.refuse_auto_apply(found)
        wanted = self._request(found, variables or {}, options)
        runs = self._runs(found, options)
        run = runs.create(wanted)
        try:
            self.notifier.say(f"Plan on Terraform Cloud: {runs.url(run.id)}")
            patience = self.timeouts.after_rollback if options.after_rollback else self.timeouts.run
            run, log = runs.wait_for_plan(run, patience, options.on_event)
            if found.connected and (other := configuration.commit_mismatch(self.api, run.id, self.root)):
                self.notifier.warn(other)
            with tempfile.TemporaryDirectory(prefix="longshore-plan-") as folder:
                yield self._save_plan(Path(folder), run, log)
        finally:
            runs.end(run.id)

    def show(self, plan: SavedPlan) -> dict[str, Any]:
        """The plan as Terraform's JSON representation; without values where the token may not read it."""
        if not isinstance(plan, CloudPlan):
            return self._local_mode.terraform.show(plan)
        return dict(json.loads(plan.file.read_text()))

    def apply(self, plan: SavedPlan, on_event: OnEvent | None = None) -> dict[str, Any]:
        """Has exactly this plan applied.

        Raises:
            PlanError: somebody else ended the run before.
            TerraformError: it failed, or was not done in time.
        """
        if not isinstance(plan, CloudPlan):
            return self._local_mode.terraform.apply(plan, on_event)
        found = self._workspace_state()
        if not plan.changed:
            return self.outputs()
        runs = self._runs(found, PLAN_DEFAULTS)
        run = runs.wait_for_apply(runs.confirm(plan.run), self.timeouts.run, on_event)
        return outputs.read(self.api, found, self._uninterrupted_clock, of_run=run.id)

    def state(self) -> dict[str, Any]:
        """What the state holds, where it is run here.

        Raises:
            PlanError: Terraform Cloud runs it, and shows a state to nobody in this form.
        """
        found = self._workspace_state()
        if found.mode != "local":
            raise PlanError(
                f"what is in the state of workspace {self.workspace} can't be looked up, which --only-release needs",
                "Release without --only-release, or start the run on its page with these resources as targets.",
            )
        return self._local_mode.prepare().state()

    def unlock(self, lock_id: str) -> None:
        """Takes the lock of the state away from a terraform that has died, where it ran here.

        Raises:
            TerraformError: Terraform Cloud runs it: the lock is a run's, or a person's.
        """
        found = self._workspace_state()
        if found.mode != "local":
            raise TerraformError(
                f"workspace {self.workspace} is locked by a run or a person, not by a terraform here",
                "Unlock it on its page.",
            )
        self._local_mode.prepare().unlock(lock_id)

    def outputs(self) -> dict[str, Any]:
        """The values of all outputs in the state that are not sensitive."""
        return outputs.read(self.api, self._workspace_state(), self._uninterrupted_clock)

    @property
    def _uninterrupted_clock(self) -> Clock:
        """A clock that no signal stops: what is read after an apply says what the apply has done."""
        return Clock(self.clock.now, self.clock.sleep)

    def _workspace_state(self) -> WorkspaceState:
        found = workspaces.find(self.api, self.workspace)
        if found is None:
            raise TerraformError(
                f"there is no workspace {self.workspace} at {self.workspace.hostname}, or the token may not see it",
                "Make it with: invoke bootstrap",
            )
        return found

    def _request(self, found: WorkspaceState, variables: Variables, options: PlanOptions) -> CloudRunRequest:
        uploaded = (
            ""
            if found.connected
            else configuration.upload(
                self.api, found, self.root, self.local.stack, self.clock, plan_only=options.plan_only
            )
        )
        what = ", ".join(f"{key} {value}" for key, value in variables.items()) or "no image_tag"
        purpose = "destroy" if options.destroy else "look only" if options.plan_only else "plan and apply"
        message = unique_message(f"Longshore: {self.local.stack.name}, {what} ({purpose})")
        return CloudRunRequest(
            message, variables, plan_only=options.plan_only, destroy=options.destroy, configuration=uploaded
        )

    def _runs(self, found: WorkspaceState, options: PlanOptions) -> Runs:
        def check() -> None:
            self.clock.check()
            if not options.still_needed():
                raise TerraformError("nobody needs the plan any more")

        clock = Clock(self.clock.now, self.clock.sleep, check)
        return Runs(self.api, found, clock, self.notifier.say, self.notifier.warn, self.masks)

    def _save_plan(self, folder: Path, run: CloudRun, log: Log) -> CloudPlan:
        shown = plan_json.download(self.api, run)
        if shown is None:
            shown = plan_json.from_log(run, log)
            self.notifier.warn(
                f"the token may not read the JSON of {run.plan}: the difference is poorer. It has addresses and actions"
                " but no values, and that earlier revisions stay registered (skip_destroy) is taken for granted"
            )
        file = folder / "plan.json"
        file.touch(mode=_PRIVATE)
        file.write_text(json.dumps(shown))
        return CloudPlan(file, run.has_changes, run)

    @property
    def _local_mode(self) -> LocalMode:
        """Terraform on this machine, with the workspace's state."""
        return LocalMode(self.local, self.root, self.workspace, self.api.token)

    def _refuse_tags(self) -> None:
        """Makes sure that no variable file says the tag: on the command line it would beat the run's variable."""
        for file in self.local.stack.var_files:
            if _assigns_tag(file):
                raise TerraformError(f"{file} sets image_tag, which would beat a release's", "Take it out of the file.")


def _assigns_tag(file: Path) -> bool:
    text = file.read_text()
    if file.name.endswith(".json"):  # Terraform's own rule for -var-file
        return '"image_tag"' in text
    return any(line.split("=")[0].strip() == "image_tag" for line in text.splitlines())
