"""Application Auto Scaling: moto keeps targets and policies, and looks for their services in its own ECS.

Here they are looked for in the sandbox's, and targets have tags, which Terraform reads back. Nothing is scaled: there
are no metrics to scale by.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from moto.applicationautoscaling import urls
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend, FakeScalableTarget
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.core.exceptions import JsonRESTError

Exists = Callable[[str, str], bool]
"""Whether a cluster has a service that is not deleted, by their names."""


class Services:
    """As much of an ECS backend as a target's registration asks."""

    def __init__(self, exists: Exists) -> None:
        self._exists = exists

    def describe_services(self, cluster: str, names: list[str]) -> tuple[list[str], list[str]]:
        """Which of the services there are, and which not."""
        found = [name for name in names if self._exists(cluster, name)]
        return found, [name for name in names if name not in found]


class ScalingResponse(ApplicationAutoScalingResponse):
    """Application Auto Scaling as the sandbox plays it."""

    exists: Exists

    @property
    def applicationautoscaling_backend(self) -> ApplicationAutoscalingBackend:
        """The account's targets and policies."""
        backend = super().applicationautoscaling_backend
        backend.ecs_backend = Services(type(self).exists)  # type: ignore[assignment]
        return backend

    def register_scalable_target(self) -> str:
        """RegisterScalableTarget, with tags."""
        answer = super().register_scalable_target()
        if given := self._get_param("Tags"):
            self._tags_of(json.loads(answer)["ScalableTargetARN"]).update(given)
        return answer

    def tag_resource(self) -> str:
        """TagResource."""
        self._tags_of(self._get_param("ResourceARN")).update(self._get_param("Tags"))
        return "{}"

    def untag_resource(self) -> str:
        """UntagResource."""
        tags = self._tags_of(self._get_param("ResourceARN"))
        for key in self._get_param("TagKeys"):
            tags.pop(key, None)
        return "{}"

    def list_tags_for_resource(self) -> str:
        """ListTagsForResource."""
        return json.dumps({"Tags": self._tags_of(self._get_param("ResourceARN"))})

    def _tags_of(self, arn: str) -> dict[str, str]:
        """The tags of a target, to read and to change: they live and end with it."""
        for targets in self.applicationautoscaling_backend.targets.values():
            for target in targets.values():
                if target.arn == arn:
                    return _tags(target)
        raise JsonRESTError("ResourceNotFoundException", f"No scalable target found for resource ARN: {arn}")


def _tags(target: FakeScalableTarget) -> dict[str, str]:
    """The tags of a target, for which moto's have no place."""
    tags: dict[str, str] = vars(target).setdefault("tags", {})
    return tags


def install(exists: Exists) -> None:
    """Put this in the place of moto's; to be called before moto's server starts."""
    ScalingResponse.exists = staticmethod(exists)
    urls.url_paths["{0}/$"] = ScalingResponse.dispatch
