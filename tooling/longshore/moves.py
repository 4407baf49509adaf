"""Moving what a run moves, in order: revisions, the migration, services wave by wave, schedules."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from longshore import builds, difference, migrate, plan, rollout, targeted, verify
from longshore.contract import UNRELEASED
from longshore.diagnosis import shortened
from longshore.errors import (
    ApplyError,
    AwsError,
    DeadlineError,
    LongshoreError,
    MigrationError,
    NotReadyError,
    PlanError,
    StalePlanError,
    SupersededError,
    TerraformError,
    UnknownOutcomeError,
)
from longshore.masking import secrets_of_containers
from longshore.order import Order
from longshore.result import Cause, Failure, ReleaseResult, Running, ScheduleResult, ServiceResult
from longshore.rollout import Move, Started
from longshore.run import Run
from longshore.terraform import SavedPlan

_TOO_MANY_AT_ONCE = "Too many concurrent attempts to create a new revision"
"""A refusal that passes (failures.md, row 39); botocore does not retry it."""


def record_before(run: Run, *, repairing: bool = False) -> None:
    """Writes down what every service and schedule runs, before the first is moved: the way back.

    What is written down already stays: another process of this release did that, before it moved the first. What an
    apply has taken away is forgotten: nothing goes back to it, and should it come again it was never rolled out.

    Args:
        run: the run.
        repairing: go on where a deployment has failed for good, or is left of a release of ours, to put the last good
            release in its place.

    Raises:
        AwsError: a service or a schedule is missing.
        NotReadyError: somebody else's deployment is in flight, or a service was deleted.
    """
    aws, contract, result = run.env.aws, run.contract, run.result
    result.services = {key: one for key, one in result.services.items() if key in contract.services}
    result.schedules = {key: one for key, one in result.schedules.items() if key in contract.schedules}
    new = {key: service for key, service in contract.services.items() if key not in result.services}
    names = [service.name for service in new.values()]
    found = aws.ecs.services(contract.cluster, names)
    if gone := [f"{service.name} is {service.status}" for service in found.values() if service.status != "ACTIVE"]:
        raise NotReadyError(f"a service was deleted: {'; '.join(gone)}", "Make it again: invoke bootstrap")
    latest, ours = aws.ecs.latest_deployments(contract.cluster, names), _left_behind(run) if repairing else set()
    rollout.refuse_in_flight(found, latest, repairing=repairing, ours=ours)
    result.services = result.services | {
        key: ServiceResult(
            name=service.name,
            wave=service.wave,
            before=Running(task_definition=found[service.name].task_definition, count=found[service.name].desired),
            made=found[service.name].created_at,
        )
        for key, service in new.items()
    }
    result.schedules = result.schedules | {
        key: ScheduleResult(
            rule=schedule.rule,
            target_id=schedule.target_id,
            before=aws.events.task_definition(schedule.rule, schedule.target_id),
        )
        for key, schedule in contract.schedules.items()
        if key not in result.schedules
    }


def notice_replaced(run: Run) -> None:
    """Notes which services an apply has made anew: with no task, for Terraform makes them so.

    Only what was named with --allow-destroy can have been. Their count is sent to them again, forward as well as back.

    Raises:
        AwsError: a service is missing.
    """
    known = {key: one for key, one in run.result.services.items() if key in run.contract.services}
    if not known or not run.result.options.get("allow_destroy"):
        return
    found = run.env.aws.ecs.services(run.contract.cluster, [one.name for one in known.values()])
    for one in known.values():
        made = found[one.name].created_at
        one.replaced = one.replaced or (one.made is not None and made is not None and made > one.made)


def _left_behind(run: Run) -> set[str]:
    """The deployments that the last run before this one has started, by the ledger."""
    for entry in run.env.ledger.releases(page=20):
        started = {service.deployment for service in entry.services.values() if service.deployment}
        if started and entry.release != run.result.release:
            return started
    return set()


def refuse_zero(run: Run, last: ReleaseResult | None, *, allowed: bool) -> None:
    """Refuses to release what could not be verified: a service that shall have no task.

    Raises:
        NotReadyError: names the services, and what makes them 0.
    """
    idle = []
    for key, service in run.result.services.items() if not run.resumed else ():
        fresh = _never_rolled_out(run, key, last)
        if fresh and not run.contract.services[key].desired_count:
            idle.append(f"{service.name}: desired_count is 0 in the variable file")
        if not fresh and not service.before.count:
            idle.append(f"{service.name} was scaled to 0")
    if idle and not allowed:
        raise NotReadyError(
            "a release could not be verified, for a service has no task: " + "; ".join(idle),
            "Scale it up first, or use --allow-zero.",
        )


def refuse_incomplete(run: Run, last: ReleaseResult | None) -> None:
    """Refuses to release on top of a record that is not complete: what is released must be known.

    Raises:
        NotReadyError: the ledger and the parameter of Terraform's plans say different versions.
    """
    released = run.result.previous_version
    if last and not run.resumed and released not in (last.version, UNRELEASED):
        raise NotReadyError(
            f"{last.release} has released {last.version}, but {run.env.target.tag_parameter} says {released}",
            "Complete the record with: invoke release --resume, or go back with: invoke rollback",
        )


def applied(run: Run, saved: SavedPlan) -> bool:
    """Whether another process of this release has applied the plan: there is nothing left to approve."""
    return run.resumed and not saved.changed


def apply(run: Run, order: Order, saved: SavedPlan) -> None:
    """Applies the approved plan; the contract with the revisions it registered becomes the run's.

    A plan that went stale, or that ECS refused for the moment, is made again once, and applied only if it would change
    the same.

    Raises:
        ApplyError: Terraform failed, or ECS does not know what it says it registered, or an image was not built.
        NotReadyError: a service that the apply made is not ready to be moved.
        PlanError: the plan made again differs from the one that was approved.
    """
    if applied(run, saved):
        # The apply had ended when the process died, but perhaps not the writing of the outputs.
        run.contract = run.env.contract(_written(run) if targeted.alone(run) else None)
    else:
        with run.effect(f"apply {run.result.version}"):
            outputs = _apply(run, order, saved)
        if targeted.alone(run):
            outputs = _written(run)
        run.contract = run.env.contract(outputs)
    notice_replaced(run)
    _see_registered(run)
    record_before(run)  # with --allow-infra, an apply makes services and schedules, or takes them away


def _apply(run: Run, order: Order, saved: SavedPlan) -> dict[str, Any]:
    terraform, console = run.env.terraform, run.env.console
    try:
        try:
            return terraform.apply(saved, console.detail)
        except TerraformError as error:
            stale = isinstance(error, StalePlanError)
            if not stale and _TOO_MANY_AT_ONCE not in error.message:
                raise
            approved, fingerprint = run.result.changes, run.result.fingerprint
            with targeted.planned(run, run.result.version, alone=targeted.alone(run)) as again:
                builds.judge(run, order, plan.changes(terraform.show(again)))
                # The lines that were shown don't tell: secrets are masked in them, and of the rest they have addresses.
                if stale and run.result.fingerprint != fingerprint:
                    raise PlanError("the state changed while the plan waited, and it differs now") from None
                run.result.changes = approved
                return terraform.apply(again, console.detail)
    except TerraformError as error:
        raise ApplyError(error.message, error.hint) from error


def _written(run: Run) -> dict[str, Any]:
    try:
        return targeted.written(run, run.result.version)
    except TerraformError as error:
        raise ApplyError(error.message, error.hint) from error


def register(run: Run) -> None:
    """Applies the version of a release that is gone back to, whose revisions have been deregistered since.

    Raises:
        PlanError: the plan would change more than task definitions.
        ApplyError: Terraform failed.
    """
    env = run.env
    with targeted.planned(run, run.result.version, alone=targeted.alone(run)) as saved:
        builds.judge(run, Order(), plan.changes(env.terraform.show(saved)))
        apply(run, Order(), saved)


def _see_registered(run: Run) -> None:
    """Looks whether each revision of the contract holds the images that this release is about."""
    for key, service in run.contract.services.items():
        definition = run.env.aws.ecs.task_definition(service.task_definition)
        run.env.console.masks.hide(secrets_of_containers(definition["containerDefinitions"]))
        images = {container["name"]: container["image"] for container in definition["containerDefinitions"]}
        for container, image in service.containers.items():
            if image not in run.result.images:
                raise ApplyError(
                    f"container {container} of {key} wants image {image}, which this release has not built",
                    f"Add {image} to images in invoke.yaml, then release again.",
                )
            wanted = f"{run.result.images[image].repository}:{run.result.version}"
            if images.get(container) != wanted:
                raise ApplyError(
                    f"revision {service.task_definition} of {key} has image {images.get(container)} in container"
                    f" {container}, not {wanted}",
                    "Terraform must take image_tag for it: look at the section on your own Terraform in the README.",
                )


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
    starter = migrate.starter(run.result.application, run.result.release, run.result.started)
    masks = env.console.masks
    migrator = migrate.Migrator(env.aws.ecs, env.aws.logs, env.clock, run.contract.cluster, deadline, masks)
    with run.step("migrate"), env.interrupts.held(), run.effect("migrate", migration.task_definition):
        try:
            run.result.migration = migrator.run(migration, starter, env.console.log_line)
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
    if _never_rolled_out(run, key, last):
        return run.contract.services[key].desired_count
    service = run.result.services[key]
    return service.before.count if service.replaced else None


def differing(run: Run) -> dict[str, list[str]]:
    """What the revisions registered last would change in what ran before, by the key of the service; line by line."""
    ecs, found = run.env.aws.ecs, {}
    for key, service in run.contract.services.items():
        before = run.result.services[key].before.task_definition
        if before != service.task_definition:
            old, new = ecs.task_definition(before), ecs.task_definition(service.task_definition)
            run.env.console.masks.hide(
                secrets_of_containers([*old["containerDefinitions"], *new["containerDefinitions"]])
            )
            found[key] = list(difference.revisions(old, new))
    return {key: lines for key, lines in found.items() if lines}


def to_changed(run: Run, wave: int, last: ReleaseResult, changed: Collection[str]) -> dict[str, Move]:
    """Of the moves of a wave to what is registered last, those of services that change, or that get a count."""
    wanted = to_registered(run, wave, last)
    return {key: move for key, move in wanted.items() if key in changed or move.count is not None}


def _never_rolled_out(run: Run, key: str, last: ReleaseResult | None) -> bool:
    return run.result.previous_version == UNRELEASED or (last is not None and key not in last.services)


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
        rollout.wait(env.aws.ecs, cluster, [run.started[key] for key in moves], env.clock, env.console.service)
    except LongshoreError as error:
        _take_down(run, moves, error)
        raise
    for key in moves:
        run.result.services[key].outcome = "completed"


def _start(run: Run, key: str, move: Move) -> Started:
    _refuse_late(run, f"to move {move.service} in", move.service)
    service = run.result.services[key]

    def mark() -> None:
        # Before the call: should its answer never come, this says what may have taken effect.
        count = service.before.count if move.count is None else move.count
        service.outcome, service.after = "moved", Running(task_definition=move.task_definition, count=count)

    with run.effect(f"update {key}", move.task_definition, mark):
        return rollout.start(run.env.aws.ecs, run.contract.cluster, move, run.left(deadline_of(run, key)))


def _found_again(run: Run, key: str, move: Move) -> Started | None:
    """The deployment that another process of this release has started, if it has."""
    service = run.result.services[key]
    if not run.resumed or service.outcome not in ("moved", "completed", "failed"):
        return None
    before = service.before.task_definition
    deadline = run.left(deadline_of(run, key))
    return rollout.find_again(run.env.aws.ecs, run.contract.cluster, move, before, deadline)


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


def move_schedules(run: Run, revisions: Mapping[str, str], fresh: Collection[str] = ()) -> None:
    """Lets the rules of scheduled tasks start these revisions, by the key of the schedule.

    Args:
        run: the run.
        revisions: what each shall start.
        fresh: those that were never released: their rules are switched on, which Terraform makes switched off.
    """
    if not revisions:
        return
    with run.step("move schedules"):
        for key, task_definition in sorted(revisions.items()):
            schedule = run.result.schedules[key]

            def mark(schedule: ScheduleResult = schedule, after: str = task_definition) -> None:
                schedule.outcome, schedule.after = "moved", after

            with run.effect(f"move schedule {key}", task_definition, mark):
                run.env.aws.events.move(schedule.rule, schedule.target_id, task_definition)
            if key in fresh:
                _switch_on(run, key, schedule)


def _switch_on(run: Run, key: str, schedule: ScheduleResult) -> None:
    def mark() -> None:
        schedule.switched_on = True

    events = run.env.aws.events
    if not events.is_on(schedule.rule):
        with run.effect(f"switch schedule {key} on", schedule.rule, mark):
            events.switch(schedule.rule, on=True)


def fresh_schedules(run: Run, last: ReleaseResult | None) -> set[str]:
    """The keys of the schedules that were never released."""
    return {
        key
        for key in run.contract.schedules
        if run.result.previous_version == UNRELEASED or (last is not None and key not in last.schedules)
    }


def registered_schedules(run: Run) -> dict[str, str]:
    """What the rules shall start: the revisions that Terraform registered last."""
    return {key: schedule.task_definition for key, schedule in run.contract.schedules.items()}


def differing_schedules(run: Run) -> dict[str, list[str]]:
    """What the revisions registered last would change in what the rules start, as `differing`."""
    ecs, found = run.env.aws.ecs, {}
    for key, arn in registered_schedules(run).items():
        before = run.result.schedules[key].before
        if arn != before:
            old, new = ecs.task_definition(before), ecs.task_definition(arn)
            run.env.console.masks.hide(
                secrets_of_containers([*old["containerDefinitions"], *new["containerDefinitions"]])
            )
            found[key] = list(difference.revisions(old, new))
    return {key: lines for key, lines in found.items() if lines}


def changed_schedules(run: Run, fresh: Collection[str]) -> dict[str, str]:
    """Of those, the ones whose content is another one than what the rule starts, and those never released."""
    changed, found = differing_schedules(run), registered_schedules(run)
    return {key: arn for key, arn in found.items() if key in changed or key in fresh}


def recorded_schedules(run: Run, target: ReleaseResult, gone: Collection[str] = frozenset()) -> dict[str, str]:
    """What the rules started after an earlier release; for revisions that are gone, those registered again."""
    found = {key: target.schedules[key].after for key in run.result.schedules if key in target.schedules}
    now = registered_schedules(run)
    return {key: now[key] if after in gone else after for key, after in found.items() if after}


def verify_all(run: Run) -> None:
    """Lets the services bake, looks at revision and digest of every task, and asks the health URLs.

    Raises:
        RolloutError: they did not stay well, or do not run or answer what was released.
    """
    env, services = run.env, run.contract.services
    started = list(run.started.values())
    deadlines = env.target.env.deadlines
    try:
        rollout.keep_watching(
            env.aws.ecs, run.contract.cluster, started, deadlines.bake, env.clock, env.console.service
        )
    except SupersededError as error:
        _take_down(run, {key: one.move for key, one in run.started.items() if one.move.service == error.service}, error)
        raise
    digests = {key: image.digest for key, image in run.result.images.items()}
    moved = {key: after for key, service in run.result.services.items() if (after := service.after)}
    expected = [
        verify.Expectation(
            services[key].name,
            after.task_definition,
            {container: digests[image] for container, image in services[key].containers.items() if image in digests},
            idle=not after.count,
        )
        for key, after in moved.items()
    ]
    verify.tasks(env.aws.ecs, run.contract.cluster, expected, env.clock, deadlines.verify)
    masks = env.console.masks
    asked = verify.urls(run.contract, env.access.base_url, run.result.version, deadlines.verify, env.clock, masks)
    for url in asked:
        env.console.detail(f"{url} answers with {run.result.version}")
    if run.contract.verify and not asked:
        run.warn("no health URL was asked: set base_url of the environment in invoke.yaml")
    if idle := [services[key].name for key, after in moved.items() if not after.count]:
        run.warn(f"not verified (0 tasks): {', '.join(idle)}")


def set_minimums(run: Run) -> None:
    """Sets the counts below which autoscaling shall not go, of services that run.

    Terraform makes scalable targets with 0: AWS would start what is not released yet (docs/decisions.md). A release
    sets those that are 0 still, and leaves alone what a person has set; an apply sets what differs. What could not be
    set leaves the record incomplete: the services run.
    """
    for key, service in run.contract.services.items():
        after = run.result.services[key].after
        if service.min_capacity and after and after.count:
            try:
                _set_minimum(run, key, service.name, service.min_capacity)
            except AwsError as error:
                run.result.cause = Cause.RECORD
                run.warn(
                    f"autoscaling could not be told to keep at least {service.min_capacity} tasks of {service.name}:"
                    f" {error.message} (then: invoke release --resume)"
                )


def other_minimums(run: Run) -> list[str]:
    """What an apply would set of the counts that autoscaling keeps, by what is registered last; one line each."""
    said = []
    for key, service in run.contract.services.items():
        if service.min_capacity and run.result.services[key].before.count:
            try:
                minimum = run.env.aws.scaling.minimum(run.contract.cluster, service.name)
            except AwsError:
                continue  # it is asked for again, and said, when it is set
            if minimum not in (None, service.min_capacity):
                said.append(f"{service.name}: autoscaling keeps at least {minimum} → {service.min_capacity} tasks")
    return said


def _set_minimum(run: Run, key: str, name: str, wanted: int) -> None:
    scaling, cluster = run.env.aws.scaling, run.contract.cluster
    minimum = scaling.minimum(cluster, name)
    if minimum is None:
        raise AwsError("it does not know the service")
    if minimum != wanted and (not minimum or run.result.kind == "apply"):
        with run.effect(f"set the minimum of {key}", str(wanted)):
            scaling.keep(cluster, name, wanted)
        run.env.console.detail(f"{name}: autoscaling keeps at least {wanted} tasks (was {minimum})")


def write_tag(run: Run) -> None:
    """Says to Terraform which tag is released; from here on the release stands, whatever happens."""
    try:
        with run.effect("write the tag", run.result.version):
            run.env.aws.parameters.put(run.env.target.tag_parameter, run.result.version)
    except AwsError as error:
        run.result.cause = Cause.RECORD
        run.warn(f"{run.env.target.tag_parameter} could not be set to {run.result.version}: {error.message}")
