"""The service deployment operations of the ECS API: parameters in, answer out, as plain dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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
    """ListServiceDeployments and its kin."""

    def __init__(self, fleet: Fleet, services: Services) -> None:
        self._fleet = fleet
        self._services = services

    def list_deployments(self, given: Parameters) -> Answer:
        """ListServiceDeployments: newest first."""
        service = self._services.find(given.get("cluster"), given["service"])
        span = given.get("createdAt") or {}
        chosen = {
            f"{deployment.created_at:017.6f} {deployment.number}": deployment
            for deployment in service.service_deployments
            if deployment.status in (given.get("status") or [deployment.status])
            and _within(deployment, span.get("after"), span.get("before"))
        }
        keys, token = page(sorted(chosen, reverse=True), given, default=20, descending=True)
        briefs = [service_deployment_brief(service, chosen[key]) for key in keys]
        return {"serviceDeployments": briefs, "nextToken": token}

    def describe(self, given: Parameters) -> Answer:
        """DescribeServiceDeployments."""
        arns = given.get("serviceDeploymentArns") or []
        if not 1 <= len(arns) <= 20:
            raise ecs_error("InvalidParameterException", "serviceDeploymentArns must have between 1 and 20 members.")
        answer: Answer = {"serviceDeployments": [], "failures": []}
        for arn in arns:
            found = self._find(arn, service_deployment_arn)
            if found and not found[1].rolls_back:
                shape = service_deployment_shape(*found, self._fleet.live_of(found[0]))
                answer["serviceDeployments"].append(shape)
            else:
                answer["failures"].append({"arn": arn, "reason": "MISSING"})
        return answer

    def revisions(self, given: Parameters) -> Answer:
        """DescribeServiceRevisions."""
        answer: Answer = {"serviceRevisions": [], "failures": []}
        for arn in given.get("serviceRevisionArns") or []:
            found = self._find(arn, service_revision_arn)
            if found:
                shape = service_revision_shape(*found, self._fleet.of_service(found[0]))
                answer["serviceRevisions"].append(shape)
            else:
                answer["failures"].append({"arn": arn, "reason": "MISSING"})
        return answer

    def stop(self, given: Parameters) -> Answer:
        """StopServiceDeployment: a roll-back to what completed last, whether the circuit breaker is on or not."""
        arn = given["serviceDeploymentArn"]
        if given.get("stopType") not in (None, "ROLLBACK"):
            message = f"Invalid stopType: {given['stopType']}. Valid values: ROLLBACK."
            raise ecs_error("InvalidParameterException", message)
        found = self._find(arn, service_deployment_arn)
        if found is None:
            raise ecs_error("ServiceDeploymentNotFoundException", f"Service deployment not found: {arn}")
        deployment = found[1]
        if deployment.status not in ("PENDING", "IN_PROGRESS"):
            message = f"The service deployment can't be stopped: its status is {deployment.status}."
            raise ecs_error("ConflictException", message)
        deployment.status = "STOP_REQUESTED"
        return {"serviceDeploymentArn": arn}

    def _find(self, arn: str, named: Callable[[Service, Deployment], str]) -> tuple[Service, Deployment] | None:
        """Find a deployment by its ARN, as a service deployment or as that of its revision."""
        parts = arn.split("/")
        service = self._fleet.services.get((parts[1], parts[2])) if len(parts) == 4 else None
        if service is None:
            return None
        return next(((service, one) for one in service.history if named(service, one) == arn), None)


def _within(deployment: Deployment, after: Any, before: Any) -> bool:
    created = moment(deployment.created_at)
    return (after is None or created >= _naive(after)) and (before is None or created <= _naive(before))


def _naive(time: Any) -> Any:
    return time.replace(tzinfo=None)
