"""The runs of a workspace: created once, followed to a decision, confirmed or ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from longshore.clock import Clock
from longshore.errors import CloudError, PlanError, TerraformError
from longshore.masking import Masks
from longshore.terraform.cloud.api import Api
from longshore.terraform.cloud.failures import RunFailures
from longshore.terraform.cloud.log import Log
from longshore.terraform.cloud.run import BAD, GOOD, HELD, CloudRun, parse_run
from longshore.terraform.cloud.run_request import CloudRunRequest
from longshore.terraform.cloud.workspaces import WorkspaceState
from longshore.terraform.driver import OnEvent

_SHOWN_WITHIN = 10.0
"""Seconds after which a run whose creation was never answered is in the list, if it exists."""
_REPEATED = 3
_OPERATIONS = "plan_and_apply,plan_only,save_plan,refresh_only,destroy,empty_apply"
"""All there are: where a list of runs is asked for without them, it has no runs that only plan (API, List Runs)."""
_APPLIES = frozenset({"applying", "post_apply_running", "post_apply_completed"})
"""What a run does is under way, or done: only its end can say what became of it."""


@dataclass(frozen=True)
class Runs:
    """The runs of one workspace.

    Args:
        api: Terraform Cloud.
        workspace: whose runs they are.
        clock: time.
        say: what somebody who waits wants to know.
        warn: what somebody must know.
        masks: what is not to be shown of a log.
    """

    api: Api
    workspace: WorkspaceState
    clock: Clock
    say: Callable[[str], None]
    warn: Callable[[str], None]
    masks: Masks = field(repr=False)

    def url(self, run: str) -> str:
        """Where a person sees a run."""
        return self._failures.url(run)

    @property
    def _failures(self) -> RunFailures:
        return RunFailures(self.api, self.workspace, self.masks)

    def read(self, run: str) -> CloudRun:
        """A run as it is now."""
        return parse_run(self.api.get(f"runs/{run}")["data"])

    def create(self, wanted: CloudRunRequest) -> CloudRun:
        """Creates a run, once: where the answer is lost it is looked for by its message, which is nobody else's.

        A signal waits until it is known whether there is a run, for somebody must end it.

        Raises:
            CloudError: it was refused, or nobody knows.
            InterruptError: a signal; there is no run.
        """
        for left in reversed(range(_REPEATED)):
            try:
                return parse_run(self.api.send("POST", "runs", wanted.document(self.workspace.id))["data"])
            except CloudError as error:
                if not error.open:
                    raise
                if found := self._find_created(wanted.message):
                    return found
                if not left:
                    raise
                self.clock.check()
        raise AssertionError("not reached")

    def wait_for_plan(self, run: CloudRun, deadline: float, on_event: OnEvent | None) -> tuple[CloudRun, Log]:
        """Waits until a run has its plan, and waits to be confirmed or has nothing to do.

        Raises:
            PlanError: a policy failed, or somebody else ended it.
            TerraformError: the plan failed, or was not there at the deadline.
            InterruptError: a signal.
        """
        log, place = Log(self.api, f"plans/{run.plan}", on_event), ""
        for _ in self.clock.polls(deadline):
            run = self._refreshed(run)
            place = self._report_queue(run, place)
            if run.plan and not run.position:
                log.path = f"plans/{run.plan}"
                log.read()
            if run.status in HELD:
                raise PlanError(
                    f"a policy failed for {run.id} ({run.status}): {self.url(run.id)}",
                    "Mend what the policy finds, or have it changed, and release again: the run is discarded.",
                )
            if run.status in BAD:
                log.finish(self.clock)
                raise self._failed(run, log, "plan")
            if run.confirmable or run.status in GOOD:
                log.finish(self.clock)
                self._warn_if_incomplete(run, log)
                return run, log
        raise TerraformError(
            f"{run.id} had no plan after {deadline:.0f} s ({run.status}{place}): {self.url(run.id)}",
            "Look at the workspace's queue: a run of a release that has died is yours to discard there."
            " Longer waiting is deadlines.terraform in invoke.yaml.",
        )

    def confirm(self, run: CloudRun) -> CloudRun:
        """Has a plan applied that was approved here.

        Raises:
            PlanError: somebody else has ended the run, so that nothing was applied.
            CloudError: it was refused, or nobody knows.
        """
        refused: CloudError | None = None
        asked = False
        for _ in Clock(self.clock.now, self.clock.sleep).polls(_SHOWN_WITHIN):
            now = self.read(run.id)
            if now.status == "discarded" or (now.status in BAD and not asked):
                raise self._failures.ended_elsewhere(now)
            if not now.confirmable:
                return now
            asked = True
            try:
                self.api.send("POST", f"runs/{run.id}/actions/apply", {"comment": "Approved with Longshore"})
            except CloudError as error:
                if not error.open and error.status != 409:
                    raise
                refused = error
        raise refused or CloudError(f"{run.id} does not begin its apply: {self.url(run.id)}")

    def wait_for_apply(self, run: CloudRun, deadline: float, on_event: OnEvent | None) -> CloudRun:
        """Waits until a run that was confirmed has been applied.

        A signal stops it while it waits for its turn; an apply that runs is let finish, as Terraform's own is here.

        Raises:
            TerraformError: the apply failed, or was not done at the deadline.
            InterruptError: a signal.
        """
        log, patient = Log(self.api, f"applies/{run.apply}", on_event), Clock(self.clock.now, self.clock.sleep)
        for _ in patient.polls(deadline):
            run = self._refreshed(run)
            if run.apply:
                log.path = f"applies/{run.apply}"
                log.read()
            if run.final:
                log.finish(patient)
                if run.status == "applied":
                    self._warn_if_incomplete(run, log)
                    return run
                raise self._failed(run, log, "apply")
            if run.status not in _APPLIES:
                self.clock.check()
        raise TerraformError(
            f"{run.id} was not applied after {deadline:.0f} s ({run.status}): {self.url(run.id)}",
            "Look what becomes of it there before anything else; longer waiting is deadlines.terraform.",
        )

    def end(self, run: str) -> None:
        """RunFailures a run that nobody will confirm: discards it, or cancels what it does. A failure is a warning."""
        why = ""
        for _ in Clock(self.clock.now, self.clock.sleep).polls(_SHOWN_WITHIN):
            try:
                if self._try_to_end(run):
                    return
            except CloudError as error:
                why = error.message
                if not error.open and error.status != 409:
                    break
        self.warn(f"{run} could not be ended: {why or 'it neither can be discarded nor canceled'}: {self.url(run)}")

    def _try_to_end(self, run: str) -> bool:
        now = self.read(run)
        if now.final:
            return True
        action = "discard" if now.discardable else "cancel" if now.cancelable else ""
        if action:
            self.api.send("POST", f"runs/{run}/actions/{action}", {"comment": "Not wanted any more"})
        return bool(action)

    def _refreshed(self, run: CloudRun) -> CloudRun:
        try:
            return self.read(run.id)
        except CloudError as error:
            if not error.open:
                raise
            return run  # one look that failed says nothing: the deadline ends the waiting

    def _find_created(self, message: str) -> CloudRun | None:
        try:
            return self._find_by_message(message)
        except CloudError as error:
            where = self.workspace.address
            raise CloudError(
                f"whether a run was created in {where} is not known: {error.message}",
                f"Look at the runs of {where}: one that is called {message!r} is yours to discard there.",
                error.status,
            ) from error

    def _find_by_message(self, message: str) -> CloudRun | None:
        query: dict[str, str | int] = {
            "search[basic]": message.rpartition(" ")[2].strip("[]"),
            "filter[operation]": _OPERATIONS,
            "page[size]": 20,
        }
        for _ in Clock(self.clock.now, self.clock.sleep).polls(_SHOWN_WITHIN):
            for data in self.api.get(f"workspaces/{self.workspace.id}/runs", query).get("data", []):
                if data["attributes"].get("message") == message:
                    return parse_run(data)
        return None

    def _report_queue(self, run: CloudRun, before: str) -> str:
        """Says behind what a run waits, once for each place."""
        if not run.position and run.status != "pending":
            return ""
        ahead = self._blocker(run)
        place = f", {ahead or f'place {run.position} in the queue'}"
        if place != before and (run.position or ahead):
            self.say(f"{run.id} waits{place}: {self.url(run.id)}")
        return place

    def _blocker(self, run: CloudRun) -> str:
        """What a run waits for; a workspace's current run may long be over (it is the one that its page shows)."""
        try:
            current, locked = self.workspace.current_run_and_lock(self.api)
            first = self.read(current) if current and current != run.id else None
        except CloudError:
            return ""
        if first and not first.final:
            return f"place {run.position} behind {first.id} ({first.status}: {first.message})"
        return "the workspace is locked: unlock it on its page" if locked else ""

    def _failed(self, run: CloudRun, log: Log, what: str) -> TerraformError | PlanError:
        if run.status == "errored":
            self._warn_if_incomplete(run, log)
        return self._failures.error_of(run, log, what)

    def _warn_if_incomplete(self, run: CloudRun, log: Log) -> None:
        if not log.complete:
            self.warn(f"the log of {run.id} could not be read to its end: {self.url(run.id)}")
