"""A change without a release, step by step: the tag stays; services whose task definition changes are rolled out."""

from __future__ import annotations

from collections.abc import Mapping

from longshore.environment.environment import Environment
from longshore.result import ReleaseResult, Verdict
from longshore.run import apply_plan, autoscaling, build_and_plan, checks, consistency, schedules, snapshot, waves
from longshore.run.options import ReleaseOptions
from longshore.run.run import Run, RunRequest, running
from longshore.run.undo import undone_on_failure
from longshore.terraform import plan


def apply(env: Environment, order: ReleaseOptions) -> ReleaseResult:
    """Applies the variable files and the Terraform of this tree, and rolls out what that changes, as a release does.

    Raises:
        LongshoreError: it could not begin: nothing was touched, and there is no record.
    """
    actor = checks.reach(env, locked_out=not order.wait)
    opening = RunRequest("apply", actor, checks.contract, options=order.apply_document(), wait=order.wait)
    with running(env, opening) as run:
        run_steps(run, order)
    return run.result


def run_steps(run: Run, order: ReleaseOptions) -> None:
    """The steps; what another process of the same apply has done is looked up, not done again."""
    with run.step("inspect"):
        last = consistency.take_over(run)
        snapshot.record(run)
        consistency.refuse_strayed(run, last)
    with build_and_plan.planned(run, order) as (saved, shown):
        left = _left_to_roll_out(run, last, plan.minimums(shown) if saved.changed else {})
        if saved.changed or (left and not run.begun):
            run.approve(yes=order.yes)
        run.begin_moving()
        with undone_on_failure(run):
            if saved.changed or run.resumed:
                with run.step("apply"):
                    apply_plan.apply(run, order, saved)
            changed = waves.differing(run)
            for number in waves.wave_numbers(run):
                if wanted := waves.to_changed(run, number, last, changed):
                    with run.step(f"roll out wave {number}"):
                        waves.move_wave(run, wanted)
            fresh = schedules.fresh(run, last)
            schedules.move(run, schedules.changed(run, fresh), fresh)
            consistency.complete(run)
            with run.step("verify"):
                waves.verify_all(run)
        with run.steadfast_step("record"):
            autoscaling.set_minimum(run)
    run.result.verdict = Verdict.SUCCEEDED


def _left_to_roll_out(run: Run, last: ReleaseResult, planned: Mapping[str, int]) -> bool:
    """Shows what this will do besides the plan, and says whether there is any."""
    services, rules = run.contract.services, run.contract.schedules
    named = [(services[key].name, lines) for key, lines in waves.differing(run).items()]
    named += [(rules[key].rule, lines) for key, lines in schedules.differing(run).items()]
    fresh = [
        f"{one.name}: {one.desired_count} tasks"
        for key, one in services.items()
        if snapshot.is_new(run, key, last.services)
    ]
    fresh += [f"{rules[key].rule}: switched on" for key in sorted(schedules.fresh(run, last))]
    registered = [f"{name} · {line} (registered)" for name, lines in named for line in lines]
    left = {
        "Registered already, and not running:": registered,
        "Never released yet:": fresh,
        "Of autoscaling:": autoscaling.describe_changes(run, planned),
    }
    for title, lines in left.items():
        if lines:
            run.env.console.say(title)
            run.env.console.differences(lines)
            run.result.changes = [*run.result.changes, *lines]
    if run.contract.migration and (registered or run.result.changes):
        run.env.console.say("The migration does not run again: it belongs to a release.")
    return any(left.values())
