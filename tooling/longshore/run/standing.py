"""Whether a release is the first one of a service or scheduled task, and whether another tool has run it before."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from longshore.aws.ecs import Ecs
from longshore.aws.eventbridge import Events
from longshore.config.contract import UNRELEASED
from longshore.ledger.releases import SKEW
from longshore.result import ReleaseResult, ScheduleResult, ServiceResult, Standing
from longshore.run.run import Run


def record(run: Run, ecs: Ecs, events: Events, last: ReleaseResult | None) -> None:
    """Records the standing of each service and scheduled task that has none yet; a warning names those that stay.

    A ledger can be empty or lost, so it alone never makes a service new: a new one has no tasks, and is on the revision
    that Terraform created it with, or was created by the apply of this run. The same holds for a rule, which must be
    disabled.

    Args:
        run: the run, with its snapshot.
        ecs: the services.
        events: the rules of the scheduled tasks.
        last: the last good release before this run.

    Raises:
        AwsError: a service, a rule or a revision could not be read.
    """
    # Also in a resumed run: the entry has the standings from before its apply.
    services, schedules = run.result.services.values(), run.result.schedules.values()
    applied = any(service.standing for service in services) or any(schedule.standing for schedule in schedules)
    evidence = _Evidence(run, ecs)
    _record_services(run, ecs, last, evidence, applied=applied)
    _record_schedules(run, events, last, evidence, applied=applied)


def service_of(last: ReleaseResult | None, name: str) -> ServiceResult | None:
    """The record of a service in a release, by its name: its key in the contract may have changed."""
    return next((service for service in last.services.values() if service.name == name), None) if last else None


def schedule_of(last: ReleaseResult | None, rule: str) -> ScheduleResult | None:
    """The record of a scheduled task in a release, by the name of its rule."""
    return next((schedule for schedule in last.schedules.values() if schedule.rule == rule), None) if last else None


def _is_released(run: Run, running: str, recorded: str | None) -> bool:
    """Whether a service or rule of the last good release is still the one that was released.

    Without a tag, the parameter was not written, or the environment was destroyed and created again; only the first
    leaves the recorded revision running.
    """
    return run.result.previous_version != UNRELEASED or recorded == running


def _record_services(run: Run, ecs: Ecs, last: ReleaseResult | None, evidence: _Evidence, *, applied: bool) -> None:
    missing = {key: service for key, service in run.result.services.items() if service.standing is None}
    for service in missing.values():
        before = service_of(last, service.name)
        recorded = before.after.task_definition if before and before.after else None
        if before and _is_released(run, service.before.task_definition, recorded):
            service.standing = "released"
    unknown = {key: service for key, service in missing.items() if service.standing is None}
    names = [service.name for service in unknown.values()]
    live = ecs.services(run.contract.cluster, names) if names else {}
    for key, service in unknown.items():
        if service.before.count or live[service.name].running or live[service.name].pending:
            service.standing = "adopted"
        elif applied and service.made and service.made >= run.result.started - SKEW:
            service.standing = "new"
        else:
            service.standing = _standing_by_revision(run, key, last, evidence)
        if service.standing == "adopted":
            _warn_of_count(run, key, service)


def _warn_of_count(run: Run, key: str, service: ServiceResult) -> None:
    declared, count = run.contract.services[key], service.before.count
    if count and count != declared.desired_count and not declared.autoscaled:
        run.warn(
            f"{service.name} was running before its first release: it keeps its count of {count}; desired_count is"
            f" {declared.desired_count} (to change it: invoke scale)"
        )


def _record_schedules(
    run: Run, events: Events, last: ReleaseResult | None, evidence: _Evidence, *, applied: bool
) -> None:
    for schedule in run.result.schedules.values():
        if schedule.standing is not None:
            continue
        before = schedule_of(last, schedule.rule)
        if before and _is_released(run, schedule.before, before.after):
            schedule.standing = "released"
        elif events.is_on(schedule.rule):
            schedule.standing = "adopted"
        elif applied or evidence.is_ours(schedule.before):
            schedule.standing = "new"
        else:
            schedule.standing = "adopted"
            run.warn(
                f"{schedule.rule} had been disabled before its first release: it stays disabled"
                f" (to enable it: aws events enable-rule --name {schedule.rule})"
            )


def _standing_by_revision(run: Run, key: str, last: ReleaseResult | None, evidence: _Evidence) -> Standing:
    """New if the revision of a service without tasks can only come from our Terraform."""
    declared, running = run.contract.services[key], run.result.services[key].before.task_definition
    if declared.containers:
        return "new" if evidence.is_ours(running) else "adopted"
    # Its images are foreign and tell nothing. A tag without a release: the ledger was lost.
    lost = run.result.previous_version != UNRELEASED and last is None
    return "new" if running == declared.task_definition and not lost else "adopted"


@dataclass(frozen=True)
class _Evidence:
    """The revisions, and the images of recorded runs, by which the standing of a run's parts is decided."""

    run: Run
    ecs: Ecs

    def is_ours(self, arn: str) -> bool:
        """Whether only our Terraform can have registered a revision: by its tag, or because a recorded run built it."""
        images = {container["image"] for container in self.ecs.task_definition(arn)["containerDefinitions"]}
        return any(image.endswith(f":{UNRELEASED}") for image in images) or bool(images & self._recorded)

    @cached_property
    def _recorded(self) -> set[str]:
        """The images in the newest entries of the ledger, which are read once for all services and rules."""
        recent = self.run.ledger.recent()
        return {f"{image.repository}:{entry.version}" for entry in recent for image in entry.images.values()}
