"""Back to a good release, step by step (design.md, section 2)."""

from __future__ import annotations

from longshore.environment.environment import Environment
from longshore.errors import UsageError
from longshore.images.version import parse_tag
from longshore.ledger.lock import Lock
from longshore.result import Actor, ReleaseResult, Verdict
from longshore.run import apply_plan, checks, rollback_target, schedules, snapshot, undo, waves
from longshore.run.run import RunRequest, running


def rollback(env: Environment, *, yes: bool, to: str | None = None, wait: float = 0.0) -> ReleaseResult:
    """Returns to a release that succeeded; a lock whose holder has died is taken over.

    Args:
        env: the environment.
        yes: ask nothing.
        to: its version. If not given: the one before the current, or the current one where something else runs, as
            after a roll-back that failed, a second Ctrl-C, or a deployment that nobody released.
        wait: seconds to wait for the lock.

    Raises:
        LongshoreError: it could not begin: nothing was touched, and there is no record.
    """
    actor = checks.reach(env)
    dead = None if wait else checks.dead_lock(env)
    version = parse_tag(to) if to else rollback_target.default_version(env.ledger) if dead else None
    if dead and version is None:
        # Taking the lock over would end the release that died: nobody could go on with it any more.
        raise UsageError(
            "nothing was released yet that one could go back to",
            "Go on with what died: invoke release --resume, or take it back: invoke release --resume --abort",
        )
    return rollback_to(env, version, actor=actor, yes=yes, wait=wait, dead=dead)


def rollback_to(
    env: Environment, to: str | None, *, actor: Actor, yes: bool, wait: float = 0.0, dead: Lock | None = None
) -> ReleaseResult:
    """As `rollback`, once the checks are done."""
    opening = RunRequest("rollback", actor, checks.contract, options={"to": to}, wait=wait, dead=dead)
    with running(env, opening) as run:
        with run.step("inspect"):
            last = env.ledger.last_good()
            snapshot.record(run, repairing=True)
            target = rollback_target.target(env.ledger, run.result, run.contract.image_tag, to)
            run.result.version = target.version
            run.result.copy_source_from(target)
            rollback_target.refuse_other_images(env, target)
            rollback_target.name_migrations(run, target)
            rollback_target.there_already(run, target)
            gone = rollback_target.gone_revisions(env, target)
            waves.learn_secrets(run, target)
        run.approve(yes=yes)
        run.begin_moving()
        with undo.undone_on_failure(run):
            if gone:
                with run.step(f"register {target.version} again"):
                    apply_plan.register(run)
            schedules.move(run, schedules.recorded(run, target, gone))
            for number in reversed(waves.wave_numbers(run)):
                with run.step(f"roll back wave {number}"):
                    waves.move_wave(run, waves.to_recorded(run, number, target, gone))
            with run.step("verify"):
                waves.verify_all(run)
        with run.steadfast_step("record"):
            snapshot.leave_out_new(run, last)
            waves.write_tag(run)
        undo.register_again(run, target.version)
        run.result.verdict = Verdict.SUCCEEDED
    return run.result
