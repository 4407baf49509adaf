"""Detects drift: changes that Terraform would make, revisions that were not released here, and unreleased content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from longshore.aws.ecs_types import Service
from longshore.commands import status as statuses
from longshore.config.contract import Contract
from longshore.environment.environment import Environment
from longshore.result import ReleaseResult, ScheduleResult
from longshore.rollout.completion import is_settled
from longshore.run import checks, consistency, snapshot, standing
from longshore.signals import unchanged
from longshore.terraform import plan, plan_diff
from longshore.terraform.driver import PlanOptions


@dataclass(frozen=True)
class Drift:
    """The drift of an environment, one line per difference.

    Attributes:
        application: its name.
        environment: its name.
        released: the released version, from the ledger; None before the first release.
        terraform: the changes in a plan without a tag.
        running: revisions, deployments and images that are running but were not released here.
        content: content that is registered but not running.
    """

    application: str
    environment: str
    released: str | None
    terraform: tuple[str, ...]
    running: tuple[str, ...]
    content: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether there is any drift."""
        return bool(self.terraform or self.running or self.content)

    def document(self) -> dict[str, Any]:
        """The JSON document."""
        return {**asdict(self), "drift": bool(self)}


@unchanged
def drift(env: Environment) -> Drift:
    """Compares an environment with its last release; nothing is changed.

    Raises:
        LongshoreError: AWS, the ledger or Terraform's state cannot be read.
    """
    checks.reach(env)
    if lock := env.ledger.locks.read():
        env.console.warn(f"{env.target.environment} is {lock}; its holder may have caused the differences below")
    contract, last = env.contract(), env.ledger.last_good()
    services_by_name = env.aws.ecs.services(contract.cluster, [service.name for service in contract.services.values()])
    services = {key: services_by_name[service.name] for key, service in contract.services.items()}
    terraform = tuple(_planned_changes(env))
    schedules = snapshot.schedules_before(env.aws.events, contract, contract.schedules)
    running = tuple(_running_differences(env, contract, services, schedules, last)) if last else ()
    running += tuple(_never_released(services.values(), last))
    return Drift(
        contract.application,
        contract.environment,
        last.version if last else None,
        terraform,
        running,
        (*_content_of_services(env, contract, last), *_content_of_schedules(env, contract, schedules)),
    )


def _planned_changes(env: Environment) -> list[str]:
    with env.terraform.plan(options=PlanOptions(plan_only=True)) as saved:
        if not saved.changed:
            return []
        shown = env.terraform.show(saved)
        changes = plan.changes(shown)
        env.console.masks.hide(plan.secret_values(changes))
        return plan_diff.describe(changes) or [
            f"outputs change: {', '.join(plan.changed_outputs(shown)) or 'names unknown'}"
        ]


def _running_differences(
    env: Environment,
    contract: Contract,
    services: Mapping[str, Service],
    schedules: Mapping[str, ScheduleResult],
    last: ReleaseResult,
) -> Iterator[str]:
    if (released := env.released_tag()) != last.version:
        yield f"{env.target.tag_parameter} holds {released}, but {last.release} released {last.version}"
    running = {key: snapshot.service_before(contract.services[key], service) for key, service in services.items()}
    yield from consistency.strayed(running, schedules, last)
    for key, service in services.items():
        if service.desired and service.primary and not is_settled(env.aws.ecs, contract.cluster, service):
            yield f"{service.name}: deployment {service.primary.id} is {service.primary.rollout_state}"
        yield from _deregistered(env, service, last)
        yield from _unreleased_images(env, contract, key, last)
        if key in last.services and service.desired:
            yield from _changed_minimum(env, contract, key)


def _deregistered(env: Environment, service: Service, last: ReleaseResult) -> Iterator[str]:
    """A running revision that is INACTIVE: its tasks still run, but no new deployment may use it."""
    if service.desired and not env.aws.ecs.is_active(service.task_definition):
        revision = service.task_definition.rpartition("/")[2]
        yield (
            f"{service.name} runs {revision}, which was deregistered"
            f" (register it again: invoke rollback --to {last.version})"
        )


def _never_released(services: Iterable[Service], last: ReleaseResult | None) -> Iterator[str]:
    """The services with tasks of which the last release has no record: a release would adopt them."""
    for service in services:
        if service.desired and not standing.service_of(last, service.name):
            revision = service.task_definition.rpartition("/")[2]
            yield f"{service.name} runs {revision}, which no release recorded (desired count {service.desired})"


def _changed_minimum(env: Environment, contract: Contract, key: str) -> Iterator[str]:
    service = contract.services[key]
    if service.min_capacity is None:
        return
    minimum = env.aws.scaling.minimum(contract.cluster, service.name)
    if minimum is None:
        yield f"{service.name} has no autoscaling target"
    elif minimum != service.min_capacity:
        yield f"{service.name}: autoscaling keeps at least {minimum} tasks, not {service.min_capacity}"


def _unreleased_images(env: Environment, contract: Contract, key: str, last: ReleaseResult) -> list[str]:
    """The containers of running tasks whose image digest differs from the released one."""
    service = contract.services[key]
    recorded = {c: last.images[image] for c, image in service.containers.items() if image in last.images}
    differences = {
        f"{service.name}: {container.name} runs {container.digest}, not {recorded[container.name].digest}"
        for task in env.aws.ecs.tasks(contract.cluster, service.name)
        for container in task.containers
        if container.digest and container.name in recorded and not recorded[container.name].runs_as(container.digest)
    }
    return sorted(differences)


def _content_of_services(env: Environment, contract: Contract, last: ReleaseResult | None) -> Iterator[str]:
    status = statuses.inspect(env.aws.ecs, contract, contract.image_tag, last, env.access.base_url, env.console.masks)
    for service in status.services:
        yield from (f"{service.name} · {line} ({service.registered})" for line in service.registered_differs)


def _content_of_schedules(
    env: Environment, contract: Contract, schedules: Mapping[str, ScheduleResult]
) -> Iterator[str]:
    revisions = {key: (schedules[key].before, schedule.task_definition) for key, schedule in contract.schedules.items()}
    for key, lines in snapshot.differing_revisions(env.aws.ecs, env.console.masks, revisions).items():
        registered = revisions[key][1].rpartition("/")[2]
        yield from (f"{schedules[key].rule} · {line} ({registered})" for line in lines)
