"""A change without a release, step by step: the version stays, and services whose revision changes are rolled out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longshore.environment.environment import Environment
from longshore.result import ReleaseResult
from longshore.run import (
    apply_plan,
    autoscaling,
    build_and_plan,
    checks,
    consistency,
    schedules,
    service_checks,
    snapshot,
    standing,
    waves,
)
from longshore.run.approval import approve
from longshore.run.contract_check import read_contract
from longshore.run.deployer import Deployer
from longshore.run.lifecycle import RunRequest, running
from longshore.run.options import ReleaseOptions
from longshore.run.run import Run
from longshore.run.undo import undone_on_failure
from longshore.run.verification_step import verify
from longshore.terraform import plan as plans


def apply(env: Environment, options: ReleaseOptions) -> ReleaseResult:
    """Applies the variable files and the Terraform of this tree, and rolls the changes out as a release does.

    Raises:
        LongshoreError: the apply could not begin: nothing was touched, and there is no record.
    """
    actor = checks.reach(env, locked_out=not options.wait)
    request = RunRequest("apply", actor, read_contract, options=options.apply_document(), wait=options.wait)
    with running(env, request) as run:
        run_steps(run, env, options)
    return run.result


def run_steps(run: Run, env: Environment, options: ReleaseOptions) -> None:
    """The steps of an apply. A resumed apply takes the same steps, and does nothing that was done already."""
    aws, deployer = env.aws, Deployer.of(env)
    with run.step("inspect"):
        last = consistency.take_over(run)
        snapshot.take(run, aws.ecs, aws.events)
        standing.record(run, aws.ecs, aws.events, last)
        consistency.refuse_strayed(run, last, env.target.tag_parameter)
        service_checks.refuse_unready(run, env, allowed=options.allow_alarm)
    with build_and_plan.planned(run, env, options) as (plan, shown):
        pending = pending_changes(run, env, shown if plan.changed else {})
        _show(run, pending)
        if plan.changed or (any(pending.values()) and not run.begun):
            approve(run, yes=options.yes)
        run.start_deadline(deployer.deadlines.release)
        with undone_on_failure(run, env):
            if plan.changed or run.resumed:
                with run.step("apply"):
                    apply_plan.apply(run, env, options, plan)
                    standing.record(run, aws.ecs, aws.events, last)  # also of those that the apply has created
            changed = waves.differing(run, aws.ecs)
            for wave in run.contract.wave_numbers():
                if moves := waves.to_changed(run, wave, changed):
                    with run.step(f"roll out wave {wave}"):
                        waves.roll_out(run, deployer, moves)
            schedules.update(run, aws.events, schedules.changed(run, aws.ecs))
            consistency.record_unchanged(run.result)
            with run.step("verify"):
                verify(run, deployer, env.access.base_url)
        with run.steadfast_step("record"):
            autoscaling.set_minimum(run, aws.scaling)


_REGISTERED = "Registered already, but not running:"


def pending_changes(run: Run, env: Environment, shown: Mapping[str, Any]) -> dict[str, list[str]]:
    """The changes that this apply would make besides its plan, by title; one line each.

    Args:
        run: the run.
        env: its environment.
        shown: Terraform's JSON representation of the plan; empty if the plan changes nothing.
    """
    services, rules = run.contract.services, run.contract.schedules
    differing = [(services[key].name, lines) for key, lines in waves.differing(run, env.aws.ecs).items()]
    differing += [(rules[key].rule, lines) for key, lines in schedules.differing(run, env.aws.ecs).items()]
    never_released = [
        f"{service.name}: {service.desired_count} tasks"
        for key, service in services.items()
        if run.result.services[key].standing == "new"
    ]
    never_released += [f"{rules[key].rule}: enabled" for key in sorted(schedules.new(run.result))]
    return {
        _REGISTERED: [f"{name} · {line} (registered)" for name, lines in differing for line in lines],
        "Never released yet:": never_released,
        "Autoscaling:": autoscaling.describe_changes(
            run, env.aws.scaling, plans.minimum_capacities(shown) if shown else {}
        ),
    }


def _show(run: Run, pending: Mapping[str, list[str]]) -> None:
    for title, lines in pending.items():
        run.show_changes(title, lines)
    if run.contract.migration and run.result.changes:
        run.console.say("The migration does not run again: it belongs to a release.")
