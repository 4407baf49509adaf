"""The operations on services: each takes parameters and returns the response, as plain dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longshore.sandbox.ecs import fields, hooks, service_checks
from longshore.sandbox.ecs.definitions import Definitions, ecs_error
from longshore.sandbox.ecs.deployment_checks import check_deployment
from longshore.sandbox.ecs.fleet import Service
from longshore.sandbox.ecs.orchestrator import Orchestrator
from longshore.sandbox.ecs.paging import page
from longshore.sandbox.ecs.shapes import DEPLOYMENT_DEFAULTS, SERVICE_DEFAULTS, service_shape
from longshore.sandbox.ecs.tasks import load_balancer_port

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
# Changing one of these starts a deployment; changing others (a count, percentages) does not (ECS API, UpdateService).
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
    """CreateService and related operations."""

    def __init__(self, orchestrator: Orchestrator, definitions: Definitions) -> None:
        self._orchestrator = orchestrator
        self._fleet = orchestrator.fleet
        self._definitions = definitions

    def create(self, parameters: Parameters) -> Answer:
        """CreateService."""
        cluster = self._definitions.cluster_arn(parameters.get("cluster"))
        service_checks.check_values("CreateService", parameters)
        fields.refuse(parameters, fields.SERVICE)
        hooks.check(parameters)
        service_checks.check_service(parameters, new=True)
        task_definition, definition = self._definitions.runnable(parameters["taskDefinition"])
        given = self._definitions.with_default_strategy(cluster, parameters)
        settings = _settings(SERVICE_DEFAULTS, given)
        self._check(given, settings, definition, cluster)
        if existing := self._created_before(cluster, parameters):
            return {"service": service_shape(existing, self._fleet.live_of(existing), tags=True)}
        service = Service(
            name=parameters["serviceName"],
            arn=f"{cluster.replace(':cluster/', ':service/')}/{parameters['serviceName']}",
            cluster=cluster.rpartition("/")[2],
            cluster_arn=cluster,
            desired=parameters.get("desiredCount") or 0,
            created_at=self._orchestrator.clock(),
            settings=settings,
            tags=parameters.get("tags") or [],
            created_with=dict(parameters),
        )
        if parameters.get("role"):
            settings["roleArn"] = parameters["role"]
        self._orchestrator.deploy(
            service, task_definition, definition, load_balancer_port(definition, settings["loadBalancers"])
        )
        self._fleet.services[service.cluster, service.name] = service
        return {"service": service_shape(service, [], tags=True)}

    def update(self, parameters: Parameters) -> Answer:
        """UpdateService."""
        service = self.find(parameters.get("cluster"), parameters["service"])
        if service.status != "ACTIVE":
            raise ecs_error("ServiceNotActiveException", "Service was not ACTIVE.")
        service_checks.check_values("UpdateService", parameters)
        fields.refuse(parameters, fields.SERVICE)
        hooks.check(parameters)
        service_checks.check_service(parameters, new=False)
        primary = service.primary
        task_definition, definition = primary.task_definition, primary.definition
        if parameters.get("taskDefinition"):
            task_definition, definition = self._definitions.runnable(parameters["taskDefinition"])
        settings = _settings(service.settings, parameters)
        self._check(parameters, settings, definition, service.cluster_arn)
        redeploys = task_definition != primary.task_definition or parameters.get("forceNewDeployment")
        redeploys = redeploys or any(settings.get(name) != service.settings.get(name) for name in _REDEPLOYS)
        service.settings = settings
        count = parameters.get("desiredCount")
        if not redeploys and count is not None:
            service.scale(count)
        elif redeploys:
            port = load_balancer_port(definition, settings["loadBalancers"])
            self._orchestrator.deploy(service, task_definition, definition, port)
            service.desired = service.desired if count is None else count  # of PRIMARY only
        return {"service": service_shape(service, self._fleet.live_of(service), tags=True)}

    def delete(self, parameters: Parameters) -> Answer:
        """DeleteService."""
        service = self.find(parameters.get("cluster"), parameters["service"])
        if service.status == "INACTIVE":
            raise ecs_error("ServiceNotFoundException", "Service not found.")
        if service.desired and not parameters.get("force"):
            raise ecs_error("InvalidParameterException", "The service cannot be stopped while it is scaled above 0.")
        self._orchestrator.retire(service)
        return {"service": service_shape(service, self._fleet.live_of(service), tags=True)}

    def describe(self, parameters: Parameters) -> Answer:
        """DescribeServices."""
        cluster = self._definitions.cluster_arn(parameters.get("cluster"))
        names = parameters.get("services") or []
        if not names:
            raise ecs_error("InvalidParameterException", "Services cannot be empty.")  # quoted in public code
        if len(names) > 10:
            raise ecs_error("InvalidParameterException", "Services must have between 1 and 10 members.")
        answer: Answer = {"services": [], "failures": []}
        for name in names:
            service = self._fleet.service(cluster.rpartition("/")[2], name)
            if service:
                tags = "TAGS" in (parameters.get("include") or [])
                answer["services"].append(service_shape(service, self._fleet.live_of(service), tags=tags))
            else:
                arn = f"{cluster.replace(':cluster/', ':service/')}/{name.rpartition('/')[2]}"
                answer["failures"].append({"arn": arn, "reason": "MISSING"})
        return answer

    def list_services(self, parameters: Parameters) -> Answer:
        """ListServices."""
        cluster = self._definitions.cluster_arn(parameters.get("cluster")).rpartition("/")[2]
        arns = [
            service.arn
            for service in self._fleet.services.values()
            if service.cluster == cluster
            and service.status != "INACTIVE"
            and parameters.get("launchType") in (None, service.settings.get("launchType"))
            and parameters.get("schedulingStrategy") in (None, service.settings["schedulingStrategy"])
        ]
        arns, token = page(sorted(arns), parameters, default=10)
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

    def _check(
        self, parameters: Parameters, settings: Mapping[str, Any], definition: Mapping[str, Any], cluster: str
    ) -> None:
        """Refuse settings that ECS refuses; those of an existing service only if the call names them."""
        if parameters.get("deploymentConfiguration"):
            check_deployment(settings["deploymentConfiguration"], self._orchestrator.alarm_states())
        if definition.get("networkMode") == "awsvpc" and not settings.get("networkConfiguration"):
            message = "Network Configuration must be provided when networkMode 'awsvpc' is specified."
            raise ecs_error("InvalidParameterException", message)
        relevant = {**parameters, "launchType": settings.get("launchType")}
        if parameters.get("taskDefinition"):
            relevant["loadBalancers"] = settings["loadBalancers"]
        name = cluster.rpartition("/")[2]
        service_checks.check_references(relevant, definition, self._definitions.backend, name)

    def _created_before(self, cluster: str, parameters: Parameters) -> Service | None:
        """The existing service, if it was created with the same parameters: CreateService is idempotent."""
        old = self._fleet.service(cluster.rpartition("/")[2], parameters["serviceName"])
        if old and old.status == "ACTIVE" and old.created_with == parameters:
            return old
        if old and old.status == "ACTIVE":
            raise ecs_error("InvalidParameterException", "Creation of service was not idempotent.")
        if old and old.status == "DRAINING":
            raise ecs_error("InvalidParameterException", "Unable to Start a service that is still Draining.")
        return None


def _settings(before: Mapping[str, Any], parameters: Parameters) -> dict[str, Any]:
    """The settings after a call's parameters."""
    after = {**before, **{name: parameters[name] for name in _SETTINGS if parameters.get(name) is not None}}
    configuration = parameters.get("deploymentConfiguration") or {}
    earlier = {**DEPLOYMENT_DEFAULTS, **before.get("deploymentConfiguration", {})}
    after["deploymentConfiguration"] = {**earlier, **_given(configuration)}
    # A call that names a part of the circuit breaker's settings keeps the others (quoted: go-to-k/cdkd#1861).
    breaker = {**earlier["deploymentCircuitBreaker"], **_given(configuration.get("deploymentCircuitBreaker") or {})}
    after["deploymentConfiguration"]["deploymentCircuitBreaker"] = breaker
    if not after.get("capacityProviderStrategy"):
        after.setdefault("launchType", "EC2")
    if after.get("launchType") == "FARGATE":
        after.setdefault("platformVersion", "LATEST")
    network = (after.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    if network:
        defaults = {"securityGroups": [], "assignPublicIp": "DISABLED", **network}
        after["networkConfiguration"] = {"awsvpcConfiguration": defaults}
    return after


def _given(parameters: Parameters) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}
