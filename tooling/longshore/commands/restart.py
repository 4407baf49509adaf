"""A restart, wave by wave: every task is replaced by a new one of the running revision."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from longshore.environment.environment import Environment
from longshore.errors import LongshoreError, RolloutError, SupersededError
from longshore.result import Options, ReleaseResult
from longshore.rollout.tracking import Move
from longshore.run import checks, consistency, service_checks, snapshot, waves
from longshore.run.approval import approve
from longshore.run.contract_check import read_contract
from longshore.run.deployer import Deployer
from longshore.run.failures import explain
from longshore.run.lifecycle import RunRequest, running
from longshore.run.run import Run
from longshore.run.verification_step import verify


def restart(
    env: Environment, services: Sequence[str], *, yes: bool, wait: float = 0.0, allow_alarm: bool = False
) -> ReleaseResult:
    """Restarts services so that their tasks pick up current secrets; no revision changes.

    Args:
        env: the environment.
        services: their keys; all services if empty.
        yes: do not ask for confirmation.
        wait: seconds to wait for the lock.
        allow_alarm: restart even if an alarm of a service is in ALARM.

    Raises:
        LongshoreError: the restart could not begin: nothing was touched, and there is no record.
    """
    actor = checks.reach(env, locked_out=not wait)
    options: Options = {"services": list(services), **({"allow_alarm": True} if allow_alarm else {})}
    request = RunRequest("restart", actor, read_contract, options=options, wait=wait)
    with running(env, request) as run:
        run_steps(run, env, services, yes=yes, allow_alarm=allow_alarm)
    return run.result


def run_steps(run: Run, env: Environment, services: Sequence[str], *, yes: bool, allow_alarm: bool = False) -> None:
    """The steps of a restart. A resumed restart does not restart a service again whose restart has completed."""
    deployer = Deployer.of(env)
    with run.step("inspect"):
        last = consistency.take_over(run)
        keys = consistency.named_services(run, services)
        snapshot.take(run, env.aws.ecs, env.aws.events, repairing=True)
        consistency.refuse_strayed(run, last, env.target.tag_parameter)
        service_checks.refuse_unready(run, env, allowed=allow_alarm, keys=keys)
    if not run.begun:
        names = ", ".join(run.contract.services[key].name for key in keys)
        approve(run, yes=yes, question=f"Restart {names}?")
    run.start_deadline(deployer.deadlines.release)
    with _explained(run, env):
        for wave in run.contract.wave_numbers():
            if moves := _moves(run, wave, keys):
                with run.step(f"restart wave {wave}"):
                    waves.roll_out(run, deployer, moves)
        consistency.record_unchanged(run.result)
        with run.step("verify"):
            verify(run, deployer, env.access.base_url)


def _moves(run: Run, wave: int, keys: Collection[str]) -> dict[str, Move]:
    services = {key: run.result.services[key] for key in keys if run.contract.services[key].wave == wave}
    return {
        key: Move(service.name, service.before.task_definition)
        for key, service in services.items()
        if service.outcome != "completed"
    }


@contextmanager
def _explained(run: Run, env: Environment) -> Iterator[None]:
    """Explains why a restart failed. A rollback would not help: the revision and the secrets would be the same."""
    try:
        yield
    except LongshoreError as error:
        explain(run, env, error)
        if isinstance(error, RolloutError) and not isinstance(error, SupersededError):
            error.hint = (
                "No revision has changed, and later waves were not restarted: the old tasks keep serving as long as ECS"
                " keeps them. Fix the cause, such as a wrong secret, then run: invoke restart"
            )
        raise
