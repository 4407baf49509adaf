"""The plan of an environment, shown without applying it."""

from __future__ import annotations

from longshore.config.contract import Contract
from longshore.environment.environment import Environment
from longshore.errors import LongshoreError
from longshore.images.version import parse_tag
from longshore.run import checks, service_checks
from longshore.run.limits import Limits
from longshore.signals import unchanged
from longshore.terraform import plan as plans
from longshore.terraform import plan_diff
from longshore.terraform.driver import PlanOptions


@unchanged
def plan(env: Environment, tag: str | None, *, check_env: bool = False) -> bool:
    """Shows the changes that an apply would make, and warns of services that a release or an apply would refuse.

    Args:
        env: the environment.
        tag: plan for this tag; None for the released one.
        check_env: compare the ECS_ variables of this process with the variable files.

    Returns:
        Whether there are changes.
    """
    variables = {"image_tag": parse_tag(tag)} if tag else {}
    checks.reach(env, planning=True, check_env=check_env)
    contract = _contract(env)
    if isinstance(contract, Contract):
        service_checks.warn_before_plan(env, contract)
    with env.terraform.plan(variables, options=PlanOptions(plan_only=True)) as saved:
        changes = plans.changes(env.terraform.show(saved)) if saved.changed else []
        env.console.masks.hide(plans.secret_values(changes))
        env.console.differences(plan_diff.describe(changes))
        _show_deadlines(env, contract)
        return saved.changed


def _contract(env: Environment) -> Contract | LongshoreError:
    """The contract in the state, which a plan does not change; the error if there is none yet."""
    try:
        return env.contract()
    except LongshoreError as error:
        return error


def _show_deadlines(env: Environment, contract: Contract | LongshoreError) -> None:
    """Shows how long each service may take to roll out, if Terraform has created the services."""
    if isinstance(contract, LongshoreError):
        reason = contract.message
        env.console.say(f"The time that the services may take to roll out could not be determined: {reason}")
        return
    for line in Limits.of_environment(env, env.console.warn).describe(contract):
        env.console.say(line)
