"""Application Auto Scaling on top of moto's, for the services of the sandbox's ECS.

Registering a target moves the count of its service into the bounds at once, as on AWS, and targets have tags, which
Terraform reads. Nothing is scaled afterwards: the sandbox has no metrics.
"""

from __future__ import annotations

import json
from typing import Protocol

from moto.applicationautoscaling import urls
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend, FakeScalableTarget
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.core.exceptions import JsonRESTError

_ROLE = "aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"
"""The service-linked role of ECS's services, which AWS uses even if a call names another (API, RegisterScalableTarget).
"""


class ScalableServices(Protocol):
    """The services whose counts are scaled, by cluster and name."""

    def has_service(self, cluster: str, name: str) -> bool:
        """Whether a cluster has a service that is not deleted."""

    def clamp_count(self, cluster: str, name: str, minimum: int, maximum: int) -> None:
        """Move the count of a service, if it is active, into these bounds."""


class EcsLookup:
    """The part of an ECS backend that registering a target needs."""

    def __init__(self, services: ScalableServices) -> None:
        self._services = services

    def describe_services(self, cluster: str, names: list[str]) -> tuple[list[str], list[str]]:
        """The names of existing and of missing services."""
        existing = [name for name in names if self._services.has_service(cluster, name)]
        return existing, [name for name in names if name not in existing]


class ScalingResponse(ApplicationAutoScalingResponse):
    """The sandbox's Application Auto Scaling."""

    services: ScalableServices

    @property
    def applicationautoscaling_backend(self) -> ApplicationAutoscalingBackend:
        """The account's targets and policies."""
        backend = super().applicationautoscaling_backend
        backend.ecs_backend = EcsLookup(self.services)  # type: ignore[assignment]
        return backend

    def register_scalable_target(self) -> str:
        """RegisterScalableTarget, with tags.

        It moves the count of an active service into both bounds, even if the call names only one
        (https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html).
        """
        answer = super().register_scalable_target()
        target = self._target(json.loads(answer)["ScalableTargetARN"])
        _tags(target).update(self._get_param("Tags") or {})
        if target.service_namespace == "ecs":
            target.role_arn = f"arn:aws:iam::{self.current_account}:role/{_ROLE}"
            _, cluster, service = target.resource_id.split("/")
            self.services.clamp_count(cluster, service, target.min_capacity or 0, target.max_capacity or 0)
        return answer

    def tag_resource(self) -> str:
        """TagResource."""
        self._named_tags().update(self._get_param("Tags"))
        return "{}"

    def untag_resource(self) -> str:
        """UntagResource."""
        tags = self._named_tags()
        for key in self._get_param("TagKeys"):
            tags.pop(key, None)
        return "{}"

    def list_tags_for_resource(self) -> str:
        """ListTagsForResource."""
        return json.dumps({"Tags": self._named_tags()})

    def _named_tags(self) -> dict[str, str]:
        """The tags of the target that the call names."""
        return _tags(self._target(self._get_param("ResourceARN")))

    def _target(self, arn: str) -> FakeScalableTarget:
        for targets in self.applicationautoscaling_backend.targets.values():
            for target in targets.values():
                if target.arn == arn:
                    return target
        raise JsonRESTError("ResourceNotFoundException", f"No scalable target found for resource ARN: {arn}")


def _tags(target: FakeScalableTarget) -> dict[str, str]:
    """The tags of a target, which can be changed; moto's target has no field for them."""
    tags: dict[str, str] = vars(target).setdefault("tags", {})
    return tags


def install(services: ScalableServices) -> None:
    """Replace moto's Application Auto Scaling; call this before moto's server starts."""
    ScalingResponse.services = services
    urls.url_paths["{0}/$"] = ScalingResponse.dispatch
