"""One release, step by step (design.md, section 5). The steps' details are elsewhere."""

from __future__ import annotations

from longshore.config.contract import UNRELEASED
from longshore.environment.environment import Environment
from longshore.result import ReleaseResult
from longshore.run import apply_plan, autoscaling, build_and_plan, checks, schedules, snapshot, waves
from longshore.run.checks import Start
from longshore.run.options import ReleaseOptions
from longshore.run.run import Run, RunRequest, running
from longshore.run.undo import undone_on_failure


def release(env: Environment, order: ReleaseOptions) -> ReleaseResult:
    """Carries one commit, or one image that exists, to a verified and recorded roll-out.

    Raises:
        LongshoreError: it could not begin: nothing was touched, and there is no record.
    """
    start = checks.release(env, order)
    opening = RunRequest(
        "release", start.actor, checks.contract, start.commit, options=order.document(), wait=order.wait
    )
    with running(env, opening) as run:
        run_steps(run, order, start)
    return run.result


def run_steps(run: Run, order: ReleaseOptions, start: Start) -> None:
    """The steps of a release; what another process of the same release has done is looked up, not done again."""
    with run.step("inspect"):
        last = run.env.ledger.last_good()
        checks.refuse_older(run.env, order, start.commit)
        snapshot.record(run, repairing=run.result.previous_version == UNRELEASED)
        snapshot.refuse_zero(run, last, allowed=order.allow_zero)
        snapshot.refuse_incomplete(run, last)
    with run.step("version"):
        tag = build_and_plan.choose_tag(run, order)
    with build_and_plan.built_and_planned(run, order, start.source, tag) as saved:
        if order.until:
            run.wait_for_approval()
            return
        if not apply_plan.applied(run, saved):
            run.approve(yes=order.yes)
        run.begin_moving()
        with undone_on_failure(run):
            with run.step("apply"):
                apply_plan.apply(run, order, saved)
            for number in waves.wave_numbers(run):
                waves.migrate_before(run, number)
                with run.step(f"roll out wave {number}"):
                    waves.move_wave(run, waves.to_registered(run, number, last))
            schedules.move(run, schedules.registered(run), schedules.fresh(run, last))
            with run.step("verify"):
                waves.verify_all(run)
        with run.steadfast_step("record"):
            autoscaling.set_minimum(run)
            waves.write_tag(run)
