"""Application Auto Scaling: moto keeps targets and policies, and looks for their services in its own ECS.

Here they are looked for in the sandbox's; a registration moves their counts into its bounds at once, as AWS's does; and
targets have tags, which Terraform reads back. Nothing is scaled afterwards: there are no metrics to scale by.
"""

from __future__ import annotations

import json
from typing import Protocol

from moto.applicationautoscaling import urls
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend, FakeScalableTarget
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.core.exceptions import JsonRESTError


class ScalableServices(Protocol):
    """The services whose counts are scaled, by the names of their clusters and their own."""

    def has_service(self, cluster: str, name: str) -> bool:
        """Whether a cluster has a service that is not deleted."""

    def clamp_count(self, cluster: str, name: str, minimum: int, maximum: int) -> None:
        """Moves the count of a service, if it is active, into these bounds."""


class EcsLookup:
    """As much of an ECS backend as a target's registration asks."""

    def __init__(self, services: ScalableServices) -> None:
        self._services = services

    def describe_services(self, cluster: str, names: list[str]) -> tuple[list[str], list[str]]:
        """Which of the services there are, and which not."""
        found = [name for name in names if self._services.has_service(cluster, name)]
        return found, [name for name in names if name not in found]


class ScalingResponse(ApplicationAutoScalingResponse):
    """Application Auto Scaling as the sandbox plays it."""

    services: ScalableServices

    @property
    def applicationautoscaling_backend(self) -> ApplicationAutoscalingBackend:
        """The account's targets and policies."""
        backend = super().applicationautoscaling_backend
        backend.ecs_backend = EcsLookup(self.services)  # type: ignore[assignment]
        return backend

    def register_scalable_target(self) -> str:
        """RegisterScalableTarget, with tags.

        It moves the count of an active service into the bounds, whichever of them the call names
        (https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html).
        """
        answer = super().register_scalable_target()
        target = self._target(json.loads(answer)["ScalableTargetARN"])
        _tags(target).update(self._get_param("Tags") or {})
        if target.service_namespace == "ecs":
            _, cluster, service = target.resource_id.split("/")
            self.services.clamp_count(cluster, service, target.min_capacity or 0, target.max_capacity or 0)
        return answer

    def tag_resource(self) -> str:
        """TagResource."""
        self._asked().update(self._get_param("Tags"))
        return "{}"

    def untag_resource(self) -> str:
        """UntagResource."""
        tags = self._asked()
        for key in self._get_param("TagKeys"):
            tags.pop(key, None)
        return "{}"

    def list_tags_for_resource(self) -> str:
        """ListTagsForResource."""
        return json.dumps({"Tags": self._asked()})

    def _asked(self) -> dict[str, str]:
        """The tags of the target that the call names."""
        return _tags(self._target(self._get_param("ResourceARN")))

    def _target(self, arn: str) -> FakeScalableTarget:
        for targets in self.applicationautoscaling_backend.targets.values():
            for target in targets.values():
                if target.arn == arn:
                    return target
        raise JsonRESTError("ResourceNotFoundException", f"No scalable target found for resource ARN: {arn}")


def _tags(target: FakeScalableTarget) -> dict[str, str]:
    """The tags of a target, to read and to change: moto's have no place for them. They live and end with it."""
    tags: dict[str, str] = vars(target).setdefault("tags", {})
    return tags


def install(services: ScalableServices) -> None:
    """Put this in the place of moto's; to be called before moto's server starts."""
    ScalingResponse.services = services
    urls.url_paths["{0}/$"] = ScalingResponse.dispatch
