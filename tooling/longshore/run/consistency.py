"""What runs is what was released: asked where something is changed without a release."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from longshore.errors import NotReadyError, UsageError
from longshore.result import ReleaseResult, ScheduleResult, ServiceResult
from longshore.run.run import Run


def take_over(run: Run) -> ReleaseResult:
    """Lets the entry say what the last good release says of what runs: version, commit and images.

    Raises:
        NotReadyError: nothing was released yet.
    """
    last = run.env.ledger.last_good()
    if last is None:
        raise NotReadyError(f"nothing was released to {run.result.environment} yet", "Release: invoke release")
    run.result.version = last.version
    run.result.copy_source_from(last)
    return last


def named(run: Run, services: Collection[str]) -> list[str]:
    """The keys of the services that were named, in order; of all of them if none was.

    Raises:
        UsageError: there is no such service.
    """
    known = sorted(run.contract.services)
    if unknown := sorted(set(services) - set(known)):
        raise UsageError(f"there is no service {', '.join(unknown)}", f"There are: {', '.join(known)}.")
    return [key for key in known if key in services or not services]


def refuse_strayed(run: Run, last: ReleaseResult) -> None:
    """Refuses where parameter, ledger and what runs do not agree: nobody knows then what would be changed.

    Raises:
        NotReadyError: names what does not agree.
    """
    said = [] if run.resumed else [*_of_the_tag(run, last), *strayed(run.result.services, run.result.schedules, last)]
    if said:
        raise NotReadyError(
            f"what runs is not what {last.release} has recorded: {'; '.join(said)}",
            "Look with: invoke drift. Complete a record that lacks the tag: invoke release --resume. Bring the recorded"
            " release back: invoke rollback. Or release anew.",
        )


def strayed(
    services: Mapping[str, ServiceResult], schedules: Mapping[str, ScheduleResult], last: ReleaseResult
) -> Iterator[str]:
    """Which services and scheduled tasks are on another revision than a release has recorded, one line each.

    Args:
        services: with what each of them runs now, as ``before``, by their keys.
        schedules: likewise.
        last: the release.
    """
    for key, service in services.items():
        after = last.services[key].after if key in last.services else None
        if after and after.task_definition != service.before.task_definition:
            yield _other(service.name, service.before.task_definition, after.task_definition)
    for key, schedule in schedules.items():
        recorded = last.schedules[key].after if key in last.schedules else None
        if recorded and recorded != schedule.before:
            yield _other(schedule.rule, schedule.before, recorded)


def complete(run: Run) -> None:
    """Notes what stays as it is: the entry says of every service and scheduled task what it runs."""
    for service in run.result.services.values():
        service.after = service.after or service.before
    for schedule in run.result.schedules.values():
        schedule.after = schedule.after or schedule.before


def _of_the_tag(run: Run, last: ReleaseResult) -> Iterator[str]:
    if run.result.previous_version != last.version:
        yield f"{run.env.target.tag_parameter} says {run.result.previous_version}, not {last.version}"


def _other(name: str, runs: str, recorded: str) -> str:
    return f"{name} runs {runs.rpartition('/')[2]}, not {recorded.rpartition('/')[2]}"
