"""The way back: what moved goes to what ran before, in reverse order, and Terraform registers it again."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from longshore.aws.ecs import Deployment, Service
from longshore.errors import (
    AwsError,
    CrashLoopError,
    InterruptError,
    LockLostError,
    LongshoreError,
    PlanError,
    RolloutError,
    SupersededError,
    UnknownOutcomeError,
)
from longshore.result import ScheduleResult, ServiceResult, Verdict
from longshore.rollout import deployments, verification
from longshore.rollout.deployments import Move, TrackedDeployment
from longshore.rollout.diagnosis import Diagnosis
from longshore.run import autoscaling, plan_scope, snapshot, waves
from longshore.run.run import Run, cause_of
from longshore.terraform import plan
from longshore.terraform.local import Purpose
from longshore.terraform.task_definition_diff import revisions

_MOVED = ("moved", "completed", "failed")

BEGINS_WITHIN = 30.0
"""Seconds in which ECS's own roll-back shows itself after a deployment has FAILED; AWS does not say how many."""


@contextmanager
def undone_on_failure(run: Run) -> Iterator[None]:
    """If the block fails, what moved goes back in reverse order, and Terraform registers the previous tag again.

    An outcome that can't be known is the exception, such as a migration that still runs at its deadline: then nothing
    is touched. At a terminal, whoever interrupts is asked. A mistake of ours is no reason to leave services half way.

    Raises:
        LongshoreError: what the block raised; for a mistake of ours, one that says so.
    """
    try:
        yield
    except (UnknownOutcomeError, LockLostError):
        raise
    except LongshoreError as error:
        _undo(run, error)
        raise
    except Exception as mistake:
        said = as_longshore_error(mistake)
        _undo(run, said)
        raise said from mistake


def _undo(run: Run, error: LongshoreError) -> None:
    if run.result.going_back or run.result.verdict is not Verdict.RUNNING:
        return  # a block inside this one has seen to it
    with run.env.interrupts.held():
        explain(run, error)
        if isinstance(error, InterruptError) and not _wanted_back(run, error):
            return
        go_back(run, error)


