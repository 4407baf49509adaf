"""One release, step by step (design.md, section 5). The steps' details are elsewhere."""

from __future__ import annotations

from longshore import applying, baseline, builds, minimums, moves, preflight, schedules
from longshore.config.contract import UNRELEASED
from longshore.environment.environment import Environment
from longshore.order import Order
from longshore.preflight import Start
from longshore.result import ReleaseResult, Verdict
from longshore.run import Opening, Run, running
from longshore.undo import undone_on_failure


def release(env: Environment, order: Order) -> ReleaseResult:
    """Carries one commit, or one image that exists, to a verified and recorded roll-out.

    Raises:
        LongshoreError: it could not begin: nothing was touched, and there is no record.
    """
    start = preflight.release(env, order)
    opening = Opening(
        "release", start.actor, preflight.contract, start.commit, options=order.document(), wait=order.wait
    )
    with running(env, opening) as run:
        carry(run, order, start)
    return run.result


def carry(run: Run, order: Order, start: Start) -> None:
    """The steps of a release; what another process of the same release has done is looked up, not done again."""
    with run.step("inspect"):
        last = run.env.ledger.last_good()
        preflight.refuse_older(run.env, order, start.commit)
        baseline.record(run, repairing=run.result.previous_version == UNRELEASED)
        baseline.refuse_zero(run, last, allowed=order.allow_zero)
        baseline.refuse_incomplete(run, last)
    with run.step("version"):
        tag = builds.choose_tag(run, order)
    with builds.built_and_planned(run, order, start.source, tag) as saved:
        if order.until:
            run.wait_for_approval()
            return
        if not applying.applied(run, saved):
            run.approve(yes=order.yes)
        run.begin_moving()
        with undone_on_failure(run):
            with run.step("apply"):
                applying.apply(run, order, saved)
            for number in moves.wave_numbers(run):
                moves.migrate_before(run, number)
                with run.step(f"roll out wave {number}"):
                    moves.move_wave(run, moves.to_registered(run, number, last))
            schedules.move(run, schedules.registered(run), schedules.fresh(run, last))
            with run.step("verify"):
                moves.verify_all(run)
        with run.steadfast_step("record"):
            minimums.keep(run)
            moves.write_tag(run)
    run.result.verdict = Verdict.SUCCEEDED
