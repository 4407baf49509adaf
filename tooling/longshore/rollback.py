"""Back to the last good release, step by step (design.md, section 2)."""

from __future__ import annotations

from longshore import moves, preflight
from longshore.environment import Environment
from longshore.errors import UsageError
from longshore.ledger import Ledger
from longshore.result import ReleaseResult, Verdict
from longshore.run import running


def rollback(env: Environment, *, yes: bool) -> ReleaseResult:
    """Returns to the release that succeeded before the current one, by its recorded revisions.

    Raises:
        UsageError: there is no earlier one.
        LongshoreError: it could not begin: nothing was touched, and there is no record.
    """
    who = preflight.reach(env)
    with running(env, "rollback", who) as run:
        with run.step("inspect"):
            target = before_current(env.ledger, run.result.previous_version)
            _take_over(run.result, target)
            moves.record_before(run)
        run.approve(yes=yes)
        with moves.undone_on_failure(run):
            for number in reversed(moves.wave_numbers(run)):
                with run.step(f"roll back wave {number}"):
                    moves.move_wave(run, moves.to_recorded(run, number, target))
            with run.step("verify"):
                moves.verify_all(run)
        with run.step("record"):
            moves.write_tag(run)
        moves.register_again(run, target.version)
        run.result.verdict = Verdict.SUCCEEDED
    return run.result


def before_current(ledger: Ledger, current: str) -> ReleaseResult:
    """The release that succeeded before the one that made ``current`` run.

    Raises:
        UsageError: there is none.
    """
    releases = (r for r in ledger.succeeded() if r.kind == "release")
    for release in releases:
        if release.version == current:
            break
    earlier = next((r for r in releases if r.version != current), None)
    if earlier is None:
        raise UsageError(f"there is no release before {current} to go back to", "See: invoke history")
    return earlier


def _take_over(result: ReleaseResult, target: ReleaseResult) -> None:
    result.version = target.version
    result.commit, result.subject, result.dirty = target.commit, target.subject, target.dirty
    result.images = target.images