def as_longshore_error(mistake: Exception) -> LongshoreError:
    """An error of ours as it is; a mistake in Longshore as one that names the place."""
    if isinstance(mistake, LongshoreError):
        return mistake
    frames = traceback.extract_tb(mistake.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return LongshoreError(
        f"{type(mistake).__name__}: {mistake}{place}",
        "This is a mistake in Longshore: please report it with this message.",
    )


def go_back(run: Run, error: LongshoreError) -> None:
    """Moves back what moved, and registers the previous tag again; the verdict follows from how that goes.

    Args:
        run: the run.
        error: why.
    """
    # Whoever resumes this goes back as well, and says why.
    run.result.going_back, run.result.cause, run.result.message = True, cause_of(error), error.message
    _notice_replaced(run)
    moved = [key for key, one in run.result.services.items() if one.outcome in _MOVED or _is_empty(one)]
    if moved or _has_moved(run):
        _move_back(run, error, sorted(moved, key=lambda key: run.result.services[key].wave, reverse=True))
    _take_tag_back(run)
    if isinstance(error, SupersededError) and run.result.verdict is not Verdict.ROLLBACK_FAILED:
        run.fail(Verdict.SUPERSEDED, error)
    register_again(run, run.result.previous_version)


def _notice_replaced(run: Run) -> None:
    """An apply that failed half way may have made a service anew all the same."""
    try:
        snapshot.notice_replaced(run)
    except AwsError as error:
        run.warn(f"whether a service was made anew, with no task, is not known: {error.message}")


def _is_empty(service: ServiceResult) -> bool:
    """Whether an apply has made it anew, and nothing has given it its tasks again."""
    return service.replaced and service.outcome == "not moved" and service.before.count > 0


def _take_tag_back(run: Run) -> None:
    """Says the earlier tag to Terraform again, where another process of this release had said the new one."""
    parameters, name = run.env.aws.parameters, run.env.target.tag_parameter
    said = run.result.version and run.result.version != run.result.previous_version
    if run.resumed and said and run.env.released_tag() == run.result.version:
        with run.steadfast_step("take the tag back"), run.effect("take the tag back", run.result.previous_version):
            parameters.put(name, run.result.previous_version)


def _has_moved(run: Run) -> bool:
    """Whether anything else has moved, or has moved and is back already."""
    services = {service.outcome for service in run.result.services.values()}
    return "moved back" in services or any(s.outcome != "not moved" for s in run.result.schedules.values())


def register_again(run: Run, tag: str) -> None:
    """Applies an earlier tag, so that the next plan is empty. A failure is a warning: the verdict stays.

    A change of the infrastructure that is not applied yet is left alone. Where another content is registered than what
    runs, it says so: variable files may have changed since.
    """
    env = run.env
    try:
        with run.steadfast_step(f"register {tag} again"):
            try:
                _register(run, tag, alone=plan_scope.only_task_definitions(run))
            except PlanError as error:
                if plan_scope.only_task_definitions(run):
                    raise
                _register_alone(run, tag, error)
                run.warn(f"what is not applied yet was left alone: {error.message}")
            _compare(run)
    except Exception as error:  # noqa: BLE001 - the verdict stays
        run.warn(
            f"Terraform pending: {tag} could not be registered again: {as_longshore_error(error).message}"
            f" (see invoke plan -e {env.target.environment}, then run invoke bootstrap -e {env.target.environment})"
        )


def _register_alone(run: Run, tag: str, why: PlanError) -> None:
    try:
        _register(run, tag, alone=True)
    except PlanError as error:
        # On Terraform Cloud this can't be had: what a person has to mend is what stood in the way before.
        raise PlanError(f"{why.message} (and past that: {error.message})", why.hint) from error


def _register(run: Run, tag: str, *, alone: bool) -> None:
    env = run.env
    with plan_scope.planned(run, tag, alone=alone, purpose=Purpose(back=True)) as saved:
        if not saved.changed:
            return
        found = plan.changes(env.terraform.show(saved))
        env.console.masks.hide(plan.secret_values(found))
        plan.gate(found, plan.Allowed(env.target.app.allow_changes))
        with run.effect(f"apply {tag} again"):
            outputs = env.terraform.apply(saved, env.console.detail)
    run.contract = env.contract(plan_scope.written(run, tag) if alone else outputs)


def _compare(run: Run) -> None:
    """Warns of services whose registered content is not the one that runs."""
    ecs, services = run.env.aws.ecs, run.contract.services
    found = ecs.services(run.contract.cluster, [service.name for service in services.values()])
    differing = []
    for service in services.values():
        running = ecs.task_definition(found[service.name].task_definition)
        registered = ecs.task_definition(service.task_definition)
        if any(revisions(running, registered)):
            differing.append(service.name)
    if differing:
        run.warn(f"configuration registered, not running: {', '.join(differing)} (see invoke status)")


def _wanted_back(run: Run, error: InterruptError) -> bool:
    """Whether what moved shall go back: yes, unless somebody at a terminal says no."""
    moved = [service.name for service in run.result.services.values() if service.outcome in _MOVED]
    if not moved or not run.env.console.prompt.interactive:
        return True
    if not run.env.console.prompt.ask(f"Move back {', '.join(moved)}? [Y/n] ").strip().lower().startswith("n"):
        return True
    run.fail(Verdict.INTERRUPTED, error)
    run.result.hint = "Nothing was moved back, as you wished. To go back later: invoke rollback"
    return False


def explain(run: Run, error: LongshoreError) -> None:
    """Finds out why a service failed, shows it, and keeps it in the entry, before what could tell is gone."""
    run.env.console.failed(error)
    name = getattr(error, "service", "")
    key = next((key for key, service in run.result.services.items() if service.name == name), None)
    if isinstance(error, RolloutError) and not isinstance(error, SupersededError) and key in run.started:
        env = run.env
        diagnosis = Diagnosis(env.aws.ecs, env.aws.logs, run.contract.cluster, env.console.masks)
        answer = getattr(error, "answer", "")
        found = diagnosis.of_service(name, run.started[key].deployment, answer)
        run.result.failures = [*run.result.failures, found]
    for failure in run.result.failures:
        run.env.console.failure(failure)


def _move_back(run: Run, error: LongshoreError, moved: list[str]) -> None:
    """Moves back what can be moved back: one that can't does not keep the others where they are."""
    failed: list[LongshoreError] = []
    theirs: list[SupersededError] = []
    try:
        with run.steadfast_step("roll back"):
            failed += _schedules_back(run)
            theirs, stuck = _services_back(run, moved, error)
            failed += stuck
            if not failed:
                _verify_back(run, moved)
    except LockLostError:
        raise
    except Exception as second:  # noqa: BLE001 - the verdict must be said whatever happens
        failed.append(as_longshore_error(second))
    if failed:
        run.fail(Verdict.ROLLBACK_FAILED, error)
        reasons = "; ".join(second.message for second in failed)
        run.result.hint = f"the roll-back failed: {reasons}. {_what_runs(run)} Go back again with: invoke rollback"
    elif theirs:
        blamed = getattr(error, "service", "")
        run.fail(Verdict.SUPERSEDED, next((one for one in theirs if one.service == blamed), error))
    else:
        run.fail(_verdict(run, error), error)
    if run.result.migration:
        revision = run.result.migration.task_definition.rpartition("/")[2]
        run.warn(f"the migration had run ({revision}): the schema is the new one")


def _services_back(
    run: Run, moved: list[str], error: LongshoreError
) -> tuple[list[SupersededError], list[LongshoreError]]:
    """Moves services back; returns whose place somebody else has taken, and why others are where they are."""
    theirs: list[SupersededError] = []
    failed: list[LongshoreError] = []
    for key in moved:
        try:
            _move_one_back(run, key, error)
        except LockLostError:
            raise
        except SupersededError as second:
            run.result.services[key].outcome = "superseded"
            run.warn(f"{second.message}; theirs is left alone")
            theirs.append(second)
        except Exception as second:  # noqa: BLE001 - one that can't go back does not keep the others where they are
            run.result.services[key].outcome = "not moved back"
            failed.append(as_longshore_error(second))
    return theirs, failed


def _verdict(run: Run, error: LongshoreError) -> Verdict:
    """What a way back without a failure comes to; where every move was refused there was nothing to bring back."""
    if isinstance(error, InterruptError):
        return Verdict.INTERRUPTED
    outcomes = {service.outcome for service in run.result.services.values()}
    went = "moved back" in outcomes or any(s.outcome == "moved back" for s in run.result.schedules.values())
    return Verdict.ROLLED_BACK if went else Verdict.FAILED


def _schedules_back(run: Run) -> list[LongshoreError]:
    """Moves scheduled tasks back, also those with which another process of this release has failed."""
    failed: list[LongshoreError] = []
    for schedule in run.result.schedules.values():
        if schedule.outcome in ("moved", "not moved back"):
            refused = [error for step in (_switch_off, _point_back) if (error := _refusal(step, run, schedule))]
            schedule.outcome = "not moved back" if refused else "moved back"
            failed += refused
    return failed


def _refusal(step: Callable[[Run, ScheduleResult], None], run: Run, schedule: ScheduleResult) -> LongshoreError | None:
    try:
        step(run, schedule)
    except AwsError as error:
        return error
    return None


def _switch_off(run: Run, schedule: ScheduleResult) -> None:
    if not schedule.switched_on:
        return
    events = run.env.aws.events
    try:
        with run.effect(f"switch schedule {schedule.rule} off"):
            events.switch(schedule.rule, on=False)
    except AwsError:
        if events.is_on(schedule.rule):  # what may not be switched on may not be switched off either
            raise


def _point_back(run: Run, schedule: ScheduleResult) -> None:
    with run.effect(f"move schedule {schedule.rule} back", schedule.before):
        run.env.aws.events.move(schedule.rule, schedule.target_id, schedule.before)


def _move_one_back(run: Run, key: str, error: LongshoreError) -> None:
    service, ours = run.result.services[key], run.started.get(key)
    env, cluster = run.env, run.contract.cluster
    # A count goes back only where this release sent one, to a service that had never been rolled out, or that is new.
    sent = service.replaced or (service.after is not None and service.after.count != service.before.count)
    move = Move(service.name, service.before.task_definition, service.before.count if sent else None)
    deadline = waves.deadline_of(run, key)
    if ours is None and not service.replaced and _never_began(run, service, error):
        service.outcome, service.after = "not moved", None
        return
    back = _by_ecs(run, key, ours, move, error) if ours else _begun_before(run, service, move, deadline)
    if move.count == 0:
        autoscaling.clear_minimum(run, key)
    if back is None:
        with run.effect(f"update {key} back", move.task_definition):
            back = deployments.start(env.aws.ecs, cluster, move, deadline)
    run.started[key], service.deployment = back, back.deployment
    deployments.wait(env.aws.ecs, cluster, [back], env.clock, env.console.service)
    service.outcome = "moved back"


def _begun_before(run: Run, service: ServiceResult, move: Move, deadline: float) -> TrackedDeployment | None:
    """The way back that another process of this release, or ECS, has begun."""
    found = run.env.aws.ecs.services(run.contract.cluster, [service.name])[service.name]
    primary = found.primary
    if primary:
        _leave_theirs(run, service, primary, None)
    if not run.resumed or primary is None or primary.task_definition != move.task_definition:
        return None
    if move.count is not None and found.desired != move.count:
        return None
    return TrackedDeployment(move, primary.id, primary.created_at, deadline, by_ecs=True)


def _never_began(run: Run, service: ServiceResult, error: LongshoreError) -> bool:
    """Whether a service whose move was refused, or never answered, is still where it was."""
    refused = isinstance(error, AwsError) and not error.ambiguous
    # What was never answered may show itself a moment later: one read is no proof.
    for _ in run.env.clock.polls(0.0 if refused else deployments.SHOWN_WITHIN, longest=1.0):
        found = run.env.aws.ecs.services(run.contract.cluster, [service.name])[service.name]
        settled = found.primary is not None and found.primary.rollout_state == "COMPLETED"
        if not settled or found.task_definition != service.before.task_definition:
            return False
    return True


def _by_ecs(run: Run, key: str, ours: TrackedDeployment, move: Move, error: LongshoreError) -> TrackedDeployment | None:
    """ECS's own roll-back of our deployment, if there is one: two must not roll back the same service.

    Returns:
        It, as a deployment to wait for; None where ECS does not roll back, so that we must.
    """
    env, cluster, service = run.env, run.contract.cluster, run.result.services[key]
    if isinstance(error, CrashLoopError) and error.service == service.name and move.count is None:
        _stop(run, ours)
    for _ in env.clock.polls(BEGINS_WITHIN, longest=1.0):
        found = env.aws.ecs.services(cluster, [service.name])[service.name]
        primary = found.primary
        if primary and primary.id != ours.deployment and primary.created_at > ours.created_at:
            _leave_theirs(run, service, primary, ours)
            if primary.task_definition != move.task_definition:
                return None
            if move.count is not None:
                # The same revision with another count: no deployment of ours, the roll-back that is under way shrinks.
                with run.effect(f"scale {service.name} back", str(move.count)):
                    env.aws.ecs.update(cluster, service.name, move.task_definition, move.count)
            return TrackedDeployment(move, primary.id, primary.created_at, waves.deadline_of(run, key), by_ecs=True)
        if not _will_roll_back(run, found, ours):
            return None
    return None


def _stop(run: Run, ours: TrackedDeployment) -> None:
    """Stops a deployment whose tasks crash again and again; where ECS refuses, our own roll-back replaces it."""
    try:
        if ours.arn and _status(run, ours) in ("PENDING", "IN_PROGRESS"):
            with run.effect(f"stop {ours.deployment}"):
                run.env.aws.ecs.stop_deployment(ours.arn)
    except AwsError as error:
        run.env.console.detail(f"deployment {ours.deployment} could not be stopped: {error.message}")


def _will_roll_back(run: Run, service: Service, ours: TrackedDeployment) -> bool:
    """Whether ECS is about to roll our deployment back, by what it says of the service deployment."""
    status = _status(run, ours)
    if status in ("STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL"):
        return True
    deployment = service.deployment(ours.deployment)
    failed = deployment is not None and deployment.rollout_state == "FAILED"
    return failed and service.rolls_back and status in ("", "PENDING", "IN_PROGRESS")


def _status(run: Run, ours: TrackedDeployment) -> str:
    """The status of the service deployment that ours is; empty where ECS does not say."""
    known = run.env.aws.ecs.service_deployments([ours.arn]) if ours.arn else {}
    return known[ours.arn].status if ours.arn in known else ""


def _leave_theirs(run: Run, service: ServiceResult, primary: Deployment, ours: TrackedDeployment | None) -> None:
    """Refuses to move a service back that somebody else has moved on.

    ECS's own roll-back is not somebody else's, though it goes to what had completed last: not always what ran before.

    Raises:
        SupersededError: the service works towards neither what ran before nor what this run moved it to.
    """
    ecs, cluster = run.env.aws.ecs, run.contract.cluster
    if service.after is None or primary.task_definition in (
        service.before.task_definition,
        service.after.task_definition,
    ):
        return
    latest = None if ours else ecs.latest_deployments(cluster, [service.name]).get(service.name)
    status = _status(run, ours) if ours else latest.status if latest else ""
    if not status.startswith("ROLLBACK_"):
        raise SupersededError(
            f"{service.name}: somebody else's deployment {primary.id} of {primary.task_definition} took over",
            "Theirs is left alone.",
            service.name,
        )


def _verify_back(run: Run, moved: list[str]) -> None:
    env = run.env
    back = [service for key in moved if (service := run.result.services[key]).outcome == "moved back"]
    expected = [
        verification.Expectation(service.name, service.before.task_definition, {}, idle=not service.before.count)
        for service in back
    ]
    verification.tasks(env.aws.ecs, run.contract.cluster, expected, env.clock, env.target.env.deadlines.verify)


def _what_runs(run: Run) -> str:
    """What each service is on now, for the operator who has to go on."""
    try:
        names = [service.name for service in run.result.services.values()]
        found = run.env.aws.ecs.services(run.contract.cluster, names)
    except AwsError as error:
        return f"What runs could not be read: {error.message}."
    return " ".join(f"{s.name} is on {s.task_definition.rpartition('/')[2]}." for s in found.values())
