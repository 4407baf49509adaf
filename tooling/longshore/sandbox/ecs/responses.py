"""The ECS API for moto's server: routes operations to the sandbox's ECS, and leaves the rest to moto."""

from __future__ import annotations

from typing import Any, cast

from moto.core.responses import ActionResult
from moto.ecs.responses import EC2ContainerServiceResponse

from longshore.sandbox.ecs import definition_checks, fields, service_checks
from longshore.sandbox.ecs.api import Ecs, Operation
from longshore.sandbox.ecs.definitions import ecs_error
from longshore.sandbox.ecs.fleet import RUNNING, STARTING, Service
from longshore.sandbox.ecs.paging import page
from longshore.sandbox.ecs.shapes import moment

_ONLY_RECORDED = (
    "CreateTaskSet",
    "DeleteTaskSet",
    "DeregisterContainerInstance",
    "DescribeTaskSets",
    "RegisterContainerInstance",
    "StartTask",
    "UpdateContainerInstancesState",
    "UpdateServicePrimaryTaskSet",
    "UpdateTaskSet",
)
"""Operations that moto answers from its own records, in which nothing runs: they would pretend."""


class EcsResponse(EC2ContainerServiceResponse):
    """Answers the ECS API. Operations that are not overridden are moto's, except those that only pretend."""

    ecs: Ecs

    def __init__(self) -> None:
        super().__init__()
        # moto shares it in the class and changes it at each Describe, while other calls are in progress
        self.RESPONSE_KEY_PATH_TO_TRANSFORMER = dict(self.RESPONSE_KEY_PATH_TO_TRANSFORMER)

    def call_action(self) -> Any:
        """Answer a call; operations that moto would only record are not played."""
        if self._get_action() in _ONLY_RECORDED:
            raise NotImplementedError(self._get_action())
        return super().call_action()

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

    def continue_service_deployment(self) -> ActionResult:
        """ContinueServiceDeployment."""
        return self._answer(self.ecs.deployments.continue_)

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
        return self._answer(self.ecs.tagging.tag) if self._is_tagged_here() else super().tag_resource()

    def untag_resource(self) -> ActionResult:
        """UntagResource."""
        return self._answer(self.ecs.tagging.untag) if self._is_tagged_here() else super().untag_resource()

    def list_tags_for_resource(self) -> ActionResult:
        """ListTagsForResource."""
        return self._answer(self.ecs.tagging.list_tags) if self._is_tagged_here() else super().list_tags_for_resource()

    def create_cluster(self) -> ActionResult:
        """CreateCluster; an active cluster of that name is returned as it is (moto would replace it).

        Quoted by users of Terraform's provider: github.com/hashicorp/terraform-provider-aws, issues 38875 and 44817.
        """
        name = self._get_param("clusterName") or "default"
        with self.ecs.orchestrator.lock:
            existing = self.ecs.definitions.backend.clusters.get(name)
            if existing and existing.status == "ACTIVE":
                return ActionResult({"cluster": existing})
            return super().create_cluster()

    def describe_clusters(self) -> ActionResult:
        """DescribeClusters, with the counts of the running tasks and active services."""
        with self.ecs.orchestrator.lock:
            for cluster in self.ecs.definitions.backend.clusters.values():
                tasks = [task for task in self.ecs.orchestrator.fleet.live.values() if task.cluster == cluster.name]
                cluster.running_tasks_count = sum(task.last_status == RUNNING for task in tasks)
                cluster.pending_tasks_count = sum(task.last_status in STARTING for task in tasks)
                cluster.active_services_count = len(self._services_in(cluster.name))
        return super().describe_clusters()

    def describe_container_instances(self) -> ActionResult:
        """DescribeContainerInstances: all are missing (moto fails if a cluster has none)."""
        cluster = self.ecs.definitions.cluster_arn(self._get_param("cluster")).rpartition("/")[2]
        self.ecs.definitions.backend.container_instances.setdefault(cluster, {})
        return super().describe_container_instances()

    def describe_capacity_providers(self) -> ActionResult:
        """DescribeCapacityProviders; without names, all of the account (moto requires names)."""
        backend = self.ecs.definitions.backend
        names = self._get_param("capacityProviders") or list(backend.capacity_providers)
        providers, failures = backend.describe_capacity_providers(names)
        return ActionResult({"capacityProviders": providers, "failures": failures})

    def delete_cluster(self) -> ActionResult:
        """DeleteCluster, which is refused for a cluster with services or tasks."""
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
        """RegisterTaskDefinition, one call at a time, because moto would give two calls the same revision."""
        parameters = dict(self._get_params())
        service_checks.check_values("RegisterTaskDefinition", parameters, "ClientException")
        fields.refuse(parameters, fields.TASK_DEFINITION, "ClientException")
        definition_checks.check_log_regions(parameters, self.ecs.definitions.backend.region_name)
        definition_checks.check_definition(parameters, self.ecs.registry)
        for size in ("cpu", "memory"):  # "1 vCPU" is registered as 1024 (ECS API, cpu)
            if parameters.get(size):
                self.params[size] = str(definition_checks.units(parameters[size]))
        with self.ecs.orchestrator.lock:
            result = super().register_task_definition()
            registered = cast("dict[str, Any]", result.result)["taskDefinition"]
            self.ecs.definitions.number(registered)
            registered.registered_at = moment(self.ecs.orchestrator.clock())
        return result

    def describe_task_definition(self) -> ActionResult:
        """DescribeTaskDefinition; a family without revision means its latest ACTIVE one."""
        definition = self.ecs.definitions.find(self._get_param("taskDefinition"))
        answer = {"taskDefinition": definition}
        if "TAGS" in (self._get_param("include") or []):
            answer["tags"] = definition.tags
        return ActionResult(answer)

    def list_task_definitions(self) -> ActionResult:
        """ListTaskDefinitions, in pages, by family and revision."""
        parameters = dict(self._get_params())
        arns = self.ecs.definitions.arns(parameters.get("familyPrefix"), parameters.get("status") or "ACTIVE")
        descending = parameters.get("sort") == "DESC"
        keyed = {_revision_key(arn): arn for arn in arns}
        keys, token = page(sorted(keyed, reverse=descending), parameters, default=100, descending=descending)
        return ActionResult({"taskDefinitionArns": [keyed[key] for key in keys], "nextToken": token})

    def _is_tagged_here(self) -> bool:
        return self.ecs.tagging.owns(self._get_param("resourceArn"))

    def _services_in(self, cluster: str) -> list[Service]:
        services = self.ecs.orchestrator.fleet.services.values()
        return [service for service in services if service.cluster == cluster and service.status != "INACTIVE"]


def _revision_key(arn: str) -> str:
    """A key that sorts ARNs of task definitions by family, then by the number of the revision."""
    family, _, revision = arn.rpartition("/")[2].partition(":")
    return f"{family}:{int(revision):010d}"
