"""Whether a release is the first one of a service or scheduled task, and whether another tool has run it before."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from longshore.aws.ecs import Ecs
from longshore.aws.eventbridge import Events
from longshore.config.contract import UNRELEASED
from longshore.result import ReleaseResult, ServiceResult, Standing
from longshore.run.run import Run


def record(run: Run, ecs: Ecs, events: Events, last: ReleaseResult | None) -> None:
    """Records the standing of each service and scheduled task that has none yet; a warning names those that stay.

    A ledger can be empty or lost, so it alone never makes a service new: a new one has no tasks, and is on the revision
    that Terraform created it with. The same holds for a rule, which must be disabled.

    Args:
        run: the run, with its snapshot.
        ecs: the services.
        events: the rules of the scheduled tasks.
        last: the last good release before this run.

    Raises:
        AwsError: a service, a rule or a revision could not be read.
    """
    released = last if run.result.previous_version != UNRELEASED else None
    _record_services(run, ecs, released.services if released else ())
    _record_schedules(run, ecs, events, released.schedules if released else ())


def _record_services(run: Run, ecs: Ecs, released: Collection[str]) -> None:
    missing = {key: service for key, service in run.result.services.items() if service.standing is None}
    unknown = {key: service for key, service in missing.items() if key not in released}
    names = [service.name for service in unknown.values()]
    live = ecs.services(run.contract.cluster, names) if names else {}
    for key, service in missing.items():
        if key in released:
            service.standing = "released"
        elif service.before.count or live[service.name].running or live[service.name].pending:
            service.standing = "adopted"
        else:
            service.standing = _by_revision(run, ecs, service.before.task_definition)
        if service.standing == "adopted":
            _warn_of_count(run, key, service)


def _warn_of_count(run: Run, key: str, service: ServiceResult) -> None:
    declared, count = run.contract.services[key], service.before.count
    if count and count != declared.desired_count and not declared.autoscaled:
        run.warn(
            f"{service.name} was running before its first release: it keeps its count of {count}; desired_count is"
            f" {declared.desired_count} (to change it: invoke scale)"
        )


def _record_schedules(run: Run, ecs: Ecs, events: Events, released: Collection[str]) -> None:
    for key, schedule in run.result.schedules.items():
        if schedule.standing is not None:
            continue
        if key in released:
            schedule.standing = "released"
        elif events.is_on(schedule.rule):
            schedule.standing = "adopted"
        else:
            schedule.standing = _by_revision(run, ecs, schedule.before)
            if schedule.standing == "adopted":
                run.warn(
                    f"{schedule.rule} had been disabled before its first release: it stays disabled"
                    f" (to enable it: aws events enable-rule --name {schedule.rule})"
                )


def _by_revision(run: Run, ecs: Ecs, arn: str) -> Standing:
    """New if the revision can only come from our Terraform: by its tag, or because a run in the ledger built it."""
    containers = ecs.task_definition(arn)["containerDefinitions"]
    images = {container["image"] for container in containers}
    unreleased = any(image.endswith(f":{UNRELEASED}") for image in images)
    return "new" if unreleased or images & set(_images_in_ledger(run)) else "adopted"


def _images_in_ledger(run: Run) -> Iterator[str]:
    for entry in islice(run.ledger.releases(page=20), 20):
        yield from (f"{image.repository}:{entry.version}" for image in entry.images.values())
