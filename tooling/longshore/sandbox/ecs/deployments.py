"""The operations on service deployments: each takes parameters and returns the response, as plain dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from longshore.sandbox.ecs import hooks, service_checks
from longshore.sandbox.ecs.definitions import ecs_error
from longshore.sandbox.ecs.fleet import Deployment, Fleet, Service
from longshore.sandbox.ecs.paging import page
from longshore.sandbox.ecs.services import Services
from longshore.sandbox.ecs.shapes import (
    moment,
    service_deployment_arn,
    service_deployment_brief,
    service_deployment_shape,
    service_revision_arn,
    service_revision_shape,
)

Parameters = Mapping[str, Any]
Answer = dict[str, Any]


class Deployments:
    """ListServiceDeployments and related operations."""

    def __init__(self, fleet: Fleet, services: Services) -> None:
        self._fleet = fleet
        self._services = services

    def list_deployments(self, parameters: Parameters) -> Answer:
        """ListServiceDeployments: newest first."""
        service = self._services.find(parameters.get("cluster"), parameters["service"])
        span = parameters.get("createdAt") or {}
        chosen = {
            f"{deployment.created_at:017.6f} {deployment.number}": deployment
            for deployment in service.service_deployments
            if deployment.shown_status in (parameters.get("status") or [deployment.shown_status])
            and _within(deployment, span.get("after"), span.get("before"))
        }
        keys, token = page(sorted(chosen, reverse=True), parameters, default=20, descending=True)
        briefs = [service_deployment_brief(service, chosen[key]) for key in keys]
        return {"serviceDeployments": briefs, "nextToken": token}

    def describe(self, parameters: Parameters) -> Answer:
        """DescribeServiceDeployments."""
        arns = parameters.get("serviceDeploymentArns") or []
        if not 1 <= len(arns) <= 20:
            raise ecs_error("InvalidParameterException", "serviceDeploymentArns must have between 1 and 20 members.")
        answer: Answer = {"serviceDeployments": [], "failures": []}
        for arn in arns:
            match = self._find(arn, service_deployment_arn)
            if match and match[1] in match[0].service_deployments:
                shape = service_deployment_shape(*match, self._fleet.live_of(match[0]))
                answer["serviceDeployments"].append(shape)
            else:
                answer["failures"].append({"arn": arn, "reason": "MISSING"})
        return answer

    def revisions(self, parameters: Parameters) -> Answer:
        """DescribeServiceRevisions."""
        answer: Answer = {"serviceRevisions": [], "failures": []}
        for arn in parameters.get("serviceRevisionArns") or []:
            match = self._find(arn, service_revision_arn)
            if match:
                answer["serviceRevisions"].append(service_revision_shape(*match))
            else:
                answer["failures"].append({"arn": arn, "reason": "MISSING"})
        return answer

    def stop(self, parameters: Parameters) -> Answer:
        """StopServiceDeployment: rolls back to the latest completed revision, even if the circuit breaker is off."""
        arn = parameters["serviceDeploymentArn"]
        if parameters.get("stopType") not in (None, "ROLLBACK"):
            message = f"Invalid stopType: {parameters['stopType']}. Valid values: ROLLBACK."
            raise ecs_error("InvalidParameterException", message)
        match = self._find(arn, service_deployment_arn)
        if match is None:
            raise ecs_error("ServiceDeploymentNotFoundException", f"Service deployment not found: {arn}")
        deployment = match[1]
        if deployment.status == "ROLLBACK_REQUESTED":
            return {"serviceDeploymentArn": arn}
        if deployment.status not in ("PENDING", "IN_PROGRESS"):
            message = f"The service deployment cannot be stopped: its status is {deployment.status}."
            raise ecs_error("ConflictException", message)
        deployment.status, deployment.stop_requested = "ROLLBACK_REQUESTED", True
        return {"serviceDeploymentArn": arn}

    def continue_(self, parameters: Parameters) -> Answer:
        """ContinueServiceDeployment: answers a pause hook at which the deployment waits."""
        arn, action = parameters["serviceDeploymentArn"], parameters.get("action") or "CONTINUE"
        service_checks.check_values("ContinueServiceDeployment", parameters)
        match = self._find(arn, service_deployment_arn)
        if match is None:
            raise ecs_error("ServiceDeploymentNotFoundException", f"Service deployment not found: {arn}")
        service, deployment = match
        paused = service.at_hooks(deployment)
        if not paused.rolls_back and deployment.status != "IN_PROGRESS":
            message = f"The service deployment cannot be continued: its status is {deployment.status}."  # text unknown
            raise ecs_error("InvalidParameterException", message)
        hooks.answer(paused, parameters["hookId"], action)
        return {"serviceDeploymentArn": arn}

    def _find(self, arn: str, arn_of: Callable[[Service, Deployment], str]) -> tuple[Service, Deployment] | None:
        """Find a deployment by the ARN of its service deployment, or of its service revision."""
        parts = arn.split("/")
        service = self._fleet.services.get((parts[1], parts[2])) if len(parts) == 4 else None
        if service is None:
            return None
        return next(((service, deployed) for deployed in service.history if arn_of(service, deployed) == arn), None)


def _within(deployment: Deployment, after: Any, before: Any) -> bool:
    created = moment(deployment.listed_at)
    if created is None:
        return False
    return (after is None or created >= _naive(after)) and (before is None or created <= _naive(before))


def _naive(time: Any) -> Any:
    return time.replace(tzinfo=None)
