"""Another count of tasks, without a release: sent, waited for, written down."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from longshore.environment.environment import Environment
from longshore.errors import UsageError
from longshore.result import Options, ReleaseResult, Running, Verdict
from longshore.rollout import watch
from longshore.rollout.deployments import Move, TrackedDeployment
from longshore.run import checks, consistency, snapshot, waves
from longshore.run.run import Run, RunRequest, running

Counts = Mapping[str, int]
"""The wanted count by the key of the service."""


def counts_of(words: Sequence[str]) -> dict[str, int]:
    """The counts that were ordered, such as ``web=3``.

    Raises:
        UsageError: none was, or one is malformed or given twice.
    """
    found: dict[str, int] = {}
    for word in words:
        parts = re.fullmatch(r"([a-z][a-z0-9_-]*)=(\d+)", word)
        if not parts or parts[1] in found:
            raise UsageError(f"{word!r} is no count of a service", "Give each once: invoke scale web=3 worker=1")
        found[parts[1]] = int(parts[2])
    if not found:
        raise UsageError("no service was named", "Such as: invoke scale web=3")
    return found


def scale(env: Environment, counts: Counts, *, force: bool, yes: bool, wait: float = 0.0) -> ReleaseResult:
    """Sets the count of services, and waits until as many tasks run. A release leaves such a count alone.

    Args:
        env: the environment.
        counts: by the key of the service.
        force: also of a service that autoscaling scales.
        yes: ask nothing.
        wait: seconds to wait for the lock.

    Raises:
        LongshoreError: it could not begin: nothing was touched, and there is no record.
    """
    actor = checks.reach(env, locked_out=not wait)
    options: Options = {"counts": [f"{key}={count}" for key, count in counts.items()], "force": force}
    opening = RunRequest("scale", actor, checks.contract, options=options, wait=wait)
    with running(env, opening) as run:
        run_steps(run, counts, force=force, yes=yes)
    return run.result


def run_steps(run: Run, counts: Counts, *, force: bool, yes: bool) -> None:
    """The steps; a count may be sent twice."""
    with run.step("inspect"):
        consistency.take_over(run)
        consistency.named(run, counts)
        _refuse_autoscaled(run, counts, force=force)
        snapshot.record(run)
    found = {key: run.result.services[key] for key in counts}
    run.result.changes = [f"{one.name}: {one.before.count} → {counts[key]} tasks" for key, one in found.items()]
    run.env.console.differences(run.result.changes)
    if not run.begun:
        run.approve(yes=yes, question=f"Scale {', '.join(one.name for one in found.values())}?")
    run.begin_moving()
    with run.step("scale"):
        scaled = [_send(run, key, count) for key, count in counts.items()]
    with run.step("wait"):
        env = run.env
        watch.wait_for_counts(env.aws.ecs, run.contract.cluster, scaled, env.clock, run.watched)
        for service in found.values():
            service.outcome = "completed"
    consistency.complete(run)
    run.result.verdict = Verdict.SUCCEEDED


def _refuse_autoscaled(run: Run, counts: Counts, *, force: bool) -> None:
    scaled = [run.contract.services[key].name for key in counts if run.contract.services[key].autoscaled]
    if scaled and not force:
        raise UsageError(
            f"autoscaling sets the count of {', '.join(scaled)}, and would soon set another one",
            "Change its minimum and maximum in the variable file, then: invoke apply. Or for the moment: --force",
        )


def _send(run: Run, key: str, count: int) -> TrackedDeployment:
    service, cluster = run.result.services[key], run.contract.cluster

    def mark() -> None:
        service.outcome = "moved"
        service.after = Running(task_definition=service.before.task_definition, count=count)

    with run.effect(f"scale {key}", str(count), mark):
        made = run.env.aws.ecs.scale(cluster, service.name, count)
    service.deployment = made.id
    deadline = run.left(waves.deadline_of(run, key))
    return TrackedDeployment(
        Move(service.name, made.task_definition, count), made.id, made.created_at, deadline, by_ecs=True
    )
