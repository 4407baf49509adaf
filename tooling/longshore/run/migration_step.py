"""The migration of a run: one task before the wave that the contract names."""

from __future__ import annotations

from longshore.config.contract import Contract
from longshore.environment.environment import Environment
from longshore.errors import MigrationError, UnknownOutcomeError
from longshore.masking import Masks
from longshore.result import Failure
from longshore.rollout.diagnosis import shortened
from longshore.rollout.migration import Migrator, Retries, release_token
from longshore.run.deployer import Deployer
from longshore.run.run import Run


def migrate_before(run: Run, env: Environment, deployer: Deployer, wave: int) -> None:
    """Runs the migration if it belongs before this wave.

    Signals are deferred until it has ended, so that no schema is left half migrated.

    Raises:
        MigrationError: the migration failed.
        UnknownOutcomeError: its outcome is unknown.
    """
    migration = run.contract.migration
    if migration is None or not belongs_before(run.contract, wave):
        return
    if run.result.migration and run.result.migration.succeeded:
        return
    deployer.refuse_late(run, "the migration was started")
    migrator = _migrator(env, run.contract.cluster, deployer.deadlines.migration)
    token = release_token(run.result.application, run.result.release, run.result.started)
    with run.step("migrate"), run.hold_signals(), run.effect("migrate", migration.task_definition):
        try:
            run.result.migration = migrator.run(migration, token, env.console.log_line, _retries(run, deployer))
        except (MigrationError, UnknownOutcomeError) as error:
            run.result.migration = error.result
            failure = _failure(run, migration.task_definition, env.console.masks)
            run.result.failures = [*run.result.failures, failure]
            raise
    if not run.result.migration.log_complete:
        run.warn("the migration's log is incomplete: it could not be read all the time")


def belongs_before(contract: Contract, wave: int) -> bool:
    """Whether the migration runs before this wave: its ``before_wave``, or the first wave after that."""
    migration = contract.migration
    if migration is None:
        return False
    return wave == next((number for number in contract.wave_numbers() if number >= migration.before_wave), None)


def _retries(run: Run, deployer: Deployer) -> Retries:
    """The attempts to start the migration: nothing has begun before one, so a signal may end them."""
    shown = False

    def before(tries: int, reason: str) -> None:
        nonlocal shown
        run.interrupts.check_before_start()
        run.lease.check()
        if not shown:
            run.detail(f"{reason}; trying again until there is capacity")
        shown = True
        if tries != run.result.migration_tries:
            run.result.migration_tries = tries
            run.ledger.write(run.result)

    return Retries(run.result.migration_tries, run.left(deployer.deadlines.migration), before)


def _migrator(env: Environment, cluster: str, deadline: float) -> Migrator:
    return Migrator(env.aws.ecs, env.aws.logs, env.clock, cluster, deadline, env.console.masks)


def _failure(run: Run, task_definition: str, masks: Masks) -> Failure:
    migration = run.result.migration
    family = task_definition.rpartition("/")[2].partition(":")[0]
    if migration is None:
        return Failure(subject=family)
    return Failure(
        subject=family,
        task=migration.task,
        tasks=1,
        stop_code=migration.stop_code,
        reason=migration.reason,
        exit_codes=migration.exit_codes,
        container=run.contract.migration.container if run.contract.migration else None,
        log=shortened(migration.log, masks),
    )
