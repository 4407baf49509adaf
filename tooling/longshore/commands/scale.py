"""A change of counts without a release."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from longshore.config.values import shown
from longshore.environment.environment import Environment
from longshore.errors import UsageError
from longshore.result import Options, ReleaseResult, Running
from longshore.rollout import watch
from longshore.rollout.tracking import Move, TrackedDeployment
from longshore.run import checks, consistency, snapshot
from longshore.run.approval import approve
from longshore.run.contract_check import read_contract
from longshore.run.deployer import Deployer, advised
from longshore.run.lifecycle import RunRequest, running
from longshore.run.run import Run

Counts = Mapping[str, int]
"""The number of tasks by the key of the service."""

_DIGITS = 9
"""A count of AWS is an integer of 32 bits."""


def counts_of(words: Sequence[str]) -> dict[str, int]:
    """The counts on a command line, such as ``web=3``.

    Raises:
        UsageError: there is none, or one is malformed or given twice.
    """
    counts: dict[str, int] = {}
    for word in words:
        parts = re.fullmatch(r"([a-z][a-z0-9_-]*)=([0-9]+)", word)
        if not parts:
            raise UsageError(f"{shown(word)} is not SERVICE=COUNT", "For example: invoke scale web=3 worker=1")
        if len(parts[2]) > _DIGITS:
            raise UsageError(f"{shown(word)}: the count is too large", "For example: invoke scale web=3 worker=1")
        if parts[1] in counts:
            raise UsageError(
                f"{shown(word)} names {shown(parts[1], bare=True)} a second time", "Give each service once."
            )
        counts[parts[1]] = int(parts[2])
    if not counts:
        raise UsageError("no service was named", "For example: invoke scale web=3 worker=1")
    return counts


def scale(env: Environment, counts: Counts, *, force: bool, yes: bool, wait: float = 0.0) -> ReleaseResult:
    """Sets the number of tasks of services, and waits until they run. A release keeps such a count.

    Args:
        env: the environment.
        counts: by the key of the service.
        force: also for a service that autoscaling manages.
        yes: do not ask for confirmation.
        wait: seconds to wait for the lock.

    Raises:
        LongshoreError: the change could not begin: nothing was touched, and there is no record.
    """
    actor = checks.reach(env, locked_out=not wait)
    options: Options = {"counts": [f"{key}={count}" for key, count in counts.items()], "force": force}
    request = RunRequest("scale", actor, read_contract, options=options, wait=wait)
    with running(env, request) as run:
        run_steps(run, env, counts, force=force, yes=yes)
    return run.result


def run_steps(run: Run, env: Environment, counts: Counts, *, force: bool, yes: bool) -> None:
    """The steps of a scale. Sending a count a second time is harmless, so a resumed scale takes all of them."""
    deployer = Deployer.of(env)
    with run.step("inspect"):
        consistency.take_over(run)
        consistency.named_services(run, counts)
        _refuse_autoscaled(run, counts, force=force)
        snapshot.take(run, env.aws.ecs, env.aws.events)
    services = {key: run.result.services[key] for key in counts}
    changes = [f"{service.name}: {service.before.count} → {counts[key]} tasks" for key, service in services.items()]
    run.result.changes = changes
    run.console.differences(changes)
    if not run.begun:
        approve(run, yes=yes, question=f"Scale {', '.join(service.name for service in services.values())}?")
    run.start_deadline(deployer.deadlines.release)
    with run.step("scale"):
        scaled = [_send(run, deployer, key, count) for key, count in counts.items()]
    with run.step("wait"), advised(run, scaled):
        watch.wait_for_counts(deployer.ecs, run.contract.cluster, scaled, deployer.clock, run.watched)
        for service in services.values():
            service.outcome = "completed"
    consistency.record_unchanged(run.result)


def _refuse_autoscaled(run: Run, counts: Counts, *, force: bool) -> None:
    names = [run.contract.services[key].name for key in counts if run.contract.services[key].autoscaled]
    if names and not force:
        raise UsageError(
            f"autoscaling manages the count of {', '.join(names)}, and it would soon override this",
            "Change its minimum and maximum in the variable file, then run: invoke apply. Or, for the moment: --force",
        )


def _send(run: Run, deployer: Deployer, key: str, count: int) -> TrackedDeployment:
    service, cluster = run.result.services[key], run.contract.cluster

    def mark() -> None:
        service.outcome = "moved"
        service.after = Running(task_definition=service.before.task_definition, count=count)

    with run.effect(f"scale {key}", str(count), mark):
        deployment = deployer.ecs.scale(cluster, service.name, count)
    service.deployment = deployment.id
    move = Move(service.name, deployment.task_definition, count)
    deadline = run.left(deployer.deadline_of(run, key, move))
    return TrackedDeployment(move, deployment.id, deployment.created_at, deadline, by_ecs=True)
