"""A change without a release, step by step: the tag stays; services whose task definition changes are rolled out."""

from __future__ import annotations

from longshore import builds, moves, preflight, steady
from longshore.environment import Environment
from longshore.order import Order
from longshore.result import ReleaseResult, Verdict
from longshore.run import Opening, Run, running
from longshore.undo import undone_on_failure


def apply(env: Environment, order: Order) -> ReleaseResult:
    """Applies the variable files and the Terraform of this tree, and rolls out what that changes, as a release does.

    Raises:
        LongshoreError: it could not begin: nothing was touched, and there is no record.
    """
    actor = preflight.reach(env, locked_out=not order.wait)
    opening = Opening("apply", actor, preflight.contract, options=order.of_a_change(), wait=order.wait)
    with running(env, opening) as run:
        carry(run, order)
    return run.result


def carry(run: Run, order: Order) -> None:
    """The steps; what another process of the same apply has done is looked up, not done again."""
    with run.step("inspect"):
        last = steady.take_over(run)
        moves.record_before(run)
        steady.refuse_strayed(run, last)
    with builds.planned(run, order) as saved:
        left = _left_to_roll_out(run)
        if saved.changed or (left and not _begun(run)):
            run.approve(yes=order.yes)
        run.begin_moving()
        with undone_on_failure(run):
            if saved.changed:
                with run.step("apply"):
                    moves.apply(run, order, saved)
            changed = moves.differing(run)
            for number in moves.wave_numbers(run):
                if wanted := moves.to_changed(run, number, last, changed):
                    with run.step(f"roll out wave {number}"):
                        moves.move_wave(run, wanted)
            fresh = moves.fresh_schedules(run, last)
            moves.move_schedules(run, moves.changed_schedules(run, fresh), fresh)
            steady.complete(run)
            with run.step("verify"):
                moves.verify_all(run)
        with run.steadfast_step("record"):
            moves.set_minimums(run)
    run.result.verdict = Verdict.SUCCEEDED


def _begun(run: Run) -> bool:
    """Whether another process of this apply has moved something: then it was approved."""
    outcomes = [service.outcome for service in run.result.services.values()]
    outcomes += [schedule.outcome for schedule in run.result.schedules.values()]
    return run.resumed and any(outcome != "not moved" for outcome in outcomes)


def _left_to_roll_out(run: Run) -> bool:
    """Shows what this will do besides the plan: what is registered already, but does not run, and other minimums."""
    names = {key: service.name for key, service in run.contract.services.items()}
    rules = {key: schedule.rule for key, schedule in run.contract.schedules.items()}
    lines = [f"{names[key]} · {line} (registered)" for key, found in moves.differing(run).items() for line in found]
    lines += [f"{rules[key]} · {line} (registered)" for key, found in moves.differing_schedules(run).items()
              for line in found]  # fmt: skip
    minimums = moves.other_minimums(run)
    for title, found in (("Registered already, and not running:", lines), ("Of autoscaling:", minimums)):
        if found:
            run.env.console.say(title)
            run.env.console.differences(found)
            run.result.changes = [*run.result.changes, *found]
    if run.contract.migration and (lines or run.result.changes):
        run.env.console.say("The migration does not run again: it belongs to a release.")
    return bool(lines or minimums)
