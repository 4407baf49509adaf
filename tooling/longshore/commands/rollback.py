"""A rollback to an earlier release, step by step."""

from __future__ import annotations

from longshore.environment.environment import Environment
from longshore.errors import UsageError
from longshore.images.version import parse_tag
from longshore.ledger.lock import Lock
from longshore.result import Actor, ReleaseResult
from longshore.run import (
    apply_plan,
    checks,
    lock_checks,
    released_tag,
    rollback_target,
    schedules,
    service_checks,
    snapshot,
    waves,
)
from longshore.run.approval import approve
from longshore.run.contract_check import read_contract
from longshore.run.deployer import Deployer
from longshore.run.lifecycle import RunRequest, running
from longshore.run.reregister import register_again
from longshore.run.run import Run
from longshore.run.undo import undone_on_failure
from longshore.run.verification_step import verify


def rollback(env: Environment, *, yes: bool, to: str | None = None, wait: float = 0.0) -> ReleaseResult:
    """Rolls back to a release that succeeded, and takes over a stale lock.

    Args:
        env: the environment.
        yes: do not ask for confirmation.
        to: its version. By default the one before the current; or the current one if something else is running, as
            after a failed rollback, a second Ctrl-C, or a deployment by another process.
        wait: seconds to wait for the lock.

    Raises:
        LongshoreError: the rollback could not begin: nothing was touched, and there is no record.
    """
    actor = checks.reach(env)
    stale = None if wait else lock_checks.stale_lock(env)
    version = parse_tag(to) if to else rollback_target.default_version(env.ledger) if stale else None
    if stale and version is None:
        # Taking the lock over would close the interrupted release, which could then no longer be resumed.
        raise UsageError(
            "nothing was released yet, so there is no release to roll back to",
            "Resume the interrupted release: invoke release --resume. Or undo it: invoke release --resume --abort",
        )
    return rollback_to(env, version, actor=actor, yes=yes, wait=wait, stale_lock=stale)


def rollback_to(
    env: Environment, to: str | None, *, actor: Actor, yes: bool, wait: float = 0.0, stale_lock: Lock | None = None
) -> ReleaseResult:
    """Rolls back as `rollback` does, after its checks."""
    request = RunRequest("rollback", actor, read_contract, options={"to": to}, wait=wait, stale_lock=stale_lock)
    with running(env, request) as run:
        run_steps(run, env, to, yes=yes)
    return run.result


def run_steps(run: Run, env: Environment, to: str | None, *, yes: bool) -> None:
    """The steps of a rollback."""
    aws, deployer = env.aws, Deployer.of(env)
    with run.step("inspect"):
        last = env.ledger.last_good()
        snapshot.take(run, aws.ecs, aws.events, repairing=True)
        target = rollback_target.choose(env.ledger, run.result, run.contract.image_tag, to)
        run.result.version = target.version
        run.result.copy_source_from(target)
        rollback_target.refuse_changed_images(env, target)
        rollback_target.warn_of_migrations(run, target)
        inactive = rollback_target.inactive_revisions(aws.ecs, target)
        rollback_target.skip_unchanged(run, aws.ecs, target, inactive)
        waves.learn_secrets(run, aws.ecs, target)
        service_checks.warn_before_rollback(run, env)
    approve(run, yes=yes)
    run.start_deadline(deployer.deadlines.release)
    with undone_on_failure(run, env):
        if inactive:
            with run.step(f"register {target.version} again"):
                apply_plan.register(run, env)
        schedules.update(run, aws.events, schedules.recorded(run, target, inactive))
        for wave in reversed(run.contract.wave_numbers()):
            with run.step(f"roll back wave {wave}"):
                waves.roll_out(run, deployer, waves.to_recorded(run, wave, target, inactive))
        with run.step("verify"):
            verify(run, deployer, env.access.base_url)
    with run.steadfast_step("record"):
        snapshot.leave_out_new(run.result, last)
        released_tag.write(run, aws.parameters, env.target.tag_parameter)
    register_again(run, env, target.version)
