"""What was there before a run moves the first service: the way back, and what stands in the way."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from longshore.aws.ecs_types import Service
from longshore.config.contract import UNRELEASED, Contract
from longshore.config.contract import Service as Declared
from longshore.environment.environment import Environment
from longshore.errors import NotReadyError
from longshore.masking import secrets_of_containers
from longshore.result import ReleaseResult, Running, ScheduleResult, ServiceResult
from longshore.rollout.in_flight import refuse_in_flight
from longshore.run.run import Run
from longshore.terraform import task_definition_diff


def record(run: Run, *, repairing: bool = False) -> None:
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
    refuse_in_flight(found, latest, repairing=repairing, ours=ours)
    result.services = result.services | {key: as_it_is(one, found[one.name]) for key, one in new.items()}
    fresh = contract.schedules.keys() - result.schedules.keys()
    result.schedules = result.schedules | schedules_now(run.env, contract, fresh)


def as_it_is(service: Declared, found: Service) -> ServiceResult:
    """A service with what it runs now, as ``before``."""
    return ServiceResult(
        name=service.name,
        wave=service.wave,
        before=Running(task_definition=found.task_definition, count=found.desired),
        made=found.created_at,
    )


def schedules_now(env: Environment, contract: Contract, keys: Collection[str]) -> dict[str, ScheduleResult]:
    """What the rules of scheduled tasks start now, as ``before``, by their keys.

    Raises:
        AwsError: one is missing.
    """
    events = env.aws.events
    return {
        key: ScheduleResult(
            rule=one.rule, target_id=one.target_id, before=events.task_definition(one.rule, one.target_id)
        )
        for key, one in contract.schedules.items()
        if key in keys
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
        fresh = is_new(run, key, last.services if last else None)
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


def is_new(run: Run, key: str, recorded: Collection[str] | None) -> bool:
    """Whether no release has rolled out a service, or moved a scheduled task, yet.

    Args:
        run: the run.
        key: of the service or scheduled task.
        recorded: the keys that the last good release has; None where there is none.
    """
    return run.result.previous_version == UNRELEASED or (recorded is not None and key not in recorded)


def leave_out_new(run: Run, last: ReleaseResult | None) -> None:
    """Leaves out of the record what no release has rolled out yet: noted there, it would not be new to the next one.

    Args:
        run: a run that moves nothing new.
        last: the last good release before it.
    """
    services, schedules = (last.services, last.schedules) if last else ({}, {})
    run.result.services = {
        key: one for key, one in run.result.services.items() if one.after or one.before.count or key in services
    }
    run.result.schedules = {key: one for key, one in run.result.schedules.items() if one.after or key in schedules}


def differing_revisions(env: Environment, revisions: Mapping[str, tuple[str, str]]) -> dict[str, list[str]]:
    """What differs in content between revisions (ARNs), line by line; without those that are alike.

    Args:
        env: the environment, whose console takes in the secrets of their containers.
        revisions: the one that runs and the one registered last, by the key of what runs it.
    """
    ecs, found = env.aws.ecs, {}
    for key, (runs, registered) in revisions.items():
        if runs != registered:
            old, new = ecs.task_definition(runs), ecs.task_definition(registered)
            env.console.masks.hide(secrets_of_containers([*old["containerDefinitions"], *new["containerDefinitions"]]))
            found[key] = list(task_definition_diff.revisions(old, new))
    return {key: lines for key, lines in found.items() if lines}
