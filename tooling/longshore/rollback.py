"""Back to the last good release, step by step (design.md, section 2)."""

from __future__ import annotations

from longshore import moves, preflight, undo
from longshore.environment import Environment
from longshore.errors import UsageError
from longshore.ledger import Ledger
from longshore.result import ReleaseResult, Verdict
from longshore.run import Opening, running


def rollback(env: Environment, *, yes: bool, wait: float = 0.0) -> ReleaseResult:
    """Returns to the last good release: the one before the current, or the current one where something else runs.

    Something else runs after a roll-back that failed, a second Ctrl-C, or a deployment that nobody released. A lock
    whose holder has died is taken over.

    Raises:
        LongshoreError: it could not begin: nothing was touched, and there is no record.
    """
    who = preflight.reach(env)
    dead = None if wait else preflight.dead_lock(env)
    with running(env, Opening("rollback", who, preflight.contract, wait=wait, dead=dead)) as run:
        with run.step("inspect"):
            moves.record_before(run, repairing=True)
            target = last_good(env.ledger, run.result)
            _take_over(run.result, target)
        run.approve(yes=yes)
        with undo.undone_on_failure(run):
            moves.move_schedules(run, moves.recorded_schedules(run, target))
            for number in reversed(moves.wave_numbers(run)):
                with run.step(f"roll back wave {number}"):
                    moves.move_wave(run, moves.to_recorded(run, number, target))
            with run.step("verify"):
                moves.verify_all(run)
        with run.steadfast_step("record"):
            moves.write_tag(run)
        undo.register_again(run, target.version)
        run.result.verdict = Verdict.SUCCEEDED
    return run.result


def last_good(ledger: Ledger, current: ReleaseResult) -> ReleaseResult:
    """The release to go back to, by what runs now.

    Raises:
        UsageError: there is none.
    """
    last = next(ledger.succeeded(), None)
    if last is None:
        raise UsageError("nothing was released yet that one could go back to", "See: invoke history")
    after = {key: service.after.task_definition for key, service in last.services.items() if service.after}
    runs = {key: service.before.task_definition for key, service in current.services.items()}
    strayed = any(runs.get(key) != task_definition for key, task_definition in after.items() if key in runs)
    return last if strayed else before_current(ledger, current.previous_version)


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
