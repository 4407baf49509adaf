"""The rollback of a run: services and scheduled tasks return to their previous revisions, in reverse order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from longshore.aws.eventbridge import Events
from longshore.environment.environment import Environment
from longshore.errors import (
    AwsError,
    InterruptError,
    LockLostError,
    LongshoreError,
    SupersededError,
    UnknownOutcomeError,
    VerifyError,
)
from longshore.result import ReleaseResult, ScheduleResult, ServiceResult
from longshore.rollout.tracking import Move
from longshore.run import (
    autoscaling,
    baselines,
    ecs_rollback,
    released_tag,
    reregister,
    rollback_verification,
    snapshot,
)
from longshore.run.deployer import Deployer
from longshore.run.failures import explain, explain_silence
from longshore.run.recorder import Recorder
from longshore.run.run import Run
from longshore.run.waves import restored_first
from longshore.terminal.bugs import as_longshore_error
from longshore.verdict import Verdict

_MOVED = ("moved", "completed", "failed", "not moved back")
"""The outcomes of services to roll back; the last is that of an earlier process of this run, whose rollback failed."""


@contextmanager
def undone_on_failure(run: Run, env: Environment) -> Iterator[None]:
    """If the block fails, rolls back what it changed, and registers the previous tag again.

    Nothing is touched if the outcome is unknown, such as that of a migration still running at its deadline. At a
    terminal, an operator who interrupts is asked. A bug in Longshore is rolled back, too.

    Raises:
        LongshoreError: the error of the block; for a bug, one that reports it.
    """
    try:
        yield
    except (UnknownOutcomeError, LockLostError):
        raise
    except LongshoreError as error:
        _undo(run, env, error)
        raise
    except Exception as bug:
        reported = as_longshore_error(bug)
        _undo(run, env, reported)
        raise reported from bug


def roll_back(run: Run, env: Environment, error: LongshoreError) -> None:
    """Rolls back what the run has changed, and registers the previous tag again; the facts decide the verdict.

    Args:
        run: the run.
        env: its environment.
        error: the error that caused it.
    """
    # A process that resumes this run rolls back as well, with the same cause.
    run.result.going_back = True
    run.conclude(error, rolling_back=True)
    _notice_replaced(run, env)
    moved = [key for key, service in run.result.services.items() if service.outcome in _MOVED or _is_empty(service)]
    if moved or _has_moved(run.result):
        _roll_back_changes(run, env, error, restored_first(run.result, moved))
    _restore_tag(run, env)
    if isinstance(error, SupersededError) and run.result.verdict is not Verdict.ROLLBACK_FAILED:
        run.conclude(error)
    reregister.register_again(run, env, run.result.previous_version)


def _undo(run: Run, env: Environment, error: LongshoreError) -> None:
    if run.result.going_back or run.result.verdict is not Verdict.RUNNING:
        return  # an inner block has rolled back already
    with run.hold_signals():
        explain(run, env, error)
        if isinstance(error, InterruptError) and not _wants_rollback(run, error):
            return
        roll_back(run, env, error)


def _wants_rollback(run: Run, error: InterruptError) -> bool:
    """Whether to roll back after a signal: yes, unless the operator at a terminal declines."""
    moved = [service.name for service in run.result.services.values() if service.outcome in _MOVED]
    if not moved or not run.console.prompt.interactive:
        return True
    if not run.console.prompt.ask(f"Roll back {', '.join(moved)}? [Y/n] ").strip().lower().startswith("n"):
        return True
    run.conclude(error)
    run.result.hint = "Nothing was rolled back, as requested. To roll back later: invoke rollback"
    return False


def _notice_replaced(run: Run, env: Environment) -> None:
    """An apply that failed half way may have replaced a service all the same."""
    try:
        snapshot.notice_replaced(run, env.aws.ecs)
    except AwsError as error:
        run.warn(f"cannot determine whether the apply replaced a service: {error.message}")


def _is_empty(service: ServiceResult) -> bool:
    """Whether an apply has replaced a service, so that it has no tasks."""
    return service.replaced and service.outcome == "not moved" and service.before.count > 0


def _has_moved(result: ReleaseResult) -> bool:
    """Whether anything else was changed, or was rolled back already by an earlier process."""
    return "moved back" in result.facts.services or any(o != "not moved" for o in result.facts.schedules)


def _restore_tag(run: Run, env: Environment) -> None:
    written = run.result.version and run.result.version != run.result.previous_version
    if run.resumed and written:
        released_tag.restore(run, env.aws.parameters, env.target.tag_parameter, env.released_tag())


@dataclass
class _Problems:
    """The reasons why parts of a rollback did not end as they should."""

    failed: list[LongshoreError] = field(default_factory=list)
    superseded: list[SupersededError] = field(default_factory=list)


def _roll_back_changes(run: Run, env: Environment, error: LongshoreError, keys: list[str]) -> None:
    """Rolls back services and scheduled tasks; after a failure, the others are still rolled back."""
    problems = _Problems()
    try:
        with run.steadfast_step("roll back"):
            problems.failed += _roll_back_schedules(run, env.aws.events)
            _roll_back_services(run, env, keys, error, problems)
            if not problems.failed:
                rollback_verification.verify(run, env, keys)
    except LockLostError:
        raise
    except VerifyError as second:
        if second.answer:
            explain_silence(run, env, second)
        problems.failed.append(second)
    except Exception as second:  # noqa: BLE001 - there must be a verdict
        problems.failed.append(as_longshore_error(second))
    run.record_facts(rolled_back=True, stuck=bool(problems.failed), overtaken=bool(problems.superseded))
    run.conclude(_error_to_report(error, problems))
    if problems.failed:
        reasons = "; ".join(second.message for second in problems.failed)
        next_step = _next_step(problems.failed)
        run.result.hint = f"the rollback failed: {reasons}. {_describe_services(run, env)} {next_step}"
    if run.result.migration:
        revision = run.result.migration.task_definition.rpartition("/")[2]
        run.warn(f"the migration had run ({revision}) and was not undone: the schema is the new one")


def _error_to_report(error: LongshoreError, problems: _Problems) -> LongshoreError:
    """The error that the record names: that of the service to blame, if another deployment has replaced it since."""
    blamed = getattr(error, "service", "")
    if problems.failed:
        return error
    return next((second for second in problems.superseded if second.service == blamed), error)


def _roll_back_services(
    run: Run, env: Environment, keys: list[str], error: LongshoreError, problems: _Problems
) -> None:
    for key in keys:
        service = run.result.services[key]
        try:
            _roll_back_service(run, env, key, error)
        except LockLostError:
            raise
        except SupersededError as second:
            service.outcome = "superseded"
            run.warn(f"{second.message}; it was left untouched")
            problems.superseded.append(second)
        except Exception as second:  # noqa: BLE001 - one failure does not keep the others where they are
            service.outcome = "not moved back"
            problems.failed.append(as_longshore_error(second))


def _roll_back_service(run: Run, env: Environment, key: str, error: LongshoreError) -> None:
    service, deployer = run.result.services[key], Deployer.of(env)
    # A count is restored only if this run has sent one: to a service never rolled out before, or a replaced one.
    sent = service.replaced or (service.after is not None and service.after.count != service.before.count)
    move = Move(service.name, service.before.task_definition, service.before.count if sent else None)
    deadline = deployer.deadline_of(run, key, move)
    tracked = run.tracked.get(key) or ecs_rollback.left_with_hooks(run, deployer, service, deadline)
    if tracked is None and not service.replaced and ecs_rollback.never_started(run, deployer, service, error):
        service.outcome, service.after = "not moved", None
        return
    if tracked:
        rollback = ecs_rollback.find(run, deployer, key, tracked, move, error)
    else:
        rollback = ecs_rollback.find_earlier(run, deployer, service, move, deadline)
    if move.count == 0:
        autoscaling.clear_minimum(run, env.aws.scaling, key)
    if rollback is None:
        baseline = baselines.before_rollback(service, tracked, resumed=run.resumed)
        with run.effect(f"update {key} back", move.task_definition):
            rollback = deployer.start(run, move, deadline, baseline)
    run.tracked[key], service.deployment = rollback, rollback.deployment
    deployer.wait(run, [rollback])
    service.outcome = "moved back"


def _roll_back_schedules(recorder: Recorder, events: Events) -> list[LongshoreError]:
    """Rolls back scheduled tasks, those included that an earlier process of this run could not."""
    failed: list[LongshoreError] = []
    for schedule in recorder.result.schedules.values():
        if schedule.outcome in ("moved", "not moved back"):
            steps = (_disable, _restore_target)
            refused = [error for step in steps if (error := _refusal(step, recorder, events, schedule))]
            schedule.outcome = "not moved back" if refused else "moved back"
            failed += refused
    return failed


def _refusal(
    step: Callable[[Recorder, Events, ScheduleResult], None],
    recorder: Recorder,
    events: Events,
    schedule: ScheduleResult,
) -> LongshoreError | None:
    try:
        step(recorder, events, schedule)
    except AwsError as error:
        return error
    return None


def _disable(recorder: Recorder, events: Events, schedule: ScheduleResult) -> None:
    if not schedule.switched_on:
        return
    try:
        with recorder.effect(f"disable schedule {schedule.rule}"):
            events.switch(schedule.rule, on=False)
    except AwsError:
        if events.is_on(schedule.rule):  # a caller who may not enable a rule may not disable it either
            raise


def _restore_target(recorder: Recorder, events: Events, schedule: ScheduleResult) -> None:
    with recorder.effect(f"update schedule {schedule.rule} back", schedule.before):
        events.move(schedule.rule, schedule.target_id, schedule.before)


def _next_step(failed: list[LongshoreError]) -> str:
    """What to run after a rollback that failed: it cannot be repeated if only a health URL does not answer."""
    first = failed[0]
    if isinstance(first, VerifyError) and first.answer:
        return f"{first.hint} Then release a fix (invoke release), or an earlier version (invoke rollback --to VERSION)"
    return "Try again: invoke rollback"


def _describe_services(run: Run, env: Environment) -> str:
    """The revision of each service, for the operator who has to continue."""
    try:
        names = [service.name for service in run.result.services.values()]
        services = env.aws.ecs.services(run.contract.cluster, names)
    except AwsError as error:
        return f"The running revisions could not be read: {error.message}."
    return " ".join(f"{s.name} is on {s.task_definition.rpartition('/')[2]}." for s in services.values())
