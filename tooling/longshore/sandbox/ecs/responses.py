"""The ECS API as moto's server calls it: each operation goes to what answers it; the rest stays moto's."""

from __future__ import annotations

from typing import Any, cast

from moto.core.responses import ActionResult
from moto.ecs.responses import EC2ContainerServiceResponse

from longshore.sandbox.ecs.api import Ecs, Operation
from longshore.sandbox.ecs.definitions import ecs_error
from longshore.sandbox.ecs.fleet import RUNNING, STARTING, Service
from longshore.sandbox.ecs.paging import page
from longshore.sandbox.ecs.shapes import moment


class EcsResponse(EC2ContainerServiceResponse):
    """Answers the ECS API. What is not overridden here is moto's."""

    ecs: Ecs

    def __init__(self) -> None:
        super().__init__()
        # moto keeps it with the class and writes to it at each Describe, whatever other calls are under way.
        self.RESPONSE_KEY_PATH_TO_TRANSFORMER = dict(self.RESPONSE_KEY_PATH_TO_TRANSFORMER)

    def _answer(self, operation: Operation) -> ActionResult:
        return ActionResult(self.ecs.answer(operation, dict(self._get_params())))

    def create_service(self) -> ActionResult:
        """CreateService."""
        return self._answer(self.ecs.services.create)

    def update_service(self) -> ActionResult:
        """UpdateService."""
        return self._answer(self.ecs.services.update)

    def delete_service(self) -> ActionResult:
        """DeleteService."""
        return self._answer(self.ecs.services.delete)

    def describe_services(self) -> ActionResult:
        """DescribeServices."""
        return self._answer(self.ecs.services.describe)

    def list_services(self) -> ActionResult:
        """ListServices."""
        return self._answer(self.ecs.services.list_services)

    def list_service_deployments(self) -> ActionResult:
        """ListServiceDeployments."""
        return self._answer(self.ecs.deployments.list_deployments)

    def describe_service_deployments(self) -> ActionResult:
        """DescribeServiceDeployments."""
        return self._answer(self.ecs.deployments.describe)

    def stop_service_deployment(self) -> ActionResult:
        """StopServiceDeployment."""
        return self._answer(self.ecs.deployments.stop)

    def describe_service_revisions(self) -> ActionResult:
        """DescribeServiceRevisions."""
        return self._answer(self.ecs.deployments.revisions)

    def run_task(self) -> ActionResult:
        """RunTask."""
        return self._answer(self.ecs.tasks.run)

    def stop_task(self) -> ActionResult:
        """StopTask."""
        return self._answer(self.ecs.tasks.stop)

    def describe_tasks(self) -> ActionResult:
        """DescribeTasks."""
        return self._answer(self.ecs.tasks.describe)

    def list_tasks(self) -> ActionResult:
        """ListTasks."""
        return self._answer(self.ecs.tasks.list_tasks)

    def tag_resource(self) -> ActionResult:
        """TagResource."""
        return self._answer(self.ecs.tagging.tag) if self._is_ours() else super().tag_resource()

    def untag_resource(self) -> ActionResult:
        """UntagResource."""
        return self._answer(self.ecs.tagging.untag) if self._is_ours() else super().untag_resource()

    def list_tags_for_resource(self) -> ActionResult:
        """ListTagsForResource."""
        return self._answer(self.ecs.tagging.list_tags) if self._is_ours() else super().list_tags_for_resource()

    def describe_clusters(self) -> ActionResult:
        """DescribeClusters, with the counts of what really runs."""
        with self.ecs.orchestrator.lock:
            for cluster in self.ecs.definitions.backend.clusters.values():
                tasks = [task for task in self.ecs.orchestrator.fleet.live.values() if task.cluster == cluster.name]
                cluster.running_tasks_count = sum(task.last_status == RUNNING for task in tasks)
                cluster.pending_tasks_count = sum(task.last_status in STARTING for task in tasks)
                cluster.active_services_count = len(self._services_in(cluster.name))
        return super().describe_clusters()

    def delete_cluster(self) -> ActionResult:
        """DeleteCluster: refused while it has services or tasks."""
        cluster = self.ecs.definitions.cluster_arn(self._get_param("cluster")).rpartition("/")[2]
        with self.ecs.orchestrator.lock:
            if self._services_in(cluster):
                message = "The Cluster cannot be deleted while Services are active."
                raise ecs_error("ClusterContainsServicesException", message)
            if any(task.cluster == cluster for task in self.ecs.orchestrator.fleet.live.values()):
                message = "The Cluster cannot be deleted while Tasks are active."
                raise ecs_error("ClusterContainsTasksException", message)
            return super().delete_cluster()

    def register_task_definition(self) -> ActionResult:
        """RegisterTaskDefinition: one at a time, or two calls get the same revision; with its time."""
        with self.ecs.orchestrator.lock:
            result = super().register_task_definition()
            registered = cast("dict[str, Any]", result.result)["taskDefinition"]
            registered.registered_at = moment(self.ecs.orchestrator.clock())
        return result

    def describe_task_definition(self) -> ActionResult:
        """DescribeTaskDefinition: a family alone means its latest ACTIVE revision."""
        found = self.ecs.definitions.find(self._get_param("taskDefinition"))
        answer = {"taskDefinition": found}
        if "TAGS" in (self._get_param("include") or []):
            answer["tags"] = found.tags
        return ActionResult(answer)

    def list_task_definitions(self) -> ActionResult:
        """ListTaskDefinitions, in pages, by family and revision."""
        given = dict(self._get_params())
        arns = self.ecs.definitions.arns(given.get("familyPrefix"), given.get("status") or "ACTIVE")
        descending = given.get("sort") == "DESC"
        keyed = {_revision_key(arn): arn for arn in arns}
        keys, token = page(sorted(keyed, reverse=descending), given, default=100, descending=descending)
        return ActionResult({"taskDefinitionArns": [keyed[key] for key in keys], "nextToken": token})

    def _is_ours(self) -> bool:
        return self.ecs.tagging.owns(self._get_param("resourceArn"))

    def _services_in(self, cluster: str) -> list[Service]:
        services = self.ecs.orchestrator.fleet.services.values()
        return [service for service in services if service.cluster == cluster and service.status != "INACTIVE"]


def _revision_key(arn: str) -> str:
    """A key by which the ARNs of task definitions sort by family, then by revision as a number."""
    family, _, revision = arn.rpartition("/")[2].partition(":")
    return f"{family}:{int(revision):010d}"
