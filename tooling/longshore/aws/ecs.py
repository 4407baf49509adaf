"""ECS: services, tasks and revisions, as frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from longshore.aws.ecs_types import Deployment, Placement, Service, ServiceDeployment, Task, service_of, task_of
from longshore.aws.translate import call
from longshore.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

SERVICES_A_CALL = 10
TASKS_A_CALL = 100
DEPLOYMENTS_A_CALL = 20
"""DescribeServices takes 10 services, DescribeTasks 100 tasks, DescribeServiceDeployments 20 (their documentation)."""

_ANSWERED = "Failures"
"""Code of an error where ECS answered with 200: asking again would not help."""

_SAME_MOMENT = timedelta(seconds=5)
_SKEW = timedelta(seconds=1)
"""A service deployment and the deployment that it is are made by one call, and may be dated apart, but hardly older."""


class Ecs:
    """What a release does with ECS. It registers no task definition: Terraform does."""

    def __init__(self, client: ECSClient) -> None:
        self._client = client

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        """The services by name, ten a call.

        Raises:
            AwsError: a service or the cluster does not exist; the message names it.
        """
        found: dict[str, Service] = {}
        for batch in _batches(names, SERVICES_A_CALL):
            answer = call(self._client.describe_services, cluster=cluster, services=batch)
            _refuse_failures("DescribeServices", answer.get("failures", []), "Run: invoke bootstrap")
            found.update((raw["serviceName"], service_of(raw)) for raw in answer["services"])
        return found

    def update(
        self, cluster: str, service: str, task_definition: str, count: int | None, *, force: bool = False
    ) -> Deployment:
        """Moves a service to a revision.

        Args:
            cluster: name of the cluster.
            service: name of the service.
            task_definition: ARN of the revision.
            count: the wanted count, or None to leave it as it is.
            force: start a deployment even if the service already has this revision.

        Returns:
            The deployment that is PRIMARY after the call: ours.
        """
        desired: dict[str, Any] = {} if count is None else {"desiredCount": count}
        answer = call(
            self._client.update_service,
            cluster=cluster,
            service=service,
            taskDefinition=task_definition,
            forceNewDeployment=force,
            **desired,
        )
        return _primary(answer["service"])

    def scale(self, cluster: str, service: str, count: int) -> Deployment:
        """Sets the wanted count of a service, and nothing else: no new deployment.

        Returns:
            The deployment that is PRIMARY after the call.
        """
        answer = call(self._client.update_service, cluster=cluster, service=service, desiredCount=count)
        return _primary(answer["service"])

    def find_deployment(self, cluster: str, service: str, created_at: datetime, known: str | None) -> str | None:
        """The ARN of the service deployment that a deployment is, by the moment in which both were made.

        ECS does not say which belong together: a deployment's id is not in its ARN.

        Args:
            cluster: name of the cluster.
            service: name of the service.
            created_at: when the deployment was made.
            known: the ARN of the one that there was before: a read that is a moment old shows that.
        """
        first = created_at - _SKEW
        # From then on, and newest first: older ones don't come.
        pages = call(
            self._client.list_service_deployments, cluster=cluster, service=service, createdAt={"after": first}
        )
        candidates = [d for d in pages["serviceDeployments"] if d["createdAt"] >= first]
        new = [d for d in candidates if d["serviceDeploymentArn"] != known]
        near = {abs(d["createdAt"] - created_at): d["serviceDeploymentArn"] for d in new}
        return near[min(near)] if near and min(near) <= _SAME_MOMENT else None

    def newest_deployment(self, cluster: str, service: str) -> str | None:
        """The ARN of the newest service deployment of a service; None where it has had none."""
        answer = call(self._client.list_service_deployments, cluster=cluster, service=service, maxResults=1)
        return next((d["serviceDeploymentArn"] for d in answer["serviceDeployments"]), None)

    def latest_deployments(self, cluster: str, services: Sequence[str]) -> dict[str, ServiceDeployment]:
        """The newest service deployment of each service that has had one."""
        arns = {name: arn for name in services if (arn := self.newest_deployment(cluster, name))}
        found = self.service_deployments(list(arns.values()))
        return {name: found[arn] for name, arn in arns.items() if arn in found}

    def service_deployments(self, arns: Sequence[str]) -> dict[str, ServiceDeployment]:
        """Those of the service deployments that ECS can describe, by ARN, twenty a call."""
        return {
            raw["serviceDeploymentArn"]: ServiceDeployment(
                raw["serviceDeploymentArn"], raw["status"], raw.get("statusReason", ""), raw["createdAt"]
            )
            for batch in _batches(arns, DEPLOYMENTS_A_CALL)
            for raw in call(self._client.describe_service_deployments, serviceDeploymentArns=batch)[
                "serviceDeployments"
            ]
        }

    def stop_deployment(self, arn: str) -> None:
        """Stops a service deployment: ECS rolls the service back to its last completed one.

        ROLLBACK is the only way of stopping that AWS documents.
        """
        call(self._client.stop_service_deployment, serviceDeploymentArn=arn, stopType="ROLLBACK")

    def tasks(self, cluster: str, service: str) -> list[Task]:
        """The running tasks of a service."""
        return self._tasks(cluster, serviceName=service)

    def stopped_tasks(self, cluster: str, service: str) -> list[Task]:
        """The tasks of a service that have stopped, for about an hour, oldest first."""
        found = self._tasks(cluster, serviceName=service, desiredStatus="STOPPED")
        return sorted((t for t in found if t.created_at), key=lambda task: task.created_at or datetime.min)

    def is_active(self, arn: str) -> bool:
        """Whether a revision can still be rolled out: it is there, and was not deregistered."""
        try:
            answer = call(self._client.describe_task_definition, taskDefinition=arn)
        except AwsError as error:
            if error.code == "ClientException":
                return False
            raise
        return answer["taskDefinition"].get("status") == "ACTIVE"

    def tasks_of_family(self, cluster: str, family: str) -> list[Task]:
        """The tasks of a family of task definitions, running or stopped.

        Who started them is not asked for: ListTasks takes ``startedBy`` only if it is the only filter (its
        documentation), and then stopped tasks are not shown.
        """
        wanted = [{"family": family, "desiredStatus": status} for status in ("RUNNING", "STOPPED")]
        return [task for one in wanted for task in self._tasks(cluster, **one)]

    def _tasks(self, cluster: str, **wanted: Any) -> list[Task]:
        pages = call(self._client.get_paginator, "list_tasks").paginate(cluster=cluster, **wanted)
        arns = [arn for page in call(list, pages) for arn in page["taskArns"]]
        return [task for batch in _batches(arns, TASKS_A_CALL) for task in self.describe_tasks(cluster, batch)]

    def describe_tasks(self, cluster: str, arns: Sequence[str]) -> list[Task]:
        """Those of the tasks that ECS can describe: one that ended long ago is missing, one just made may be."""
        answer = call(self._client.describe_tasks, cluster=cluster, tasks=list(arns))
        return [task_of(raw) for raw in answer["tasks"]]

    def run_task(
        self,
        cluster: str,
        task_definition: str,
        *,
        placement: Placement,
        client_token: str,
        started_by: str,
    ) -> Task:
        """Starts a one-off task, once for a client token.

        Args:
            cluster: name of the cluster.
            task_definition: ARN of the revision.
            placement: where it runs.
            client_token: what makes a second call start nothing.
            started_by: who started it.

        Raises:
            AwsError: ECS could not place it; RunTask can answer 200 with failures and no task.
        """
        answer = call(
            self._client.run_task,
            cluster=cluster,
            taskDefinition=task_definition,
            count=1,
            clientToken=client_token,
            startedBy=started_by,
            **_placed(placement),
        )
        _refuse_failures("RunTask", answer.get("failures", []), "Look at the cluster's capacity.")
        if not answer["tasks"]:
            raise AwsError(f"ECS RunTask of {task_definition} started no task and named no reason", code=_ANSWERED)
        return task_of(answer["tasks"][0])

    def task_definition(self, arn: str) -> dict[str, Any]:
        """A revision as DescribeTaskDefinition shows it."""
        return dict(call(self._client.describe_task_definition, taskDefinition=arn)["taskDefinition"])


def _placed(placement: Placement) -> dict[str, Any]:
    strategy = [{"capacityProvider": p.name, "weight": p.weight, "base": p.base} for p in placement.capacity_providers]
    placed: dict[str, Any] = (
        {"capacityProviderStrategy": strategy} if strategy else {"launchType": placement.launch_type}
    )
    if placement.subnets:
        placed["networkConfiguration"] = {
            "awsvpcConfiguration": {
                "subnets": list(placement.subnets),
                "securityGroups": list(placement.security_groups),
                "assignPublicIp": "ENABLED" if placement.assign_public_ip else "DISABLED",
            }
        }
    return placed


def _batches(items: Sequence[str], size: int) -> Iterator[list[str]]:
    return (list(items[start : start + size]) for start in range(0, len(items), size))


def _refuse_failures(operation: str, failures: Iterable[Any], hint: str) -> None:
    found = [f"{f.get('arn', '?')}: {f.get('reason', '')} {f.get('detail', '')}".rstrip() for f in failures]
    if found:
        raise AwsError(f"ECS {operation} failed for {'; '.join(found)}", hint, _ANSWERED)


def _primary(raw: Any) -> Deployment:
    found = service_of(raw)
    if found.primary is None:
        raise AwsError(f"ECS UpdateService of {found.name} answered without a PRIMARY deployment", code=_ANSWERED)
    return found.primary
