"""Scheduled tasks: what their rules start, and whether they are switched on."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from longshore.result import ReleaseResult, ScheduleResult
from longshore.run import snapshot
from longshore.run.run import Run


def move(run: Run, revisions: Mapping[str, str], fresh: Collection[str] = ()) -> None:
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


def fresh(run: Run, last: ReleaseResult | None) -> set[str]:
    """The keys of the schedules that were never released."""
    return {key for key in run.contract.schedules if snapshot.is_new(run, key, last.schedules if last else None)}


def registered(run: Run) -> dict[str, str]:
    """What the rules shall start: the revisions that Terraform registered last."""
    return {key: schedule.task_definition for key, schedule in run.contract.schedules.items()}


def differing(run: Run) -> dict[str, list[str]]:
    """What the revisions registered last would change in what the rules start, line by line."""
    before = {key: run.result.schedules[key].before for key in run.contract.schedules}
    return snapshot.differing_revisions(run.env, {key: (before[key], arn) for key, arn in registered(run).items()})


def changed(run: Run, fresh: Collection[str]) -> dict[str, str]:
    """Of those, the ones whose content is another one than what the rule starts, and those never released."""
    other = differing(run)
    return {key: arn for key, arn in registered(run).items() if key in other or key in fresh}


def recorded(run: Run, target: ReleaseResult, gone: Collection[str] = frozenset()) -> dict[str, str]:
    """What the rules started after an earlier release; for revisions that are gone, those registered again."""
    found = {key: target.schedules[key].after for key in run.result.schedules if key in target.schedules}
    for key in sorted(run.result.schedules.keys() - found.keys()):
        run.warn(f"{run.result.schedules[key].rule} was not part of {target.version}: it stays as it is")
    now = registered(run)
    return {key: now[key] if after in gone else after for key, after in found.items() if after}
