"""The status of an environment: its running, released and registered versions, and their differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from longshore.aws.ecs import Ecs
from longshore.aws.ecs_types import Service
from longshore.config.contract import Contract
from longshore.environment.environment import Environment
from longshore.errors import UnreadableRecordError
from longshore.masking import Masks, secrets_of_containers
from longshore.result import ReleaseResult
from longshore.rollout.pauses import brief
from longshore.signals import unchanged
from longshore.terraform.task_definition_diff import revisions


@dataclass(frozen=True)
class ServiceStatus:
    """The status of a service.

    Attributes:
        key: of the service in the contract.
        name: of the service in ECS.
        version: the tag of the running image.
        revision: the running revision, without the front of its ARN.
        image: the running image.
        digest: its digest, if the last release recorded it.
        running: the number of running tasks.
        desired: the desired count.
        since: the start of the current deployment, in ISO 8601.
        deployment: its state.
        waits: at which lifecycle hook it waits, and until when; empty if it does not.
        url: the URL of the service, if it has one.
        registered: the revision registered by Terraform.
        registered_differs: the fields in which the registered revision differs from the running one, one per line.
    """

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
    waits: str = ""


@dataclass(frozen=True)
class Status:
    """The status of an environment.

    Attributes:
        application: its name.
        environment: its name.
        released: the released version, from the SSM parameter.
        registered: the version registered by Terraform.
        release: the id of the last successful release.
        services: in the order of their keys.
    """

    application: str
    environment: str
    released: str
    registered: str
    release: str | None
    services: tuple[ServiceStatus, ...]

    def document(self) -> dict[str, Any]:
        """The JSON document."""
        return asdict(self)


@unchanged
def status(env: Environment) -> Status:
    """The status of an environment: running, released and registered versions."""
    try:
        last = env.ledger.last_good()
    except UnreadableRecordError as error:
        env.console.warn(f"the last release is unknown: {error.message}. {error.hint}")
        last = None
    return inspect(env.aws.ecs, env.contract(), env.released_tag(), last, env.access.base_url, env.console.masks)


def inspect(
    ecs: Ecs,
    contract: Contract,
    released: str,
    last: ReleaseResult | None,
    base_url: Callable[[str, str], str | None],
    masks: Masks,
) -> Status:
    """Compares the content of the running revisions with that of the registered ones.

    Args:
        ecs: the services and their revisions.
        contract: of the environment; it names the registered revisions.
        released: the value of the image_tag parameter.
        last: the last successful release, if any.
        base_url: returns the URL of a service, by cluster and service.
        masks: learns the secrets of the containers, which another variable may contain.
    """
    services = ecs.services(contract.cluster, [service.name for service in contract.services.values()])
    waits, reader = _waits(ecs, services), _Revisions(ecs, masks)
    rows = tuple(
        replace(
            _service(reader, contract, key, services[service.name], last, base_url(contract.cluster, service.name)),
            waits=waits.get(service.name, ""),
        )
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


def _waits(ecs: Ecs, services: Mapping[str, Service]) -> dict[str, str]:
    """At which hook each service waits, by its name; only deployments of services with hooks are read."""
    arns = {
        name: service.current_deployment
        for name, service in services.items()
        if service.settings.hooks and service.current_deployment
    }
    described = ecs.service_deployments(list(arns.values())) if arns else {}
    return {name: brief(described[arn]) for name, arn in arns.items() if arn in described and described[arn].waits}


@dataclass(frozen=True)
class _Revisions:
    """Reads revisions, and hides their secrets."""

    ecs: Ecs
    masks: Masks

    def read(self, arn: str) -> dict[str, Any]:
        """The revision as DescribeTaskDefinition shows it."""
        definition = self.ecs.task_definition(arn)
        self.masks.hide(secrets_of_containers(definition["containerDefinitions"]))
        return definition


def _service(
    reader: _Revisions, contract: Contract, key: str, service: Service, last: ReleaseResult | None, url: str | None
) -> ServiceStatus:
    registered = contract.services[key].task_definition
    running = reader.read(service.task_definition)
    main = next((c for c in running["containerDefinitions"] if c["name"] == key), running["containerDefinitions"][0])
    latest = reader.read(registered) if registered != service.task_definition else running
    differences = revisions(running, latest)
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
        registered_differs=tuple(differences),
    )


def _revision(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]
