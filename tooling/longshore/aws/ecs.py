"""ECS: moves services, runs tasks, and reads both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from longshore.aws.answers import HINT, MALFORMED
from longshore.aws.batches import batches
from longshore.aws.ecs_failures import ANSWERED, refuse_failures, refuse_task
from longshore.aws.ecs_types import (
    Deployment,
    Placement,
    Service,
    ServiceDeployment,
    Task,
    service_deployment_of,
    service_of,
    task_of,
)
from longshore.aws.translate import call, pages
from longshore.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

SERVICES_A_CALL = 10
TASKS_A_CALL = 100
DEPLOYMENTS_A_CALL = 20
DEPLOYMENTS_A_PAGE = 100
"""The limits of DescribeServices, DescribeTasks, DescribeServiceDeployments and ListServiceDeployments.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html
"""

DEPLOYMENT_PAGES = 20
"""Pages of service deployments that are read: 2,000 deployments, one each hour for the 90 days that ECS keeps them."""

_LOOK_BACK = timedelta(minutes=1)
_SAME_MOMENT = timedelta(seconds=5)
_SKEW = timedelta(seconds=1)
"""One call creates a deployment and its service deployment; the latter is dated later, by 1.6 s in AWS's own example.

https://docs.aws.amazon.com/cli/latest/reference/ecs/describe-service-deployments.html
"""


class Ecs:
    """Moves services, runs tasks, and reads both. It registers no task definition: Terraform does."""

    def __init__(self, client: ECSClient) -> None:
        self._client = client
        self._stopped: dict[str, Task] = {}

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        """The services by name, ten in a call.

        Raises:
            AwsError: a service or the cluster does not exist; the message names it.
        """
        services: dict[str, Service] = {}
        for batch in batches(names, SERVICES_A_CALL):
            answer = call(self._client.describe_services, cluster=cluster, services=batch)
            refuse_failures("DescribeServices", answer.get("failures", []), "Run: invoke bootstrap")
            services.update((raw["serviceName"], service_of(raw)) for raw in answer["services"])
        if missing := sorted(set(names) - services.keys()):
            raise AwsError(f"ECS DescribeServices answered without {', '.join(missing)}", HINT, MALFORMED)
        return services

    def update(
        self, cluster: str, service: str, task_definition: str, count: int | None, *, force: bool = False
    ) -> Deployment:
        """Moves a service to a revision.

        Args:
            cluster: name of the cluster.
            service: name of the service.
            task_definition: ARN of the revision.
            count: the desired count, or None to leave it as it is.
            force: whether to start a deployment even if the service already has this revision.

        Returns:
            Our deployment: the one that is PRIMARY after the call.
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
        """Sets the desired count of a service; this starts no deployment.

        Returns:
            The deployment that is PRIMARY after the call.
        """
        answer = call(self._client.update_service, cluster=cluster, service=service, desiredCount=count)
        return _primary(answer["service"])

    def deployment_history(
        self, cluster: str, service: str, since: datetime | None = None
    ) -> tuple[ServiceDeployment, ...]:
        """The service deployments of a service, newest first; with ``since``, those created since then.

        AWS documents no order of ListServiceDeployments, so all pages are read, up to `DEPLOYMENT_PAGES`, and sorted.
        """
        created: Any = {} if since is None else {"createdAt": {"after": since}}
        asked: Any = {"cluster": cluster, "service": service, "maxResults": DEPLOYMENTS_A_PAGE, **created}
        history: list[ServiceDeployment] = []
        for _ in range(DEPLOYMENT_PAGES):
            answer = call(self._client.list_service_deployments, **asked)
            listed = (service_deployment_of(raw) for raw in answer["serviceDeployments"])
            history += [deployment for deployment in listed if since is None or deployment.created_at >= since]
            asked["nextToken"] = answer.get("nextToken")
            if not asked["nextToken"]:
                break
        return tuple(sorted(history, key=lambda deployment: deployment.created_at, reverse=True))

    def find_deployment(
        self, cluster: str, service: str, deployment_id: str, created_at: datetime, previous: str | None
    ) -> str | None:
        """The ARN of a deployment's service deployment; None if it is not shown yet.

        It is found by the digits that both have. Only if no service deployment has such digits, the one created at the
        same moment is taken.

        Args:
            cluster: name of the cluster.
            service: name of the service.
            deployment_id: id of the deployment.
            created_at: when the deployment was created.
            previous: ARN of the service deployment before it, which a stale read still shows.
        """
        # By its digits it may even be dated earlier than the deployment: AWS promises nothing about the two dates.
        history = self.deployment_history(cluster, service, created_at - _LOOK_BACK)
        matches = {deployment.arn: deployment.deploys(deployment_id) for deployment in history}
        if any(match is not None for match in matches.values()):
            return next((arn for arn, match in matches.items() if match), None)
        new = [d for d in history if d.arn != previous and d.created_at >= created_at - _SKEW]
        near = {abs(d.created_at - created_at): d.arn for d in new}
        return near[min(near)] if near and min(near) <= _SAME_MOMENT else None

    def newest_deployment(self, cluster: str, service: str) -> str | None:
        """The ARN of the newest service deployment of a service; None if it has never had one."""
        return next((deployment.arn for deployment in self.deployment_history(cluster, service)), None)

    def latest_deployments(self, cluster: str, services: Sequence[str]) -> dict[str, ServiceDeployment]:
        """The newest service deployment of each service that has had one."""
        histories = {name: self.deployment_history(cluster, name) for name in services}
        return {name: history[0] for name, history in histories.items() if history}

    def service_deployments(self, arns: Sequence[str]) -> dict[str, ServiceDeployment]:
        """The service deployments that ECS still describes, by ARN, twenty in a call."""
        return {
            raw["serviceDeploymentArn"]: service_deployment_of(raw)
            for batch in batches(arns, DEPLOYMENTS_A_CALL)
            for raw in call(self._client.describe_service_deployments, serviceDeploymentArns=batch)[
                "serviceDeployments"
            ]
        }

    def stop_deployment(self, arn: str) -> None:
        """Stops a service deployment; ECS rolls the service back to the last one that completed.

        ROLLBACK is the only stop type that AWS documents.
        https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html
        """
        call(self._client.stop_service_deployment, serviceDeploymentArn=arn, stopType="ROLLBACK")

    def continue_deployment(self, arn: str, hook_id: str, *, rollback: bool = False) -> None:
        """Answers a pause hook at which a service deployment waits: it continues, or ECS rolls it back.

        https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContinueServiceDeployment.html

        Raises:
            AwsError: the hook does not wait any more, or there is no such hook.
        """
        action: Any = "ROLLBACK" if rollback else "CONTINUE"
        call(self._client.continue_service_deployment, serviceDeploymentArn=arn, hookId=hook_id, action=action)

    def tasks(self, cluster: str, service: str) -> list[Task]:
        """The running tasks of a service."""
        return self._tasks(cluster, serviceName=service)

    def stopped_tasks(self, cluster: str, service: str) -> list[Task]:
        """The stopped tasks of a service, oldest first; ECS shows them for about an hour.

        A listed task may still be stopping. Once it is STOPPED, the end of its life, it is not described again.
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
        """
        arns = self._task_arns(cluster, serviceName=service, desiredStatus="STOPPED")
        described = self._described(cluster, [arn for arn in arns if arn not in self._stopped])
        self._stopped.update((task.arn, task) for task in described if task.last_status == "STOPPED")
        known = [self._stopped[arn] for arn in arns if arn in self._stopped]
        tasks = [*known, *(task for task in described if task.last_status != "STOPPED")]
        return sorted((t for t in tasks if t.created_at), key=lambda task: task.created_at or datetime.min)

    def is_active(self, arn: str) -> bool:
        """Whether a revision exists and has not been deregistered, so that it can be rolled out."""
        try:
            answer = call(self._client.describe_task_definition, taskDefinition=arn)
        except AwsError as error:
            if error.code == "ClientException":
                return False
            raise
        return answer["taskDefinition"].get("status") == "ACTIVE"

    def tasks_of_family(self, cluster: str, family: str) -> list[Task]:
        """The running and stopped tasks of a family of task definitions.

        They are not filtered by ``startedBy``: it must be the only filter of ListTasks, which hides stopped tasks.
        https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html
        """
        statuses = ("RUNNING", "STOPPED")
        return [t for status in statuses for t in self._tasks(cluster, family=family, desiredStatus=status)]

    def _tasks(self, cluster: str, **filters: Any) -> list[Task]:
        return self._described(cluster, self._task_arns(cluster, **filters))

    def _task_arns(self, cluster: str, **filters: Any) -> list[str]:
        listed = pages(self._client, "list_tasks", cluster=cluster, **filters)
        return [arn for page in listed for arn in page["taskArns"]]

    def _described(self, cluster: str, arns: Sequence[str]) -> list[Task]:
        return [task for batch in batches(arns, TASKS_A_CALL) for task in self.describe_tasks(cluster, batch)]

    def describe_tasks(self, cluster: str, arns: Sequence[str]) -> list[Task]:
        """The tasks that ECS describes: one that stopped long ago is missing, and a new one may be."""
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
        """Starts a one-off task, once for each client token.

        Args:
            cluster: name of the cluster.
            task_definition: ARN of the revision.
            placement: where the task runs.
            client_token: a second call with the same token starts no second task.
            started_by: the ``startedBy`` of the task.

        Raises:
            NoCapacityError: ECS has no capacity for the task at this moment.
            AwsError: ECS could not place the task; RunTask can answer 200 with failures and no task.
        """
        answer = call(
            self._client.run_task,
            cluster=cluster,
            taskDefinition=task_definition,
            count=1,
            clientToken=client_token,
            startedBy=started_by,
            **_placement(placement),
        )
        refuse_task(answer)
        if not answer["tasks"]:
            raise AwsError(f"ECS RunTask of {task_definition} started no task and gave no reason", code=ANSWERED)
        return task_of(answer["tasks"][0])

    def task_definition(self, arn: str) -> dict[str, Any]:
        """The revision as DescribeTaskDefinition shows it."""
        return dict(call(self._client.describe_task_definition, taskDefinition=arn)["taskDefinition"])


def _placement(placement: Placement) -> dict[str, Any]:
    strategy = [{"capacityProvider": p.name, "weight": p.weight, "base": p.base} for p in placement.capacity_providers]
    arguments: dict[str, Any] = (
        {"capacityProviderStrategy": strategy} if strategy else {"launchType": placement.launch_type}
    )
    if placement.subnets:
        arguments["networkConfiguration"] = {
            "awsvpcConfiguration": {
                "subnets": list(placement.subnets),
                "securityGroups": list(placement.security_groups),
                "assignPublicIp": "ENABLED" if placement.assign_public_ip else "DISABLED",
            }
        }
    return arguments


def _primary(raw: Any) -> Deployment:
    service = service_of(raw)
    if service.primary is None:
        raise AwsError(f"ECS UpdateService of {service.name} answered without a PRIMARY deployment", code=ANSWERED)
    return service.primary
