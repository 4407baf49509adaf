"""The waves of a run: services are updated together in each, in the order of the contract."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from longshore.aws.ecs import Ecs
from longshore.errors import AwsError, LongshoreError, SupersededError, UnknownOutcomeError
from longshore.masking import secrets_of_containers
from longshore.result import ReleaseResult, Running
from longshore.rollout import deployments
from longshore.rollout.tracking import Move, TrackedDeployment
from longshore.run import baselines, snapshot
from longshore.run.deployer import Deployer
from longshore.run.recorder import Recorder
from longshore.run.run import Run


def to_registered(run: Run, wave: int) -> dict[str, Move]:
    """The moves of a wave to the revisions registered last, by the key of the service.

    A count is sent only to a service that is new (`longshore.run.standing`), or that an apply has replaced.
    """
    return {
        key: Move(service.name, service.task_definition, _count_to_send(run, key))
        for key, service in sorted(run.contract.services.items())
        if service.wave == wave
    }


def to_changed(run: Run, wave: int, changed: Collection[str]) -> dict[str, Move]:
    """The moves of a wave to the revisions registered last, of services that change or get a count."""
    moves = to_registered(run, wave)
    return {key: move for key, move in moves.items() if key in changed or move.count is not None}


def to_recorded(run: Run, wave: int, target: ReleaseResult, inactive: Collection[str] = frozenset()) -> dict[str, Move]:
    """The moves of a wave back to the revisions of an earlier release; services that run them already are left out.

    Inactive revisions were registered again: the revision registered last replaces them.
    """
    services = {key: service for key, service in sorted(run.contract.services.items()) if service.wave == wave}
    moves = {}
    for key, service in services.items():
        recorded = target.services[key].after if key in target.services else None
        if run.result.services[key].after:
            continue  # it runs that revision already
        if recorded is None:
            run.warn(f"{service.name} was not part of {target.version}: it stays as it is")
        else:
            revision = service.task_definition if recorded.task_definition in inactive else recorded.task_definition
            moves[key] = Move(service.name, revision)
    return moves


def differing(run: Run, ecs: Ecs) -> dict[str, list[str]]:
    """The differences between the revisions registered last and those before, by the key of the service."""
    services = run.contract.services.items()
    before = {key: run.result.services[key].before.task_definition for key, _ in services}
    pairs = {key: (before[key], service.task_definition) for key, service in services}
    return snapshot.differing_revisions(ecs, run.console.masks, pairs)


def learn_secrets(recorder: Recorder, ecs: Ecs, target: ReleaseResult) -> None:
    """Masks the secrets of the containers of an earlier release: no plan of this run shows them."""
    for service in target.services.values():
        try:
            definition = ecs.task_definition(service.after.task_definition) if service.after else {}
        except AwsError:
            continue  # it is read again before a log of it is shown
        recorder.hide(secrets_of_containers(definition.get("containerDefinitions", ())))


def roll_out(run: Run, deployer: Deployer, moves: Mapping[str, Move]) -> None:
    """Updates the services of a wave together, and waits for all of them.

    Raises:
        RolloutError: one did not reach its revision.
    """
    for key, move in moves.items():
        service = run.result.services[key]
        run.tracked[key] = _started_earlier(run, deployer, key, move) or _start(run, deployer, key, move)
        service.deployment = run.tracked[key].deployment
    try:
        deployer.wait(run, [run.tracked[key] for key in moves])
    except LongshoreError as error:
        record_failed(run.result, {key: move.service for key, move in moves.items()}, error)
        raise
    for key in moves:
        run.result.services[key].outcome = "completed"


def record_failed(result: ReleaseResult, services: Mapping[str, str], error: LongshoreError) -> None:
    """Records which services did not reach their revision, and which one another deployment has replaced.

    Args:
        result: the entry of the run.
        services: the names of the services, by their keys.
        error: the error of one of them.
    """
    blamed = getattr(error, "service", "")
    for key, name in services.items():
        superseded = isinstance(error, SupersededError) and name == blamed
        result.services[key].outcome = "superseded" if superseded else "failed"


def restored_first(result: ReleaseResult, keys: Iterable[str]) -> list[str]:
    """The keys of services in the order of a rollback: the last wave first."""
    return sorted(keys, key=lambda key: result.services[key].wave, reverse=True)


def _count_to_send(run: Run, key: str) -> int | None:
    service = run.result.services[key]
    if service.standing == "new":
        return run.contract.services[key].desired_count
    return service.before.count if service.replaced else None


def _start(run: Run, deployer: Deployer, key: str, move: Move) -> TrackedDeployment:
    deployer.refuse_late(run, f"{move.service} was updated", move.service)
    service, seconds = run.result.services[key], deployer.deadline_of(run, key, move)
    baseline = baselines.before_move(service, move, resumed=run.resumed)

    def mark() -> None:
        # Before the call: if there is no response, the entry has the change that may have taken effect.
        count = service.before.count if move.count is None else move.count
        service.outcome, service.after = "moved", Running(task_definition=move.task_definition, count=count)

    try:
        with run.effect(f"update {key}", move.task_definition, mark):
            return deployer.start(run, move, run.left(seconds), baseline)
    except (SupersededError, UnknownOutcomeError) as error:
        service.outcome, service.after = "not moved", None
        if isinstance(error, SupersededError):
            service.outcome = "superseded"
        raise


def _started_earlier(run: Run, deployer: Deployer, key: str, move: Move) -> TrackedDeployment | None:
    """The deployment that an earlier process of this run has started, if it did."""
    service = run.result.services[key]
    if not run.resumed or service.outcome not in ("moved", "completed", "failed"):
        return None
    deadline = run.left(deployer.deadline_of(run, key, move))
    before, clock = service.before.task_definition, deployer.clock
    return deployments.find_again(deployer.ecs, run.contract.cluster, move, before, deadline, clock)
