"""Scheduled tasks: the revisions that their EventBridge rules start, and whether the rules are enabled."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from longshore.aws.ecs import Ecs
from longshore.aws.eventbridge import Events
from longshore.result import ReleaseResult, ScheduleResult
from longshore.run import snapshot
from longshore.run.recorder import Recorder
from longshore.run.run import Run


def update(recorder: Recorder, events: Events, revisions: Mapping[str, str]) -> None:
    """Points the rules of scheduled tasks at these revisions, and enables those of new ones.

    Terraform creates a rule disabled. One that another tool or an operator has disabled stays so.

    Args:
        recorder: of the run.
        events: EventBridge.
        revisions: the ARNs, by the key of the scheduled task.
    """
    if not revisions:
        return
    with recorder.step("update scheduled tasks"):
        for key, task_definition in sorted(revisions.items()):
            schedule = recorder.result.schedules[key]

            def mark(schedule: ScheduleResult = schedule, after: str = task_definition) -> None:
                schedule.outcome, schedule.after = "moved", after

            with recorder.effect(f"update schedule {key}", task_definition, mark):
                events.move(schedule.rule, schedule.target_id, task_definition)
            if schedule.standing == "new":
                _enable(recorder, events, key, schedule)


def _enable(recorder: Recorder, events: Events, key: str, schedule: ScheduleResult) -> None:
    def mark() -> None:
        schedule.switched_on = True

    if not events.is_on(schedule.rule):
        with recorder.effect(f"enable schedule {key}", schedule.rule, mark):
            events.switch(schedule.rule, on=True)


def new(result: ReleaseResult) -> set[str]:
    """The keys of the scheduled tasks whose rules Terraform has created disabled, and no release has enabled yet."""
    return {key for key, schedule in result.schedules.items() if schedule.standing == "new"}


def registered(run: Run) -> dict[str, str]:
    """The revisions that Terraform registered last, by the key of the scheduled task."""
    return {key: schedule.task_definition for key, schedule in run.contract.schedules.items()}


def differing(run: Run, ecs: Ecs) -> dict[str, list[str]]:
    """The differences between the revisions registered last and those that the rules start, line by line."""
    before = {key: run.result.schedules[key].before for key in run.contract.schedules}
    pairs = {key: (before[key], arn) for key, arn in registered(run).items()}
    return snapshot.differing_revisions(ecs, run.console.masks, pairs)


def changed(run: Run, ecs: Ecs) -> dict[str, str]:
    """The registered revisions whose content differs from the one that their rule starts, and new ones."""
    keys = differing(run, ecs).keys() | new(run.result)
    return {key: arn for key, arn in registered(run).items() if key in keys}


def recorded(run: Run, target: ReleaseResult, inactive: Collection[str] = frozenset()) -> dict[str, str]:
    """The revisions that the rules started after an earlier release; for inactive ones, those registered again."""
    revisions = {key: target.schedules[key].after for key in run.result.schedules if key in target.schedules}
    for key in sorted(run.result.schedules.keys() - revisions.keys()):
        run.warn(f"{run.result.schedules[key].rule} was not part of {target.version}: it stays as it is")
    current = registered(run)
    return {key: current[key] if arn in inactive else arn for key, arn in revisions.items() if arn}
