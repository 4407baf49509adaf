"""Looks without changing anything: the plan for a tag, and the status of an environment."""

from __future__ import annotations

from longshore.commands import status as statuses
from longshore.environment.environment import Environment
from longshore.images.version import parse_tag
from longshore.run import checks
from longshore.terraform import plan as plans
from longshore.terraform.local import Purpose


def plan(env: Environment, tag: str | None, *, check_env: bool = False) -> bool:
    """Shows what an apply would change; with a tag, for that tag; without one, for what is released now.

    Returns:
        Whether there are changes.
    """
    variables = {"image_tag": parse_tag(tag)} if tag else {}
    checks.reach(env, planning=True, check_env=check_env)
    with env.terraform.plan(variables, purpose=Purpose(plan_only=True)) as saved:
        found = plans.changes(env.terraform.show(saved)) if saved.changed else []
        env.console.masks.hide(plans.secret_values(found))
        env.console.differences(plans.difference(found))
        return saved.changed


def status(env: Environment) -> statuses.Status:
    """What runs, what was released last and what is registered last."""
    last = env.ledger.last_good()
    return statuses.inspect(env.aws.ecs, env.contract(), env.released_tag(), last, env.access.base_url)
