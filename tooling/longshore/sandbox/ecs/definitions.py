"""Clusters and task definitions, which are moto's; looking them up fails as on ECS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ecs.exceptions import ECSException
from moto.ecs.models import EC2ContainerServiceBackend, TaskDefinition, ecs_backends

_FIELDS = {
    "family": "family",
    "container_definitions": "containerDefinitions",
    "volumes": "volumes",
    "cpu": "cpu",
    "memory": "memory",
    "network_mode": "networkMode",
    "requires_compatibilities": "requiresCompatibilities",
    "execution_role_arn": "executionRoleArn",
    "tags": "tags",
}


def ecs_error(code: str, message: str) -> ServiceException:
    """An error of the ECS API; any other exception becomes an HTML page.

    Moto finds the model of the error by the module of its class, so the class must be one of moto's ECS.
    """
    return ECSException(code, message)


class Definitions:
    """Moto's part of ECS, in one account and region."""

    def __init__(self, account_id: str, region: str) -> None:
        self._account_id = account_id
        self._region = region

    @property
    def backend(self) -> EC2ContainerServiceBackend:
        """Moto's backend."""
        return ecs_backends[self._account_id][self._region]

    def cluster_arn(self, reference: str | None) -> str:
        """Find an active cluster.

        Args:
            reference: name or ARN; None for ``default``.

        Returns:
            Its ARN, which ends in ``/`` and its name.

        Raises:
            ServiceException: ClusterNotFoundException.
        """
        cluster = self.backend.clusters.get((reference or "default").rpartition("/")[2])
        if cluster is None:
            raise ecs_error("ClusterNotFoundException", "Cluster not found.")
        if cluster.status != "ACTIVE":
            raise ecs_error("ClusterNotFoundException", "The referenced cluster was inactive.")
        return str(cluster.arn)

    def with_default_strategy(self, cluster: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters with the cluster's default strategy, if they name neither a launch type nor a strategy.

        Args:
            cluster: ARN of the cluster.
            parameters: of CreateService or RunTask (ECS API, capacityProviderStrategy).
        """
        given = dict(parameters)
        default = self.backend.clusters[cluster.rpartition("/")[2]].default_capacity_provider_strategy
        if default and not given.get("launchType") and not given.get("capacityProviderStrategy"):
            given["capacityProviderStrategy"] = default
        return given

    def find(self, reference: str) -> Any:
        """Find a task definition, as DescribeTaskDefinition does.

        Args:
            reference: ARN, ``family:revision``, or ``family`` for its latest ACTIVE revision.

        Returns:
            Moto's TaskDefinition.

        Raises:
            ServiceException: ClientException.
        """
        family, _, revision = reference.rpartition("/")[2].partition(":")
        revisions = self.backend.task_definitions.get(family, {})
        if revision:
            definition = revisions.get(int(revision)) if revision.isdecimal() else None
        else:
            definition = next((d for _, d in sorted(revisions.items(), reverse=True) if d.status == "ACTIVE"), None)
        if definition is None:
            raise ecs_error("ClientException", "Unable to describe task definition.")
        return definition

    def arns(self, family: str | None, status: str) -> list[str]:
        """The ARNs of the task definitions with a status, of one family or of all."""
        families = [family] if family else list(self.backend.task_definitions)
        definitions = [d for name in families for d in self.backend.task_definitions.get(name, {}).values()]
        return [str(definition.arn) for definition in definitions if definition.status == status]

    def number(self, registered: TaskDefinition) -> None:
        """Give a new task definition a number that no other of its family has had.

        "The revision value always increases by one" (ECS API, TaskDefinition, revision); moto gives the number of a
        deleted one again. The numbers are kept with moto's records, which forget all at a reset.
        """
        highest: dict[str, int] = vars(self.backend).setdefault("highest_revisions", {})
        family = registered.family
        number = highest[family] = max(registered.revision, highest.get(family, 0) + 1)
        if number != registered.revision:
            self.backend.task_definitions[family][number] = self.backend.task_definitions[family].pop(
                registered.revision
            )
            registered.arn = f"{registered.arn.rpartition(':')[0]}:{number}"
            registered.revision = number

    def runnable(self, reference: str) -> tuple[str, dict[str, Any]]:
        """Find a task definition from which tasks may be started.

        Returns:
            Its full ARN, and the parts that a task needs, with the ECS API's field names.

        Raises:
            ServiceException: ClientException: it does not exist or is INACTIVE.
        """
        try:
            definition = self.find(reference)
        except ServiceException as error:
            raise ecs_error("ClientException", "TaskDefinition not found.") from error
        if definition.status != "ACTIVE":
            raise ecs_error("ClientException", "TaskDefinition is inactive")
        return str(definition.arn), {name: getattr(definition, attribute, None) for attribute, name in _FIELDS.items()}
