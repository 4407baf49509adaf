"""What runs, what was released last, what is registered last, and whether they differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from longshore.aws.ecs_types import Service
from longshore.config.contract import Contract
from longshore.environment.environment import Environment
from longshore.result import ReleaseResult
from longshore.terraform.task_definition_diff import revisions


class Revisions(Protocol):
    """What a status needs of ECS (longshore.aws.ecs)."""

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]: ...  # noqa: D102
    def task_definition(self, arn: str) -> dict[str, Any]: ...  # noqa: D102


@dataclass(frozen=True)
class ServiceStatus:
    """One service. ``since`` is ISO 8601; ``registered_differs`` lists fields registered, but not running."""

    key: str
    name: str
    version: str
    revision: str
    image: str
    digest: str | None
    running: int
    desired: int
    since: str
    deployment: str
    url: str | None
    registered: str
    registered_differs: tuple[str, ...]


@dataclass(frozen=True)
class Status:
    """One environment."""

    application: str
    environment: str
    released: str
    registered: str
    release: str | None
    services: tuple[ServiceStatus, ...]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def inspect(
    ecs: Revisions,
    contract: Contract,
    released: str,
    last: ReleaseResult | None,
    base_url: Callable[[str, str], str | None],
) -> Status:
    """Reads what runs and compares it, by content, with what is registered last.

    Args:
        ecs: services and revisions.
        contract: what Terraform registered last.
        released: the value of the image_tag parameter.
        last: the last release that succeeded, if any.
        base_url: where a service answers.
    """
    found = ecs.services(contract.cluster, [service.name for service in contract.services.values()])
    rows = tuple(
        _service(ecs, contract, key, found[service.name], last, base_url(contract.cluster, service.name))
        for key, service in sorted(contract.services.items())
    )
    return Status(
        contract.application,
        contract.environment,
        released,
        contract.image_tag,
        last.release if last else None,
        rows,
    )


def _service(
    ecs: Revisions, contract: Contract, key: str, service: Service, last: ReleaseResult | None, url: str | None
) -> ServiceStatus:
    registered = contract.services[key].task_definition
    running = ecs.task_definition(service.task_definition)
    main = next((c for c in running["containerDefinitions"] if c["name"] == key), running["containerDefinitions"][0])
    last_registered = ecs.task_definition(registered) if registered != service.task_definition else running
    differs = revisions(running, last_registered)
    image_key = contract.services[key].containers.get(main["name"])
    image = last.images.get(image_key) if last and image_key else None
    version = main["image"].rpartition(":")[2]
    return ServiceStatus(
        key=key,
        name=service.name,
        version=version,
        revision=_revision(service.task_definition),
        image=main["image"],
        digest=image.digest if image and image.tag == version else None,
        running=service.running,
        desired=service.desired,
        since=service.primary.created_at.isoformat() if service.primary else "",
        deployment=service.primary.rollout_state if service.primary else "",
        url=url,
        registered=_revision(registered),
        registered_differs=tuple(differs),
    )


def _revision(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def status(env: Environment) -> Status:
    """The status of an environment: running, released and registered versions."""
    last = env.ledger.last_good()
    return inspect(env.aws.ecs, env.contract(), env.released_tag(), last, env.access.base_url)
