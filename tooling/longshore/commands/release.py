"""A release, step by step."""

from __future__ import annotations

from longshore.environment.environment import Environment
from longshore.result import ReleaseResult
from longshore.run import (
    apply_plan,
    autoscaling,
    build_and_plan,
    checks,
    inspection,
    released_tag,
    schedules,
    service_checks,
    standing,
    waves,
)
from longshore.run.approval import approve, wait_for_approval
from longshore.run.checks import ReleaseInputs
from longshore.run.contract_check import read_contract
from longshore.run.deployer import Deployer
from longshore.run.lifecycle import RunRequest, running
from longshore.run.migration_step import migrate_before
from longshore.run.options import ReleaseOptions
from longshore.run.run import Run
from longshore.run.undo import undone_on_failure
from longshore.run.verification_step import verify


def release(env: Environment, options: ReleaseOptions) -> ReleaseResult:
    """Takes one commit, or one existing image, to a verified and recorded roll-out.

    Raises:
        LongshoreError: the release could not begin: nothing was touched, and there is no record.
    """
    inputs = checks.release(env, options)
    request = RunRequest(
        "release", inputs.actor, read_contract, inputs.commit, options=options.document(), wait=options.wait
    )
    with running(env, request) as run:
        run_steps(run, env, options, inputs)
    return run.result


def run_steps(run: Run, env: Environment, options: ReleaseOptions, inputs: ReleaseInputs) -> None:
    """The steps of a release. A resumed release takes the same steps, and does nothing that was done already."""
    aws, parameter, deployer = env.aws, env.target.tag_parameter, Deployer.of(env)
    with run.step("inspect"):
        last = env.ledger.last_good()
        for check in inspection.of_release(run, env, options, inputs.commit, last):
            check()
    with run.step("version"):
        build_and_plan.choose_tag(run, env, options)
    with build_and_plan.built_and_planned(run, env, options, inputs.source) as plan:
        deployer.show_limits(run)
        if options.until:
            wait_for_approval(run)
            return
        if not apply_plan.is_applied(run, plan):
            approve(run, yes=options.yes)
            service_checks.refuse_unready(run, env, allowed=options.allow_alarm)  # building may have taken long
        run.start_deadline(deployer.deadlines.release)
        with undone_on_failure(run, env):
            with run.step("apply"):
                apply_plan.apply(run, env, options, plan)
                standing.record(run, aws.ecs, aws.events, last)  # also of those that the apply has created
            for wave in run.contract.wave_numbers():
                migrate_before(run, env, deployer, wave)
                with run.step(f"roll out wave {wave}"):
                    waves.roll_out(run, deployer, waves.to_registered(run, wave))
            schedules.update(run, aws.events, schedules.registered(run))
            with run.step("verify"):
                verify(run, deployer, env.access.base_url)
        with run.steadfast_step("record"):
            autoscaling.set_minimum(run, aws.scaling)
            released_tag.write(run, aws.parameters, parameter)
