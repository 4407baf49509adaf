"""Clusters and task definitions, which stay moto's: found as ECS finds them, refused as ECS refuses."""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import ServiceException
from moto.ecs.exceptions import ECSException
from moto.ecs.models import EC2ContainerServiceBackend, ecs_backends

_FIELDS = {
    "family": "family",
    "container_definitions": "containerDefinitions",
    "volumes": "volumes",
    "cpu": "cpu",
    "memory": "memory",
    "network_mode": "networkMode",
}


def ecs_error(code: str, message: str) -> ServiceException:
    """An error of the ECS API; anything else that is raised becomes a page of HTML.

    Moto finds the model of the error by the module of its class, so that this must be one of its own ECS's.
    """
    return ECSException(code, message)


class Definitions:
    """moto's half of ECS, in one account and region."""

    def __init__(self, account_id: str, region: str) -> None:
        self._account_id = account_id
        self._region = region

    @property
    def backend(self) -> EC2ContainerServiceBackend:
        """What moto itself knows."""
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

    def find(self, reference: str) -> Any:
        """Find a task definition, as DescribeTaskDefinition does.

        Args:
            reference: ARN, ``family:revision``, or ``family`` for its latest ACTIVE revision.

        Returns:
            moto's TaskDefinition.

        Raises:
            ServiceException: ClientException.
        """
        family, _, revision = reference.rpartition("/")[2].partition(":")
        revisions = self.backend.task_definitions.get(family, {})
        if revision:
            found = revisions.get(int(revision)) if revision.isdecimal() else None
        else:
            found = next((d for _, d in sorted(revisions.items(), reverse=True) if d.status == "ACTIVE"), None)
        if found is None:
            raise ecs_error("ClientException", "Unable to describe task definition.")
        return found

    def arns(self, family: str | None, status: str) -> list[str]:
        """The ARNs of the task definitions of a status, of one family or of all."""
        families = [family] if family else list(self.backend.task_definitions)
        revisions = [found for name in families for found in self.backend.task_definitions.get(name, {}).values()]
        return [str(found.arn) for found in revisions if found.status == status]

    def runnable(self, reference: str) -> tuple[str, dict[str, Any]]:
        """Find a task definition that tasks may be started from.

        Returns:
            Its full ARN, and what a task needs of it in the ECS API's field names.

        Raises:
            ServiceException: ClientException, if there is none or it is INACTIVE.
        """
        try:
            found = self.find(reference)
        except ServiceException as error:
            raise ecs_error("ClientException", "TaskDefinition not found.") from error
        if found.status != "ACTIVE":
            raise ecs_error("ClientException", "TaskDefinition is inactive")
        return str(found.arn), {name: getattr(found, own) for own, name in _FIELDS.items()}
