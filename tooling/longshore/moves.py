"""Moving the services of a run, in order, and back: what release and rollback share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from longshore import builds, migrate, plan, rollout, verify
from longshore.contract import UNRELEASED
from longshore.errors import (
    ApplyError,
    AwsError,
    LongshoreError,
    MigrationError,
    PlanError,
    StalePlanError,
    SupersededError,
    TerraformError,
    UnknownOutcomeError,
)
from longshore.order import Order
from longshore.result import Cause, ReleaseResult, Running, ServiceResult, Verdict
from longshore.rollout import Move
from longshore.run import Run
from longshore.terraform import SavedPlan

_MOVED = ("moved", "completed", "failed")


def record_before(run: Run) -> None:
    """Writes down what every service runs, before the first is moved: the way back.

    Raises:
        AwsError: a service is missing, or somebody else's deployment is in flight.
    """
    found = run.env.aws.ecs.services(run.contract.cluster, [s.name for s in run.contract.services.values()])
    rollout.refuse_in_flight(found)
    run.result.services = {
        key: ServiceResult(
            name=service.name,
            wave=service.wave,
            before=Running(task_definition=found[service.name].task_definition, count=found[service.name].desired),
        )
        for key, service in run.contract.services.items()
    }


def apply(run: Run, order: Order, saved: SavedPlan) -> None:
    """Applies the approved plan; the contract with the revisions it registered becomes the run's.

    A plan that went stale is made again, and applied only if it would change the same.

    Raises:
        ApplyError: Terraform failed.
        PlanError: the plan made again differs from the one that was approved.
    """
    terraform, console = run.env.terraform, run.env.console
    try:
        try:
            outputs = terraform.apply(saved, console.detail)
        except StalePlanError:
            approved = run.result.changes
            with terraform.plan({"image_tag": run.result.version}) as again:
                builds.judge(run, order, plan.changes(terraform.show(again)))
                if run.result.changes != approved:
                    raise PlanError("the state changed while the plan waited, and it differs now") from None
                outputs = terraform.apply(again, console.detail)
    except TerraformError as error:
        raise ApplyError(error.message, error.hint) from error
    run.contract = run.env.contract(outputs)


def wave_numbers(run: Run) -> list[int]:
    """The waves in their order."""
    return run.contract.wave_numbers()


def migrate_before(run: Run, wave: int) -> None:
    """Runs the migration if it belongs before this wave: before_wave is it, or the first wave after it."""
    migration = run.contract.migration
    if migration is None or wave != next((n for n in wave_numbers(run) if n >= migration.before_wave), None):
        return
    env = run.env
    migrator = migrate.Migrator(
        env.aws.ecs, env.aws.logs, env.clock, run.contract.cluster, env.target.env.deadlines.migration
    )
    with run.step("migrate"):
        try:
            run.result.migration = migrator.run(migration, run.result.release, env.console.log_line)
        except MigrationError as error:
            run.result.migration = error.result
            raise


def to_registered(run: Run, wave: int, last: ReleaseResult | None) -> dict[str, Move]:
    """The moves of a wave to what Terraform registered last; a count only for a service never rolled out."""
    fresh = run.result.previous_version == UNRELEASED
    return {
        key: Move(
            service.name,
            service.task_definition,
            service.desired_count if fresh or (last and key not in last.services) else None,
        )
        for key, service in sorted(run.contract.services.items())
        if service.wave == wave
    }


def to_recorded(run: Run, wave: int, target: ReleaseResult) -> dict[str, Move]:
    """The moves of a wave back to the revisions that an earlier release recorded."""
    return {
        key: Move(service.name, after.task_definition)
        for key, service in sorted(run.contract.services.items())
        if service.wave == wave and key in target.services and (after := target.services[key].after)
    }


def move_wave(run: Run, moves: Mapping[str, Move]) -> None:
    """Moves the services of a wave together and waits for all of them."""
    env, cluster, started = run.env, run.contract.cluster, []
    for key, move in moves.items():
        service = run.result.services[key]
        service.outcome = "moved"
        env.ledger.write(run.result)
        one = rollout.start(env.aws.ecs, cluster, move)
        service.deployment = one.deployment
        count = service.before.count if move.count is None else move.count
        service.after = Running(task_definition=move.task_definition, count=count)
        started.append(one)
    try:
        rollout.wait(env.aws.ecs, cluster, started, env.target.env.deadlines.rollout, env.clock, env.console.service)
    except SupersededError as error:
        for key in moves:
            run.result.services[key].outcome = "superseded" if moves[key].service == error.service else "failed"
        raise
    except LongshoreError:
        for key in moves:
            run.result.services[key].outcome = "failed"
        raise
    for key in moves:
        run.result.services[key].outcome = "completed"


def verify_all(run: Run) -> None:
    """Looks at revision and digest of every task, and asks the health URLs."""
    env, services = run.env, run.contract.services
    digests = {key: image.digest for key, image in run.result.images.items()}
    moved = {key: after for key, service in run.result.services.items() if (after := service.after)}
    expected = [
        verify.Expectation(
            services[key].name,
            after.task_definition,
            {container: digests[image] for container, image in services[key].containers.items() if image in digests},
        )
        for key, after in moved.items()
    ]
    verify.tasks(env.aws.ecs, run.contract.cluster, expected)
    asked = verify.urls(
        run.contract, env.access.base_url, run.result.version, env.target.env.deadlines.verify, env.clock
    )
    for url in asked:
        env.console.detail(f"{url} answers with {run.result.version}")
    if run.contract.verify and not asked:
        run.warn("no health URL was asked: set base_url of the environment in invoke.yaml")
    if idle := [services[key].name for key, after in moved.items() if not after.count]:
        run.warn(f"not verified (0 tasks): {', '.join(idle)}")


def write_tag(run: Run) -> None:
    """Says to Terraform which tag is released; from here on the release stands, whatever happens."""
    try:
        run.env.aws.parameters.put(run.env.target.tag_parameter, run.result.version)
    except AwsError as error:
        run.result.cause = Cause.RECORD
        run.warn(f"{run.env.target.tag_parameter} could not be set to {run.result.version}: {error.message}")


@contextmanager
def undone_on_failure(run: Run) -> Iterator[None]:
    """If the block fails, what moved goes back in reverse order, and Terraform registers the previous tag again.

    A migration that still runs at its deadline is the exception: then nothing is touched.
    """
    try:
        yield
    except UnknownOutcomeError:
        raise
    except (LongshoreError, KeyboardInterrupt) as error:
        moved = [key for key, service in run.result.services.items() if service.outcome in _MOVED]
        if moved:
            _move_back(run, error, sorted(moved, key=lambda key: run.result.services[key].wave))
        if isinstance(error, SupersededError) and run.result.verdict is not Verdict.ROLLBACK_FAILED:
            run.fail(Verdict.SUPERSEDED, error)
        register_again(run, run.result.previous_version)
        raise


def register_again(run: Run, tag: str) -> None:
    """Applies an earlier tag, so that the next plan is empty. A failure is a warning: the verdict stays."""
    env = run.env
    try:
        with run.step(f"register {tag} again"), env.terraform.plan({"image_tag": tag}) as saved:
            if saved.changed:
                plan.gate(plan.changes(env.terraform.show(saved)), env.target.app.allow_changes)
                run.contract = env.contract(env.terraform.apply(saved, env.console.detail))
    except LongshoreError as error:
        run.warn(
            f"Terraform pending: {tag} could not be registered again: {error.message}"
            f" (see invoke plan -e {env.target.environment}, then run invoke bootstrap -e {env.target.environment})"
        )


def _move_back(run: Run, error: LongshoreError | KeyboardInterrupt, moved: Sequence[str]) -> None:
    run.env.console.warn(getattr(error, "message", "interrupted"))
    try:
        with run.step("roll back"):
            for key in reversed(moved):
                _move_one_back(run, run.result.services[key])
    except LongshoreError as second:
        run.fail(Verdict.ROLLBACK_FAILED, error)
        run.result.hint = f"the roll-back failed: {second.message} (see what runs with: invoke status)"
        return
    run.fail(Verdict.INTERRUPTED if isinstance(error, KeyboardInterrupt) else Verdict.ROLLED_BACK, error)
    if run.result.migration:
        run.warn("the migration had run: the schema is the new one")


def _move_one_back(run: Run, service: ServiceResult) -> None:
    env, cluster = run.env, run.contract.cluster
    # A count goes back only where this release sent one: to a service that had never been rolled out.
    sent = service.after is not None and service.after.count != service.before.count
    move = Move(service.name, service.before.task_definition, service.before.count if sent else None)
    started = rollout.start(env.aws.ecs, cluster, move)
    rollout.wait(env.aws.ecs, cluster, [started], env.target.env.deadlines.rollout, env.clock, env.console.service)
    service.outcome = "moved back"
