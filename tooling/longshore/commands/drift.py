"""What is not as it was released: what Terraform would change, what nobody released here, and other content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from longshore.aws.ecs_types import Service
from longshore.commands import status as statuses
from longshore.config.contract import Contract
from longshore.environment.environment import Environment
from longshore.result import ReleaseResult, ScheduleResult
from longshore.run import checks, consistency, snapshot
from longshore.terraform import plan, plan_diff


@dataclass(frozen=True)
class Drift:
    """One environment; each finding is a line.

    Attributes:
        application: its name.
        environment: its name.
        released: the version that the ledger says is released; None before the first release.
        terraform: what Terraform would change without a tag.
        running: revisions, deployments and images that run and were not released here.
        content: what is registered last, and does not run.
    """

    application: str
    environment: str
    released: str | None
    terraform: tuple[str, ...]
    running: tuple[str, ...]
    content: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.terraform or self.running or self.content)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "drift": bool(self)}


def drift(env: Environment) -> Drift:
    """Looks at all of it; nothing is changed."""
    checks.reach(env)
    if held := env.ledger.locks.read():
        env.console.warn(f"it is {held}: what follows may be its doing")
    contract, last = env.contract(), env.ledger.last_good()
    found = env.aws.ecs.services(contract.cluster, [service.name for service in contract.services.values()])
    services = {key: found[service.name] for key, service in contract.services.items()}
    terraform = tuple(_of_terraform(env))
    starts = snapshot.schedules_before(env.aws.events, contract, contract.schedules)
    running = (*_of_what_runs(env, contract, services, starts, last),) if last else ()
    running += tuple(_never_released(services, last))
    return Drift(
        contract.application,
        contract.environment,
        last.version if last else None,
        terraform,
        running,
        (*_of_content(env, contract, last), *_of_schedules(env, contract, starts)),
    )


def _of_terraform(env: Environment) -> list[str]:
    with env.terraform.plan() as saved:
        if not saved.changed:
            return []
        shown = env.terraform.show(saved)
        found = plan.changes(shown)
        env.console.masks.hide(plan.secret_values(found))
        return plan_diff.describe(found) or [
            f"outputs change: {', '.join(plan.changed_outputs(shown)) or 'not said which'}"
        ]


def _of_what_runs(
    env: Environment,
    contract: Contract,
    services: Mapping[str, Service],
    starts: Mapping[str, ScheduleResult],
    last: ReleaseResult,
) -> Iterator[str]:
    if (released := env.released_tag()) != last.version:
        yield f"{env.target.tag_parameter} says {released}, {last.release} has released {last.version}"
    runs = {key: snapshot.service_before(contract.services[key], service) for key, service in services.items()}
    yield from consistency.strayed(runs, starts, last)
    for key, service in services.items():
        if service.desired and service.primary and service.primary.rollout_state != "COMPLETED":
            yield f"{service.name}: deployment {service.primary.id} is {service.primary.rollout_state}"
        yield from _other_images(env, contract, key, last)
        if key in last.services and service.desired:
            yield from _other_minimum(env, contract, key)


def _never_released(services: Mapping[str, Service], last: ReleaseResult | None) -> Iterator[str]:
    for key, service in services.items():
        if service.desired and (last is None or key not in last.services):
            revision = service.task_definition.rpartition("/")[2]
            yield f"{service.name} runs {revision}, which no release has recorded ({service.desired} tasks wanted)"


def _other_minimum(env: Environment, contract: Contract, key: str) -> Iterator[str]:
    service = contract.services[key]
    if service.min_capacity is None:
        return
    minimum = env.aws.scaling.minimum(contract.cluster, service.name)
    if minimum is None:
        yield f"{service.name}: autoscaling does not know it"
    elif minimum != service.min_capacity:
        yield f"{service.name}: autoscaling keeps at least {minimum} tasks, not {service.min_capacity}"


def _other_images(env: Environment, contract: Contract, key: str, last: ReleaseResult) -> list[str]:
    """Images of running tasks that are not those of the release, byte for byte."""
    service = contract.services[key]
    recorded = {c: last.images[image].digest for c, image in service.containers.items() if image in last.images}
    found = {
        f"{service.name}: {container.name} runs {container.digest}, not {recorded[container.name]}"
        for task in env.aws.ecs.tasks(contract.cluster, service.name)
        for container in task.containers
        if container.digest and container.name in recorded and container.digest != recorded[container.name]
    }
    return sorted(found)


def _of_content(env: Environment, contract: Contract, last: ReleaseResult | None) -> Iterator[str]:
    status = statuses.inspect(env.aws.ecs, contract, contract.image_tag, last, env.access.base_url)
    for service in status.services:
        yield from (f"{service.name} · {line} ({service.registered})" for line in service.registered_differs)


def _of_schedules(env: Environment, contract: Contract, starts: Mapping[str, ScheduleResult]) -> Iterator[str]:
    revisions = {key: (starts[key].before, one.task_definition) for key, one in contract.schedules.items()}
    for key, lines in snapshot.differing_revisions(env.aws.ecs, env.console.masks, revisions).items():
        registered = revisions[key][1].rpartition("/")[2]
        yield from (f"{starts[key].rule} · {line} ({registered})" for line in lines)
