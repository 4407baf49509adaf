"""The snapshot of an environment before a run changes it: a rollback returns to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from longshore.aws.ecs import Ecs
from longshore.aws.ecs_types import Service
from longshore.aws.eventbridge import Events
from longshore.config.contract import Contract
from longshore.config.contract import Service as ContractService
from longshore.errors import NotReadyError
from longshore.ledger.releases import Ledger
from longshore.masking import Masks, secrets_of_containers
from longshore.result import ReleaseResult, Running, ScheduleResult, ServiceResult
from longshore.rollout.in_flight import refuse_in_flight
from longshore.run import standing
from longshore.run.run import Run
from longshore.run.service_checks import refuse_unsupported
from longshore.terraform import task_definition_diff


def take(run: Run, ecs: Ecs, events: Events, *, repairing: bool = False) -> None:
    """Records the revision of every service and scheduled task, before the first is changed.

    An existing entry stays as it is: an earlier process of this run made it before it changed the first service. The
    entries of services that an apply has removed are dropped: they cannot be rolled back, and if they are created again
    they count as never rolled out.

    Args:
        run: the run.
        ecs: the services.
        events: the rules of the scheduled tasks.
        repairing: accept a deployment that has failed for good, or that an earlier run left behind, because this run
            replaces it with a good release.

    Raises:
        AwsError: a service or a rule is missing.
        NotReadyError: another deployment is in flight, a service was deleted, or Longshore does not support one.
    """
    contract, result = run.contract, run.result
    result.services = {key: service for key, service in result.services.items() if key in contract.services}
    result.schedules = {key: schedule for key, schedule in result.schedules.items() if key in contract.schedules}
    unrecorded = {key: service for key, service in contract.services.items() if key not in result.services}
    names = [service.name for service in unrecorded.values()]
    services = ecs.services(contract.cluster, names)
    if deleted := [f"{s.name} is {s.status}" for s in services.values() if s.status != "ACTIVE"]:
        raise NotReadyError(f"a service was deleted: {'; '.join(deleted)}", "Create it again: invoke bootstrap")
    refuse_unsupported(services.values(), new_release=result.kind not in ("rollback", "scale"))
    latest = ecs.latest_deployments(contract.cluster, names)
    ours = _deployments_left_behind(run.ledger, result.release) if repairing else set()
    refuse_in_flight(services, latest, repairing=repairing, ours=ours)
    result.services |= {key: service_before(service, services[service.name]) for key, service in unrecorded.items()}
    result.schedules |= schedules_before(events, contract, contract.schedules.keys() - result.schedules.keys())


def service_before(declared: ContractService, service: Service) -> ServiceResult:
    """The record of a service that has not been changed yet."""
    return ServiceResult(
        name=declared.name,
        wave=declared.wave,
        before=Running(task_definition=service.task_definition, count=service.desired),
        made=service.created_at,
        looked=service.primary.id if service.primary else None,
    )


def schedules_before(events: Events, contract: Contract, keys: Collection[str]) -> dict[str, ScheduleResult]:
    """The records of scheduled tasks that have not been changed yet, by key.

    Raises:
        AwsError: a rule is missing.
    """
    return {
        key: ScheduleResult(
            rule=schedule.rule,
            target_id=schedule.target_id,
            before=events.task_definition(schedule.rule, schedule.target_id),
        )
        for key, schedule in contract.schedules.items()
        if key in keys
    }


def notice_replaced(run: Run, ecs: Ecs) -> None:
    """Records the services that an apply has created again, and the deployments that it has started.

    Only with --allow-destroy can it create a service again, with a count of 0; the count is sent to it once more, in a
    release and in a rollback. Only with --allow-infra can it start a deployment, by changing a service's network.

    Raises:
        AwsError: a service is missing.
    """
    records = {key: record for key, record in run.result.services.items() if key in run.contract.services}
    if not records or not (run.result.options.get("allow_destroy") or run.result.options.get("allow_infra")):
        return
    services = ecs.services(run.contract.cluster, [record.name for record in records.values()])
    for record in records.values():
        service = services[record.name]
        created, primary = service.created_at, service.primary
        newer = record.made is not None and created is not None and created > record.made
        record.replaced = record.replaced or newer
        if primary and record.outcome == "not moved" and primary.task_definition == record.before.task_definition:
            record.looked = primary.id


def leave_out_new(result: ReleaseResult, last: ReleaseResult | None) -> None:
    """Drops the records of services that no release has rolled out yet: with one, the next release would skip them.

    Args:
        result: the entry of a run that rolls out nothing new.
        last: the last good release before it.
    """
    result.services = {
        key: service
        for key, service in result.services.items()
        if service.after or service.before.count or standing.service_of(last, service.name)
    }
    result.schedules = {
        key: schedule
        for key, schedule in result.schedules.items()
        if schedule.after or standing.schedule_of(last, schedule.rule)
    }


def differing_revisions(ecs: Ecs, masks: Masks, revisions: Mapping[str, tuple[str, str]]) -> dict[str, list[str]]:
    """The differences in content between pairs of revisions, line by line; pairs with the same content are left out.

    Args:
        ecs: the task definitions.
        masks: learns the secrets of their containers.
        revisions: the ARNs of the running revision and of the one registered last, by the key of their service.
    """
    differences = {}
    for key, (running, registered) in revisions.items():
        if running != registered:
            old, new = ecs.task_definition(running), ecs.task_definition(registered)
            masks.hide(secrets_of_containers([*old["containerDefinitions"], *new["containerDefinitions"]]))
            differences[key] = list(task_definition_diff.revisions(old, new))
    return {key: lines for key, lines in differences.items() if lines}


def _deployments_left_behind(ledger: Ledger, release: str) -> set[str]:
    """The ids of the deployments that the last run before this one started, from the ledger."""
    for entry in ledger.releases(page=20):
        started = {service.deployment for service in entry.services.values() if service.deployment}
        if started and entry.release != release:
            return started
    return set()
