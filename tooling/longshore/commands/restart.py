"""A restart, wave by wave: every task is started anew, from the revision that runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from longshore.environment.environment import Environment
from longshore.errors import LongshoreError, RolloutError, SupersededError
from longshore.result import ReleaseResult
from longshore.rollout.deployments import Move
from longshore.run import checks, consistency, snapshot, undo, waves
from longshore.run.run import Run, RunRequest, running


def restart(env: Environment, services: Sequence[str], *, yes: bool, wait: float = 0.0) -> ReleaseResult:
    """Starts the tasks of services anew, so that they read their secrets again; no revision changes.

    Args:
        env: the environment.
        services: their keys; all if empty.
        yes: ask nothing.
        wait: seconds to wait for the lock.

    Raises:
        LongshoreError: it could not begin: nothing was touched, and there is no record.
    """
    actor = checks.reach(env, locked_out=not wait)
    opening = RunRequest("restart", actor, checks.contract, options={"services": list(services)}, wait=wait)
    with running(env, opening) as run:
        run_steps(run, services, yes=yes)
    return run.result


def run_steps(run: Run, services: Sequence[str], *, yes: bool) -> None:
    """The steps; a service that another process of the same restart has seen restarted is not started again."""
    with run.step("inspect"):
        last = consistency.take_over(run)
        wanted = consistency.named(run, services)
        snapshot.record(run, repairing=True)
        consistency.refuse_strayed(run, last)
    if not run.begun:
        names = ", ".join(run.contract.services[key].name for key in wanted)
        run.approve(yes=yes, question=f"Restart {names}?")
    run.begin_moving()
    with _nothing_to_go_back_from(run):
        for number in waves.wave_numbers(run):
            if here := _of_wave(run, number, wanted):
                with run.step(f"restart wave {number}"):
                    waves.move_wave(run, here)
        consistency.complete(run)
        with run.step("verify"):
            waves.verify_all(run)


def _of_wave(run: Run, number: int, wanted: Collection[str]) -> dict[str, Move]:
    found = {key: run.result.services[key] for key in wanted if run.contract.services[key].wave == number}
    return {
        key: Move(service.name, service.before.task_definition)
        for key, service in found.items()
        if service.outcome != "completed"
    }


@contextmanager
def _nothing_to_go_back_from(run: Run) -> Iterator[None]:
    """Says why a restart failed, and what serves: the way back would be the same revision with the same secrets."""
    try:
        yield
    except LongshoreError as error:
        undo.explain(run, error)
        if isinstance(error, RolloutError) and not isinstance(error, SupersededError):
            error.hint = (
                "No revision has changed, and later waves were not restarted: what ran before serves for as long as"
                " ECS keeps it. Mend what the new tasks need, such as the secret, then: invoke restart"
            )
        raise
