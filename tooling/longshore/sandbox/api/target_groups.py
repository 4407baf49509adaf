"""Elastic Load Balancing on top of moto's: DescribeTargetHealth tells the health of the tasks of the sandbox's ECS."""

from __future__ import annotations

from typing import Any, Protocol

from moto.core.responses import ActionResult
from moto.elb import urls
from moto.elbv2.responses import ELBV2Response


class RegisteredTasks(Protocol):
    """The tasks that ECS has registered in target groups."""

    def target_health(self, group: str) -> list[dict[str, Any]]:
        """The health of the targets of a target group, in the shapes of the ELB API (TargetHealthDescription)."""


class BalancingResponse(ELBV2Response):
    """The sandbox's Elastic Load Balancing. Targets that a user registers are moto's, and always healthy."""

    tasks: RegisteredTasks

    def describe_target_health(self) -> ActionResult:
        """DescribeTargetHealth."""
        arn, named = self._get_param("TargetGroupArn"), self._get_param("Targets", [])
        registered = self.elbv2_backend.describe_target_health(arn, [])  # an unknown group is refused
        ours = self.tasks.target_health(arn)
        if not named:
            return ActionResult({"TargetHealthDescriptions": [*registered, *ours]})
        chosen = [health for target in named for health in ours if _is(health["Target"], target)]
        missing = [target for target in named if not any(_is(health["Target"], target) for health in ours)]
        others = self.elbv2_backend.describe_target_health(arn, missing) if missing else []
        return ActionResult({"TargetHealthDescriptions": [*chosen, *others]})


def _is(target: dict[str, Any], named: dict[str, Any]) -> bool:
    return bool(target["Id"] == named["Id"] and str(named.get("Port") or target["Port"]) == str(target["Port"]))


def install(tasks: RegisteredTasks) -> None:
    """Replace moto's Elastic Load Balancing; call this before moto's server starts."""
    BalancingResponse.tasks = tasks
    # Classic and newer load balancers share an address; moto chooses the class by its name in this module.
    vars(urls)["ELBV2Response"] = BalancingResponse
