"""The errors of failed runs: the cause, or that another user ended the run, and the run's page."""

from __future__ import annotations

from dataclasses import dataclass, field

from longshore.errors import CloudError, PlanError, TerraformError
from longshore.masking import Masks
from longshore.terraform.cloud.api import Api
from longshore.terraform.cloud.log import Log
from longshore.terraform.cloud.objects import many
from longshore.terraform.cloud.run import CloudRun
from longshore.terraform.cloud.workspaces import WorkspaceState
from longshore.terraform.output import Output


@dataclass(frozen=True)
class RunFailures:
    """Explains failed runs of a workspace.

    Args:
        api: Terraform Cloud.
        workspace: of the runs.
        masks: values that must not appear in messages.
    """

    api: Api
    workspace: WorkspaceState
    masks: Masks = field(repr=False)

    def url(self, run: str) -> str:
        """The page of a run."""
        address = self.workspace.address
        return f"{self.api.url}/app/{address.organization}/workspaces/{address.name}/runs/{run}"

    def error_of(self, run: CloudRun, log: Log, operation: str) -> TerraformError | PlanError:
        """The error of a run that ended without success.

        Args:
            run: with its final status.
            log: of the operation.
            operation: the last one: ``plan`` or ``apply``.
        """
        if run.status in ("discarded", "canceled", "force_canceled"):
            error = self.ended_elsewhere(run)
            apply_started = operation == "apply" and run.status != "discarded"  # only before an apply starts
            return TerraformError(error.message, error.hint) if apply_started else error
        if run.status == "policy_soft_failed":
            return self._policy_error("a policy failed", run)
        policies = self._failed_policies(run) if run.status == "errored" else ""
        if policies and operation == "plan":
            return self._policy_error(policies, run)
        why = f"{run.status}, {policies}" if policies else run.status
        explanation = Output(1, log.lines).explanation(self.masks)
        return TerraformError(
            f"terraform {operation} of {self.workspace.address} failed ({why}):\n{explanation}\n{self.url(run.id)}"
        )

    def ended_elsewhere(self, run: CloudRun) -> PlanError:
        """The error of a run that another user discarded or canceled."""
        return PlanError(
            f"{run.id} was {run.status.replace('_', '-')} by another user: {self.url(run.id)}",
            "The run's page shows who ended it, and why. Then run the same command again.",
        )

    def _policy_error(self, failure: str, run: CloudRun) -> PlanError:
        return PlanError(
            f"{failure} for {run.id}: {self.url(run.id)}", "Fix the violation, then run the same command again."
        )

    def _failed_policies(self, run: CloudRun) -> str:
        """The failed policy check (Sentinel), or else the task stages in which a policy (OPA) or run task failed."""
        if "hard_failed" in self._statuses(run, "policy-checks").values():
            return "a mandatory policy failed"
        stages = self._statuses(run, "task-stages")
        failed = sorted(stage for stage, status in stages.items() if status in ("failed", "errored"))
        return f"a policy or a run task of the stage {', '.join(failed)} failed" if failed else ""

    def _statuses(self, run: CloudRun, kind: str) -> dict[str, str]:
        try:
            results = many(self.api.get(f"runs/{run.id}/{kind}"))
        except CloudError:
            return {}
        return {result.attributes.stage or result.given_id or "": result.attributes.status or "" for result in results}
