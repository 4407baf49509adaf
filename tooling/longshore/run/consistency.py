"""Guards of a run: the parameter, the ledger and the running revisions must agree."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from longshore.config.contract import UNRELEASED
from longshore.errors import NotReadyError, UsageError
from longshore.result import ReleaseResult, ScheduleResult, ServiceResult
from longshore.run import standing
from longshore.run.run import Run


def take_over(run: Run) -> ReleaseResult:
    """Copies version, commit and images of the last good release into the entry of a run that releases nothing new.

    Raises:
        NotReadyError: nothing was released yet.
    """
    last = run.ledger.last_good()
    if last is None:
        raise NotReadyError(f"nothing was released to {run.result.environment} yet", "Release: invoke release")
    run.result.version = last.version
    run.result.copy_source_from(last)
    return last


def named_services(run: Run, names: Collection[str]) -> list[str]:
    """The keys of the services that the operator named, in order; all services if none was named.

    Raises:
        UsageError: there is no such service.
    """
    keys = sorted(run.contract.services)
    if unknown := sorted(set(names) - set(keys)):
        raise UsageError(f"there is no service {', '.join(unknown)}", f"The services are: {', '.join(keys)}.")
    return [key for key in keys if key in names or not names]


def refuse_zero(run: Run, last: ReleaseResult | None, *, allowed: bool) -> None:
    """Refuses a release that could not be verified because a service has no tasks.

    Args:
        run: the run.
        last: the last good release; without one, there is nothing that `take_over` lets an operator scale.
        allowed: whether the operator allows it.

    Raises:
        NotReadyError: names the services, and the reason why each has no tasks.
    """
    if run.resumed or allowed:
        return
    idle = []
    for key, service in run.result.services.items():
        new = service.standing == "new"
        if new and not run.contract.services[key].desired_count:
            idle.append(f"{service.name}: desired_count is 0 in the variable file")
        if not new and not service.before.count:
            idle.append(f"{service.name} was scaled to 0")
    if idle:
        raise NotReadyError(
            f"the release could not be verified, because a service has no tasks: {'; '.join(idle)}",
            "Scale it up first (invoke scale), or use --allow-zero."
            if last
            else "Use --allow-zero for the first release. Then scale it up: invoke scale",
        )


def refuse_incomplete(run: Run, last: ReleaseResult | None, parameter: str) -> None:
    """Refuses to release on top of an incomplete record.

    Args:
        run: the run.
        last: the last good release.
        parameter: the name of the SSM parameter that holds the released tag.

    Raises:
        NotReadyError: the ledger and the parameter hold different versions.
    """
    released = run.result.previous_version
    if last and not run.resumed and released not in (last.version, UNRELEASED):
        raise NotReadyError(
            f"the ledger records {last.version} as released ({last.release}), but {parameter} holds {released}",
            "Complete the record: invoke release --resume. Or roll back: invoke rollback",
        )


def refuse_strayed(run: Run, last: ReleaseResult, parameter: str) -> None:
    """Refuses if the parameter, the ledger and the running revisions disagree: the change would be unpredictable.

    Raises:
        NotReadyError: names the differences.
    """
    if run.resumed:
        return
    differences = [*_strayed_tag(run, last, parameter), *strayed(run.result.services, run.result.schedules, last)]
    if differences:
        raise NotReadyError(
            f"the running revisions differ from those recorded by {last.release}: {'; '.join(differences)}",
            "See the differences: invoke drift. If only the tag is missing: invoke release --resume. To return to the"
            " recorded release: invoke rollback. To release again: invoke release",
        )


def strayed(
    services: Mapping[str, ServiceResult], schedules: Mapping[str, ScheduleResult], last: ReleaseResult
) -> Iterator[str]:
    """The services and scheduled tasks on a revision other than the recorded one, one line each.

    Args:
        services: the records of the services, with their running revision as ``before``, by key.
        schedules: the records of the scheduled tasks, by key.
        last: the release that recorded their revisions.
    """
    for service in services.values():
        recorded = standing.service_of(last, service.name)
        after = recorded.after if recorded else None
        if after and after.task_definition != service.before.task_definition:
            yield _difference(service.name, service.before.task_definition, after.task_definition)
    for schedule in schedules.values():
        known = standing.schedule_of(last, schedule.rule)
        if known and known.after and known.after != schedule.before:
            yield _difference(schedule.rule, schedule.before, known.after)


def record_unchanged(result: ReleaseResult) -> None:
    """Records the revision of every service and scheduled task that the run left as it was."""
    for service in result.services.values():
        service.after = service.after or service.before
    for schedule in result.schedules.values():
        schedule.after = schedule.after or schedule.before


def _strayed_tag(run: Run, last: ReleaseResult, parameter: str) -> Iterator[str]:
    if run.result.previous_version != last.version:
        yield f"{parameter} holds {run.result.previous_version}, not {last.version}"


def _difference(name: str, running: str, recorded: str) -> str:
    return f"{name} runs {running.rpartition('/')[2]}, not {recorded.rpartition('/')[2]}"
