"""Moving what a run moves, in order: the migration, services wave by wave; and whether they are well."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from longshore.errors import (
    AwsError,
    DeadlineError,
    LongshoreError,
    MigrationError,
    SupersededError,
    UnknownOutcomeError,
)
from longshore.masking import secrets_of_containers
from longshore.result import Cause, Failure, ReleaseResult, Running
from longshore.rollout import deployments, verification, watch
from longshore.rollout.deployments import Move, TrackedDeployment
from longshore.rollout.diagnosis import shortened
from longshore.rollout.migration import Migrator, release_token
from longshore.run import snapshot
from longshore.run.run import Run


def wave_numbers(run: Run) -> list[int]:
    """The waves in their order."""
    return run.contract.wave_numbers()


def migrate_before(run: Run, wave: int) -> None:
    """Runs the migration if it belongs before this wave: before_wave is it, or the first wave after it.

    A signal waits until the migration has ended: nobody may leave a schema half way.
    """
    migration = run.contract.migration
    if migration is None or wave != next((n for n in wave_numbers(run) if n >= migration.before_wave), None):
        return
    if run.result.migration and run.result.migration.succeeded:
        return
    env = run.env
    _refuse_late(run, "to run the migration in")
    deadline = env.target.env.deadlines.migration  # once it runs it has all of its time
    token = release_token(run.result.application, run.result.release, run.result.started)
    masks = env.console.masks
    migrator = Migrator(env.aws.ecs, env.aws.logs, env.clock, run.contract.cluster, deadline, masks)
    with run.step("migrate"), env.interrupts.held(), run.effect("migrate", migration.task_definition):
        try:
            run.result.migration = migrator.run(migration, token, env.console.log_line)
        except (MigrationError, UnknownOutcomeError) as error:
            run.result.migration = error.result
            _explain_migration(run, migration.task_definition)
            raise
    if not run.result.migration.log_complete:
        run.warn("the migration's log is incomplete: it could not be read all the time")


def _refuse_late(run: Run, purpose: str, service: str = "") -> None:
    if run.left(1.0) < 1.0:
        seconds = run.env.target.env.deadlines.release
        raise DeadlineError(
            f"no time was left of the release's {seconds:.0f} s {purpose}", "Look at deadlines.release.", service
        )


def _explain_migration(run: Run, task_definition: str) -> None:
    found = run.result.migration
    family = task_definition.rpartition("/")[2].partition(":")[0]
    failure = Failure(subject=family)
    if found:
        failure = Failure(
            subject=family,
            task=found.task,
            tasks=1,
            stop_code=found.stop_code,
            reason=found.reason,
            exit_codes=found.exit_codes,
            container=run.contract.migration.container if run.contract.migration else None,
            log=shortened(found.log, run.env.console.masks),
        )
    run.result.failures = [*run.result.failures, failure]


def to_registered(run: Run, wave: int, last: ReleaseResult | None) -> dict[str, Move]:
    """The moves of a wave to what Terraform registered last; a count only for one never rolled out, or made anew."""
    return {
        key: Move(service.name, service.task_definition, _count(run, key, last))
        for key, service in sorted(run.contract.services.items())
        if service.wave == wave
    }


def _count(run: Run, key: str, last: ReleaseResult | None) -> int | None:
    """The count to send to a service: none where it keeps the one that it has."""
    if snapshot.is_new(run, key, last.services if last else None):
        return run.contract.services[key].desired_count
    service = run.result.services[key]
    return service.before.count if service.replaced else None


def differing(run: Run) -> dict[str, list[str]]:
    """What the revisions registered last would change in what ran before, by the key of the service; line by line."""
    services = run.contract.services.items()
    before = {key: run.result.services[key].before.task_definition for key, _ in services}
    return snapshot.differing_revisions(
        run.env, {key: (before[key], service.task_definition) for key, service in services}
    )


def to_changed(run: Run, wave: int, last: ReleaseResult, changed: Collection[str]) -> dict[str, Move]:
    """Of the moves of a wave to what is registered last, those of services that change, or that get a count."""
    wanted = to_registered(run, wave, last)
    return {key: move for key, move in wanted.items() if key in changed or move.count is not None}


def to_recorded(run: Run, wave: int, target: ReleaseResult, gone: Collection[str] = frozenset()) -> dict[str, Move]:
    """The moves of a wave back to the revisions that an earlier release recorded.

    Those that are gone were registered again: what is registered last stands for them.
    """
    here = {key: service for key, service in sorted(run.contract.services.items()) if service.wave == wave}
    moved = {}
    for key, service in here.items():
        after = target.services[key].after if key in target.services else None
        if run.result.services[key].after:
            continue  # it is there already
        if after is None:
            run.warn(f"{service.name} was not part of {target.version}: it stays as it is")
        else:
            revision = service.task_definition if after.task_definition in gone else after.task_definition
            moved[key] = Move(service.name, revision)
    return moved


def learn_secrets(run: Run, target: ReleaseResult) -> None:
    """Takes in the secrets of the containers that an earlier release ran: no plan of this run shows them."""
    for service in target.services.values():
        try:
            definition = run.env.aws.ecs.task_definition(service.after.task_definition) if service.after else {}
        except AwsError:
            continue  # it is asked for again before a log of it is read
        run.env.console.masks.hide(secrets_of_containers(definition.get("containerDefinitions", ())))


def move_wave(run: Run, moves: Mapping[str, Move]) -> None:
    """Moves the services of a wave together and waits for all of them.

    Raises:
        RolloutError: one did not get there.
    """
    env, cluster = run.env, run.contract.cluster
    for key, move in moves.items():
        service = run.result.services[key]
        run.started[key] = _found_again(run, key, move) or _start(run, key, move)
        service.deployment = run.started[key].deployment
    try:
        watch.wait(env.aws.ecs, cluster, [run.started[key] for key in moves], env.clock, run.watched)
    except LongshoreError as error:
        _take_down(run, moves, error)
        raise
    for key in moves:
        run.result.services[key].outcome = "completed"


def _start(run: Run, key: str, move: Move) -> TrackedDeployment:
    _refuse_late(run, f"to move {move.service} in", move.service)
    service = run.result.services[key]

    def mark() -> None:
        # Before the call: should its answer never come, this says what may have taken effect.
        count = service.before.count if move.count is None else move.count
        service.outcome, service.after = "moved", Running(task_definition=move.task_definition, count=count)

    with run.effect(f"update {key}", move.task_definition, mark):
        return deployments.start(run.env.aws.ecs, run.contract.cluster, move, run.left(deadline_of(run, key)))


def _found_again(run: Run, key: str, move: Move) -> TrackedDeployment | None:
    """The deployment that another process of this release has started, if it has."""
    service = run.result.services[key]
    if not run.resumed or service.outcome not in ("moved", "completed", "failed"):
        return None
    before = service.before.task_definition
    deadline = run.left(deadline_of(run, key))
    return deployments.find_again(run.env.aws.ecs, run.contract.cluster, move, before, deadline)


def deadline_of(run: Run, key: str) -> float:
    """The seconds that a service has to get to its revision."""
    deadlines = run.env.target.env.deadlines
    return deadlines.services.get(key, deadlines.rollout)


def _take_down(run: Run, moves: Mapping[str, Move], error: LongshoreError) -> None:
    """Writes down which services of a wave did not get there, and whose another deployment is."""
    to_blame = getattr(error, "service", "")
    for key, move in moves.items():
        overtaken = isinstance(error, SupersededError) and move.service == to_blame
        run.result.services[key].outcome = "superseded" if overtaken else "failed"


def verify_all(run: Run) -> None:
    """Lets the services bake, looks at revision and digest of every task, and asks the health URLs.

    Raises:
        RolloutError: they did not stay well, or do not run or answer what was released.
    """
    env, services = run.env, run.contract.services
    started = list(run.started.values())
    deadlines = env.target.env.deadlines
    try:
        watch.bake(env.aws.ecs, run.contract.cluster, started, deadlines.bake, env.clock, run.watched)
    except SupersededError as error:
        _take_down(run, {key: one.move for key, one in run.started.items() if one.move.service == error.service}, error)
        raise
    digests = {key: image.digest for key, image in run.result.images.items()}
    moved = {key: after for key, service in run.result.services.items() if (after := service.after)}
    expected = [
        verification.Expectation(
            services[key].name,
            after.task_definition,
            {container: digests[image] for container, image in services[key].containers.items() if image in digests},
            idle=not after.count,
        )
        for key, after in moved.items()
    ]
    verification.tasks(env.aws.ecs, run.contract.cluster, expected, env.clock, deadlines.verify)
    masks = env.console.masks
    asked = verification.urls(run.contract, env.access.base_url, run.result.version, deadlines.verify, env.clock, masks)
    for url in asked:
        env.console.detail(f"{url} answers with {run.result.version}")
    if run.contract.verify and not asked:
        run.warn("no health URL was asked: set base_url of the environment in invoke.yaml")
    if idle := [services[key].name for key, after in moved.items() if not after.count]:
        run.warn(f"not verified (0 tasks): {', '.join(idle)}")


def write_tag(run: Run) -> None:
    """Says to Terraform which tag is released; from here on the release stands, whatever happens."""
    try:
        with run.effect("write the tag", run.result.version):
            run.env.aws.parameters.put(run.env.target.tag_parameter, run.result.version)
    except AwsError as error:
        run.result.cause = Cause.RECORD
        run.warn(f"{run.env.target.tag_parameter} could not be set to {run.result.version}: {error.message}")
