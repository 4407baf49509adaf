"""The bad ends of runs: what has failed, or who has ended it, and where a person sees it."""

from __future__ import annotations

from dataclasses import dataclass, field

from longshore.errors import CloudError, PlanError, TerraformError
from longshore.masking import Masks
from longshore.terraform.cloud.api import Api
from longshore.terraform.cloud.log import Log
from longshore.terraform.cloud.run import CloudRun
from longshore.terraform.cloud.workspaces import WorkspaceState
from longshore.terraform.output import Output


@dataclass(frozen=True)
class RunFailures:
    """Says how runs of a workspace have ended.

    Args:
        api: Terraform Cloud.
        workspace: whose runs they are.
        masks: what is not to be shown of a log.
    """

    api: Api
    workspace: WorkspaceState
    masks: Masks = field(repr=False)

    def url(self, run: str) -> str:
        """Where a person sees a run."""
        where = self.workspace.address
        return f"{self.api.url}/app/{where.organization}/workspaces/{where.name}/runs/{run}"

    def error_of(self, run: CloudRun, log: Log, what: str) -> TerraformError | PlanError:
        """The error of a run that did not come to its end.

        Args:
            run: it.
            log: of what it did last.
            what: that: ``plan`` or ``apply``.
        """
        if run.status in ("discarded", "canceled", "force_canceled"):
            ended = self.ended_elsewhere(run)
            begun = what == "apply" and run.status != "discarded"  # which is possible before an apply only
            return TerraformError(ended.message, ended.hint) if begun else ended
        if run.status == "policy_soft_failed":
            return PlanError(f"a policy failed for {run.id}: {self.url(run.id)}", "Mend what the policy finds.")
        failed = self._failed_policies(run) if run.status == "errored" else ""
        if failed and what == "plan":
            return PlanError(f"{failed} for {run.id}: {self.url(run.id)}", "Mend what it finds, and try again.")
        why = f"{run.status}, {failed}" if failed else run.status
        said = Output(1, log.lines).explanation(self.masks)
        return TerraformError(
            f"terraform {what} of {self.workspace.address} failed ({why}):\n{said}\n{self.url(run.id)}"
        )

    def ended_elsewhere(self, run: CloudRun) -> PlanError:
        """The error of a run that somebody else has ended."""
        return PlanError(
            f"{run.id} was {run.status.replace('_', '-')} by somebody else: {self.url(run.id)}",
            "Ask who did, and why; then try again.",
        )

    def _failed_policies(self, run: CloudRun) -> str:
        """What has failed a run beside Terraform itself: Sentinel's checks, else its stages of OPA and run tasks."""
        if "hard_failed" in self._statuses(run, "policy-checks").values():
            return "a policy that nobody can override failed"
        stages = self._statuses(run, "task-stages")
        failed = sorted(stage for stage, status in stages.items() if status in ("failed", "errored"))
        return f"a policy or a run task of the stage {', '.join(failed)} failed" if failed else ""

    def _statuses(self, run: CloudRun, kind: str) -> dict[str, str]:
        try:
            found = self.api.get(f"runs/{run.id}/{kind}").get("data", [])
        except CloudError:
            return {}
        read = ((one, one["attributes"]) for one in found)
        return {str(of.get("stage") or one.get("id")): str(of.get("status")) for one, of in read}
