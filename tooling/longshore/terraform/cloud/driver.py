"""The driver of a stack whose workspace is on Terraform Cloud; Terraform runs there, or here with its state there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longshore.clock import Clock
from longshore.config.target import Workspace
from longshore.errors import PlanError, TerraformError
from longshore.masking import Masks
from longshore.private_files import private_folder
from longshore.signals import deferred
from longshore.terraform.cloud import archive, configuration, outputs, plan_json, workspaces
from longshore.terraform.cloud.api import Api
from longshore.terraform.cloud.local_mode import LocalMode
from longshore.terraform.cloud.log import Log
from longshore.terraform.cloud.run import CloudRun
from longshore.terraform.cloud.run_request import CloudRunRequest, unique_message
from longshore.terraform.cloud.runs import Notifier, Runs
from longshore.terraform.cloud.workspaces import WorkspaceState
from longshore.terraform.driver import PLAN_DEFAULTS, OnEvent, OnStage, PlanOptions, SavedPlan, Variables
from longshore.terraform.local import Terraform

_PRIVATE = 0o600


@dataclass(frozen=True)
class Timeouts:
    """Seconds for a run to finish planning, and again to finish applying; fewer for the plan after a rollback."""

    run: float
    after_rollback: float


@dataclass(frozen=True)
class CloudPlan(SavedPlan):
    """The plan of a run; the file contains its JSON representation."""

    run: CloudRun


@dataclass(frozen=True)
class CloudDriver:
    """The driver of one stack on Terraform Cloud.

    Args:
        local: runs Terraform on this machine, if the workspace's execution mode is `local`.
        api: Terraform Cloud.
        workspace: of the stack.
        root: the repository, from which folders are uploaded.
        clock: its `check` stops waiting, for example after a signal.
        notifier: for progress and warnings.
        timeouts: of runs.
        masks: values that must not appear in messages.
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
        """Describes where Terraform runs, after checking the workspace's settings."""
        archive.folders(self.root, self.local.stack)
        workspace = workspaces.find(self.api, self.workspace)
        if workspace is None and before_setup:
            return f"workspace {self.workspace} does not exist yet"
        workspace = workspace or self._find_workspace()
        workspaces.refuse_auto_apply(workspace)
        workspaces.refuse_unreadable(workspace)
        self._refuse_tags()
        if workspace.mode == "local":
            self.refuse_unsaved()
            return f"{self.local.check()}, with the state in workspace {self.workspace}"
        problems = [] if before_setup else workspaces.problems(self.api, workspace, self.root, self.local.stack)
        if problems:
            raise TerraformError(
                f"workspace {self.workspace} is not set up for this stack: {'; '.join(problems)}",
                "Run: invoke bootstrap",
            )
        return f"Terraform {workspace.version} on Terraform Cloud, workspace {self.workspace} ({workspace.mode})"

    def set_up(self) -> list[str]:
        """Creates the workspace, or changes its settings."""
        return workspaces.set_up(self.api, self.root, self.local.stack, self.workspace)

    def refuse_unsaved(self) -> None:
        """As the local driver: only a run on this machine keeps a state here."""
        self._local_mode.terraform.refuse_unsaved()
        self.local.refuse_unsaved()

    def init(self) -> None:
        """Prepares the copy of the root, in local mode."""
        if self._find_workspace().mode == "local":
            self._local_mode.prepare().init()

    @contextmanager
    def plan(self, variables: Variables | None = None, options: PlanOptions = PLAN_DEFAULTS) -> Iterator[SavedPlan]:
        """Creates a run and waits for its plan; if the block does not apply the plan, ends the run.

        Raises:
            PlanError: a policy failed, or another user ended the run.
        """
        workspace = self._find_workspace()
        if workspace.mode == "local":
            with self._local_mode.prepare().plan(variables, options) as saved:
                yield saved
            return
        workspaces.refuse_auto_apply(workspace)
        request = self._request(workspace, variables or {}, options)
        runs = self._runs(workspace, options)
        run: CloudRun | None = None
        try:
            with deferred():  # an existing run must be ended below
                run = runs.create(request)
            self.notifier.say(f"Plan on Terraform Cloud: {runs.url(run.id)}")
            timeout = self.timeouts.after_rollback if options.after_rollback else self.timeouts.run
            run, log = runs.wait_for_plan(run, timeout, options.on_event)
            if workspace.connected and (warning := configuration.commit_mismatch(self.api, run.id, self.root)):
                self.notifier.warn(warning)
            with private_folder("plan") as folder:
                yield self._save(folder.path, run, log)
        finally:
            if run:
                runs.end(run.id)

    def show(self, plan: SavedPlan) -> dict[str, Any]:
        """The plan in Terraform's JSON representation; without values if the token may not read it."""
        if not isinstance(plan, CloudPlan):
            return self._local_mode.terraform.show(plan)
        return dict(json.loads(plan.file.read_text(encoding="utf-8")))

    def apply(self, plan: SavedPlan, on_event: OnEvent | None = None, on_stage: OnStage = bool) -> dict[str, Any]:
        """Confirms the run of this plan and waits for its apply.

        Raises:
            PlanError: another user ended the run before its apply.
        """
        if not isinstance(plan, CloudPlan):
            return self._local_mode.terraform.apply(plan, on_event, on_stage)
        workspace = self._find_workspace()
        if not plan.changed:
            return self.outputs()
        runs = self._runs(workspace, PLAN_DEFAULTS)
        run = runs.apply(plan.run, self.timeouts.run, on_event, on_stage)
        return outputs.read(self.api, workspace, self._unchecked_clock, of_run=run.id)

    def state(self) -> dict[str, Any]:
        """The state in Terraform's JSON representation, in local mode.

        Raises:
            PlanError: in any other mode: Terraform Cloud does not offer a state in this form.
        """
        if self._find_workspace().mode != "local":
            raise PlanError(
                f"cannot read the addresses in the state of workspace {self.workspace}, which --only-release needs",
                "Release without --only-release, or start a run on the workspace's page that targets the task"
                " definitions.",
            )
        return self._local_mode.prepare().state()

    def unlock(self, lock_id: str) -> None:
        """Releases the state lock of a terraform process that was killed, in local mode.

        Raises:
            TerraformError: also in any other mode: the lock belongs to a run or a user.
        """
        if self._find_workspace().mode != "local":
            raise TerraformError(
                f"the lock of workspace {self.workspace} belongs to a run or a user, not to terraform on this machine",
                "Unlock the workspace on its page.",
            )
        self._local_mode.prepare().unlock(lock_id)

    def outputs(self) -> dict[str, Any]:
        """The values of all outputs in the state that are not sensitive."""
        return outputs.read(self.api, self._find_workspace(), self._unchecked_clock)

    @property
    def _unchecked_clock(self) -> Clock:
        """A clock that a signal does not stop: the outputs after an apply are part of its outcome."""
        return Clock(self.clock.now, self.clock.sleep)

    def _find_workspace(self) -> WorkspaceState:
        workspace = workspaces.find(self.api, self.workspace)
        if workspace is None:
            raise TerraformError(
                f"there is no workspace {self.workspace} at {self.workspace.hostname}, or the token may not see it",
                "To create it, run: invoke bootstrap",
            )
        return workspace

    def _request(self, workspace: WorkspaceState, variables: Variables, options: PlanOptions) -> CloudRunRequest:
        plan_only, stack = options.plan_only, self.local.stack
        version = (
            ""
            if workspace.connected
            else configuration.upload(self.api, workspace, self.root, stack, self.clock, plan_only=plan_only)
        )
        inputs = ", ".join(f"{key} {value}" for key, value in variables.items()) or "no image_tag"
        operation = "destroy" if options.destroy else "plan only" if plan_only else "plan and apply"
        message = unique_message(f"Longshore: {stack.name}, {inputs} ({operation})")
        return CloudRunRequest(message, variables, plan_only=plan_only, destroy=options.destroy, configuration=version)

    def _runs(self, workspace: WorkspaceState, options: PlanOptions) -> Runs:
        def check() -> None:
            self.clock.check()
            if not options.still_needed():
                raise TerraformError("the plan is no longer needed")

        clock = Clock(self.clock.now, self.clock.sleep, check)
        return Runs(self.api, workspace, clock, self.notifier, self.masks)

    def _save(self, folder: Path, run: CloudRun, log: Log) -> CloudPlan:
        plan = plan_json.download(self.api, run)
        if plan is None:
            plan = plan_json.from_log(run, log)
            self.notifier.warn(
                f"the diff is incomplete: the token may not read the JSON of {run.plan}, so only addresses and actions"
                " are shown. The gate assumes that earlier revisions stay registered (skip_destroy)"
            )
        file = folder / "plan.json"
        file.touch(mode=_PRIVATE)
        file.write_text(json.dumps(plan), encoding="utf-8")
        return CloudPlan(file, run.has_changes, run)

    @property
    def _local_mode(self) -> LocalMode:
        return LocalMode(self.local, self.root, self.workspace, self.api.token)

    def _refuse_tags(self) -> None:
        """Refuses a variable file that sets the tag: on the command line it overrides the run's variable."""
        for file in self.local.stack.var_files:
            if _sets_tag(file):
                raise TerraformError(
                    f"{file} sets image_tag, which would override the tag of a release",
                    "Remove image_tag from the file.",
                )


def _sets_tag(file: Path) -> bool:
    text = file.read_text(encoding="utf-8")
    if file.name.endswith(".json"):  # Terraform's own rule for -var-file
        return '"image_tag"' in text
    return any(line.split("=")[0].strip() == "image_tag" for line in text.splitlines())
