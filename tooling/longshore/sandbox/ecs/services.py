"""The service operations of the ECS API: parameters in, answer out, as plain dictionaries in its field names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longshore.sandbox.ecs.definitions import Definitions, ecs_error
from longshore.sandbox.ecs.fleet import Service
from longshore.sandbox.ecs.orchestrator import Orchestrator
from longshore.sandbox.ecs.paging import page
from longshore.sandbox.ecs.shapes import DEPLOYMENT_DEFAULTS, SERVICE_DEFAULTS, service_shape
from longshore.sandbox.ecs.tasks import front_port

Parameters = Mapping[str, Any]
Answer = dict[str, Any]

_SETTINGS = (
    *SERVICE_DEFAULTS,
    "capacityProviderStrategy",
    "healthCheckGracePeriodSeconds",
    "launchType",
    "networkConfiguration",
    "platformVersion",
    "serviceConnectConfiguration",
    "volumeConfigurations",
)
# A change of one of these is a new deployment; of another (a count, percentages) it is not (ECS API, UpdateService).
_REDEPLOYS = (
    "capacityProviderStrategy",
    "enableExecuteCommand",
    "loadBalancers",
    "networkConfiguration",
    "platformVersion",
    "serviceConnectConfiguration",
    "serviceRegistries",
    "volumeConfigurations",
)


class Services:
    """CreateService and its kin."""

    def __init__(self, orchestrator: Orchestrator, definitions: Definitions) -> None:
        self._orchestrator = orchestrator
        self._fleet = orchestrator.fleet
        self._definitions = definitions

    def create(self, given: Parameters) -> Answer:
        """CreateService."""
        cluster = self._definitions.cluster_arn(given.get("cluster"))
        task_definition, definition = self._definitions.runnable(given["taskDefinition"])
        settings = _settings(SERVICE_DEFAULTS, given)
        _check(settings, definition)
        if again := self._created_before(cluster, given):
            return {"service": service_shape(again, self._fleet.live_of(again), tags=True)}
        service = Service(
            name=given["serviceName"],
            arn=f"{cluster.replace(':cluster/', ':service/')}/{given['serviceName']}",
            cluster=cluster.rpartition("/")[2],
            cluster_arn=cluster,
            desired=given.get("desiredCount") or 0,
            created_at=self._orchestrator.clock(),
            settings=settings,
            tags=given.get("tags") or [],
            asked=dict(given),
        )
        if given.get("role"):
            settings["roleArn"] = given["role"]
        self._orchestrator.deploy(
            service, task_definition, definition, front_port(definition, settings["loadBalancers"])
        )
        self._fleet.services[service.cluster, service.name] = service
        return {"service": service_shape(service, [], tags=True)}

    def update(self, given: Parameters) -> Answer:
        """UpdateService."""
        service = self.find(given.get("cluster"), given["service"])
        if service.status != "ACTIVE":
            raise ecs_error("ServiceNotActiveException", "Service was not ACTIVE.")
        primary = service.primary
        task_definition, definition = primary.task_definition, primary.definition
        if given.get("taskDefinition"):
            task_definition, definition = self._definitions.runnable(given["taskDefinition"])
        settings = _settings(service.settings, given)
        _check(settings, definition)
        moves = task_definition != primary.task_definition or given.get("forceNewDeployment")
        moves = moves or any(settings.get(name) != service.settings.get(name) for name in _REDEPLOYS)
        service.settings = settings
        if given.get("desiredCount") is not None and given["desiredCount"] != service.desired:
            service.desired, service.steady = given["desiredCount"], False
        if moves:
            port = front_port(definition, settings["loadBalancers"])
            self._orchestrator.deploy(service, task_definition, definition, port)
        return {"service": service_shape(service, self._fleet.live_of(service), tags=True)}

    def delete(self, given: Parameters) -> Answer:
        """DeleteService."""
        service = self.find(given.get("cluster"), given["service"])
        if service.status == "INACTIVE":
            raise ecs_error("ServiceNotFoundException", "Service not found.")
        if service.desired and not given.get("force"):
            raise ecs_error("InvalidParameterException", "The service cannot be stopped while it is scaled above 0.")
        self._orchestrator.retire(service)
        return {"service": service_shape(service, self._fleet.live_of(service), tags=True)}

    def describe(self, given: Parameters) -> Answer:
        """DescribeServices."""
        cluster = self._definitions.cluster_arn(given.get("cluster"))
        names = given.get("services") or []
        if not 1 <= len(names) <= 10:
            raise ecs_error("InvalidParameterException", "Services must have between 1 and 10 members.")
        answer: Answer = {"services": [], "failures": []}
        for name in names:
            service = self._fleet.service(cluster.rpartition("/")[2], name)
            if service:
                tags = "TAGS" in (given.get("include") or [])
                answer["services"].append(service_shape(service, self._fleet.live_of(service), tags=tags))
            else:
                arn = f"{cluster.replace(':cluster/', ':service/')}/{name.rpartition('/')[2]}"
                answer["failures"].append({"arn": arn, "reason": "MISSING"})
        return answer

    def list_services(self, given: Parameters) -> Answer:
        """ListServices."""
        cluster = self._definitions.cluster_arn(given.get("cluster")).rpartition("/")[2]
        arns = [
            service.arn
            for service in self._fleet.services.values()
            if service.cluster == cluster
            and service.status != "INACTIVE"
            and given.get("launchType") in (None, service.settings.get("launchType"))
            and given.get("schedulingStrategy") in (None, service.settings["schedulingStrategy"])
        ]
        arns, token = page(sorted(arns), given, default=10)
        return {"serviceArns": arns, "nextToken": token}

    def find(self, cluster: str | None, reference: str) -> Service:
        """Find a service.

        Args:
            cluster: name or ARN of its cluster; None for ``default``.
            reference: name or ARN of the service.

        Raises:
            ServiceException: ClusterNotFoundException, ServiceNotFoundException.
        """
        service = self._fleet.service(self._definitions.cluster_arn(cluster).rpartition("/")[2], reference)
        if service is None:
            raise ecs_error("ServiceNotFoundException", "Service not found.")
        return service

    def _created_before(self, cluster: str, given: Parameters) -> Service | None:
        """The service of this name, if it was asked for with the same parameters: CreateService is idempotent."""
        old = self._fleet.service(cluster.rpartition("/")[2], given["serviceName"])
        if old and old.status == "ACTIVE" and old.asked == given:
            return old
        if old and old.status == "ACTIVE":
            raise ecs_error("InvalidParameterException", "Creation of service was not idempotent.")
        if old and old.status == "DRAINING":
            raise ecs_error("InvalidParameterException", "Unable to Start a service that is still Draining.")
        return None


def _settings(before: Mapping[str, Any], given: Parameters) -> dict[str, Any]:
    """The settings that hold once a call's parameters are taken in."""
    after = {**before, **{name: given[name] for name in _SETTINGS if given.get(name) is not None}}
    configuration = given.get("deploymentConfiguration") or {}
    after["deploymentConfiguration"] = {
        **DEPLOYMENT_DEFAULTS,
        **before.get("deploymentConfiguration", {}),
        **{name: value for name, value in configuration.items() if value is not None},
    }
    if not after.get("capacityProviderStrategy"):
        after.setdefault("launchType", "EC2")
    if after.get("launchType") == "FARGATE":
        after.setdefault("platformVersion", "LATEST")
    network = (after.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    if network:
        filled = {"securityGroups": [], "assignPublicIp": "DISABLED", **network}
        after["networkConfiguration"] = {"awsvpcConfiguration": filled}
    return after


def _check(settings: Mapping[str, Any], definition: Mapping[str, Any]) -> None:
    """Refuse what ECS refuses, and what the sandbox does not play."""
    if settings["deploymentController"].get("type") != "ECS" or settings["schedulingStrategy"] != "REPLICA":
        message = "The sandbox supports REPLICA services under the ECS controller only."
        raise ecs_error("InvalidParameterException", message)
    if definition.get("networkMode") == "awsvpc" and not settings.get("networkConfiguration"):
        message = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        raise ecs_error("InvalidParameterException", message)
