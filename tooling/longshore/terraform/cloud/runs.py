"""The runs of a workspace: each is created once, followed until its plan is ready, then applied or ended."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from longshore.clock import Clock
from longshore.errors import CloudError, PlanError, TerraformError
from longshore.masking import Masks
from longshore.signals import Deferral, deferred
from longshore.terraform.cloud.api import Api
from longshore.terraform.cloud.failures import RunFailures
from longshore.terraform.cloud.log import Log
from longshore.terraform.cloud.objects import many, one
from longshore.terraform.cloud.run import FAILED, HELD, SUCCEEDED, CloudRun, parse_run
from longshore.terraform.cloud.run_request import CloudRunRequest
from longshore.terraform.cloud.workspaces import WorkspaceState
from longshore.terraform.driver import ApplyStage, OnEvent, OnStage

_SHOWN_WITHIN = 10.0
"""Seconds until a run whose creation was not answered appears in the list, if it exists."""
_CREATE_ATTEMPTS = 3
_OPERATIONS = "plan_and_apply,plan_only,save_plan,refresh_only,destroy,empty_apply"
"""All operations: without this filter the list has no runs that only plan
(https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run#list-runs-in-a-workspace)."""
_APPLYING = frozenset({"applying", "post_apply_running", "post_apply_completed"})
"""The apply has started, so only the end of the run shows its outcome."""


@dataclass(frozen=True)
class Notifier:
    """The operator's terminal: ``say`` for progress, ``warn`` for warnings."""

    say: Callable[[str], None]
    warn: Callable[[str], None]


@dataclass(frozen=True)
class Runs:
    """The runs of one workspace.

    Args:
        api: Terraform Cloud.
        workspace: of the runs.
        clock: its `check` stops waiting, for example after a signal.
        notifier: for progress and warnings.
        masks: values that must not appear in messages.
    """

    api: Api
    workspace: WorkspaceState
    clock: Clock
    notifier: Notifier
    masks: Masks = field(repr=False)

    def url(self, run: str) -> str:
        """The page of a run."""
        return self._failures.url(run)

    @property
    def _failures(self) -> RunFailures:
        return RunFailures(self.api, self.workspace, self.masks)

    @property
    def _unchecked_clock(self) -> Clock:
        """A clock that a signal does not stop."""
        return Clock(self.clock.now, self.clock.sleep)

    def read(self, run: str) -> CloudRun:
        """The current data of a run."""
        return parse_run(one(self.api.get(f"runs/{run}")))

    def create(self, request: CloudRunRequest) -> CloudRun:
        """Creates a run, once: if the response is lost, it finds the run by its message.

        A signal takes effect only when it is clear whether the run exists, because Longshore must end an existing one.

        Raises:
            CloudError: the request was refused, or it cannot be determined whether the run exists.
            InterruptError: after a signal; there is no run.
        """
        for remaining in reversed(range(_CREATE_ATTEMPTS)):
            try:
                return parse_run(one(self.api.send("POST", "runs", request.document(self.workspace.id))))
            except CloudError as error:
                if not error.open:
                    raise
                if run := self._find_created(request.message):
                    return run
                if not remaining:
                    raise
                self.clock.check()
        raise AssertionError("not reached")

    def wait_for_plan(self, run: CloudRun, deadline: float, on_event: OnEvent | None) -> tuple[CloudRun, Log]:
        """Waits until a run can be confirmed, or its plan changes nothing.

        Raises:
            PlanError: a policy failed, or another user ended the run.
            TerraformError: the plan failed, or was not ready at the deadline.
            InterruptError: after a signal.
        """
        log, queue = Log(self.api, f"plans/{run.plan}", on_event), ""
        for _ in self.clock.polls(deadline):
            run = self._refreshed(run)
            queue = self._report_queue(run, queue)
            if run.plan and not run.position:
                log.path = f"plans/{run.plan}"
                log.read()
            if run.status in HELD:
                raise PlanError(
                    f"a policy failed for {run.id} ({run.status}): {self.url(run.id)}",
                    "Fix the violation or have the policy changed, then release again. This run is discarded.",
                )
            if run.status in FAILED:
                log.finish(self.clock)
                raise self._error_of(run, log, "plan")
            if run.confirmable or run.status in SUCCEEDED:
                log.finish(self.clock)
                self._warn_if_incomplete(run, log)
                return run, log
        raise TerraformError(
            f"{run.id} had no plan after {deadline:.0f} s ({run.status}{queue}): {self.url(run.id)}",
            "Check the workspace's queue; you may discard the run of a release that was killed."
            " To wait longer, raise deadlines.terraform in invoke.yaml.",
        )

    def apply(self, run: CloudRun, deadline: float, on_event: OnEvent | None, on_stage: OnStage = bool) -> CloudRun:
        """Starts the apply of a plan that was approved in Longshore, and waits until the run has been applied.

        A signal stops the wait while the run is queued, but not once its apply has started, as with a local terraform.
        One that ends the command cancels the run, and takes effect once the run has ended; before the confirmation it
        takes effect immediately, and nothing is applied.

        Raises:
            PlanError: another user ended the run before its apply.
            CloudError: the confirmation was refused, or may have taken effect.
            TerraformError: the apply failed, or had not ended at the deadline.
            InterruptError: after a signal.
        """
        with deferred() as deferral:
            confirmed = self._confirm(run, deferral, on_stage)
            log = Log(self.api, f"applies/{confirmed.apply}", on_event)
            applied = self._wait_for_apply(confirmed, deadline, log, deferral)
            on_stage(ApplyStage.ENDED)
        return applied

    def _confirm(self, run: CloudRun, deferral: Deferral, on_stage: OnStage) -> CloudRun:
        refused: CloudError | None = None
        requested = False
        for _ in self._unchecked_clock.polls(_SHOWN_WITHIN):
            current = self.read(run.id)
            if current.status == "discarded" or (current.status in FAILED and not requested):
                raise self._failures.ended_elsewhere(current)
            if not current.confirmable:
                on_stage(ApplyStage.STARTED)
                return current
            if not requested:
                deferral.check()
            requested = True
            try:
                self.api.send("POST", f"runs/{run.id}/actions/apply", {"comment": "Approved with Longshore"})
            except CloudError as error:
                if not error.open and error.status != 409:
                    raise
                refused = error
            on_stage(ApplyStage.STARTED)
        raise refused or CloudError(f"{run.id} did not start its apply: {self.url(run.id)}")

    def _wait_for_apply(self, run: CloudRun, deadline: float, log: Log, deferral: Deferral) -> CloudRun:
        clock, cancelled = self._unchecked_clock, False
        for _ in clock.polls(deadline):
            run = self._refreshed(run)
            if deferral.raised and not cancelled:
                with suppress(CloudError):
                    cancelled = self._try_to_end(run.id)
            if run.apply:
                log.path = f"applies/{run.apply}"
                log.read()
            if run.final:
                log.finish(clock)
                if run.status == "applied":
                    self._warn_if_incomplete(run, log)
                    return run
                raise self._error_of(run, log, "apply")
            if run.status not in _APPLYING:
                self.clock.check()
        raise TerraformError(
            f"{run.id} was not applied after {deadline:.0f} s ({run.status}): {self.url(run.id)}",
            "Check on the run's page what happened to it. To wait longer, raise deadlines.terraform in invoke.yaml.",
        )

    def end(self, run: str) -> None:
        """Discards a run that will not be confirmed, or cancels its current operation; warns if it can do neither."""
        why = "it can be neither discarded nor cancelled"
        for _ in self._unchecked_clock.polls(_SHOWN_WITHIN):
            try:
                if self._try_to_end(run):
                    return
            except CloudError as error:
                why = error.message
                if not error.open and error.status != 409:
                    break
        self.notifier.warn(f"could not end {run}: {why}: {self.url(run)}")

    def _try_to_end(self, run: str) -> bool:
        current = self.read(run)
        if current.final:
            return True
        action = "discard" if current.discardable else "cancel" if current.cancelable else ""
        if action:
            self.api.send("POST", f"runs/{run}/actions/{action}", {"comment": "No longer needed"})
        return bool(action)

    def _refreshed(self, run: CloudRun) -> CloudRun:
        try:
            return self.read(run.id)
        except CloudError as error:
            if not error.open:
                raise
            return run  # a failed read is not a result: the deadline ends the wait

    def _find_created(self, message: str) -> CloudRun | None:
        try:
            return self._find_by_message(message)
        except CloudError as error:
            address = self.workspace.address
            raise CloudError(
                f"cannot determine whether a run was created in {address}: {error.message}",
                f"Check the runs of {address}: discard the one named {message!r}, if it is there.",
                error.status,
            ) from error

    def _find_by_message(self, message: str) -> CloudRun | None:
        query: dict[str, str | int] = {
            "search[basic]": message.rpartition(" ")[2].strip("[]"),
            "filter[operation]": _OPERATIONS,
            "page[size]": 20,
        }
        for _ in self._unchecked_clock.polls(_SHOWN_WITHIN):
            for data in many(self.api.get(f"workspaces/{self.workspace.id}/runs", query)):
                if data.attributes.message == message:
                    return parse_run(data)
        return None

    def _report_queue(self, run: CloudRun, before: str) -> str:
        """Reports the run's place in the queue when it has changed, and returns it."""
        if not run.position and run.status != "pending":
            return ""
        blocker = self._blocker(run)
        place = f", {blocker or f'place {run.position} in the queue'}"
        if place != before and (run.position or blocker):
            self.notifier.say(f"{run.id} is waiting{place}: {self.url(run.id)}")
        return place

    def _blocker(self, run: CloudRun) -> str:
        """The reason why a run waits. A workspace's current run, which its page shows, may have ended long ago."""
        try:
            current, locked = self.workspace.current_run_and_lock(self.api)
            first = self.read(current) if current and current != run.id else None
        except CloudError:
            return ""
        if first and not first.final:
            return f"place {run.position} behind {first.id} ({first.status}: {first.message})"
        return "the workspace is locked: unlock it on its page" if locked else ""

    def _error_of(self, run: CloudRun, log: Log, operation: str) -> TerraformError | PlanError:
        if run.status == "errored":
            self._warn_if_incomplete(run, log)
        return self._failures.error_of(run, log, operation)

    def _warn_if_incomplete(self, run: CloudRun, log: Log) -> None:
        if not log.complete:
            self.notifier.warn(f"could not read the log of {run.id} to its end: {self.url(run.id)}")
