"""All tasks of a deployment run the same images, even if a tag moves (ECS calls it software version consistency).

ECS resolves the tag of each container to a digest when it deploys, and starts all further tasks with that digest, when
it scales out later as well (API, ContainerImage;
https://aws.amazon.com/about-aws/whats-new/2024/07/amazon-ecs-software-version-consistency-containerized-applications).
A rollback uses the service revision that it returns to, with its digests. A one-off task resolves its tags itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docker.utils import parse_repository_tag

from longshore.sandbox.ecs.fleet import Deployment, Task
from longshore.sandbox.ecs.runtime import Launch


def establish(deployment: Deployment, task: Task) -> None:
    """Keep the digests of a deployment's first task.

    A container with `versionConsistency` disabled is pulled by its tag each time (API, ContainerDefinition).
    """
    fixed = {
        container["name"]
        for container in deployment.definition["containerDefinitions"]
        if container.get("versionConsistency") != "disabled"
    }
    for container in task.containers:
        if container.image_digest and container.name in fixed:
            deployment.digests.setdefault(container.name, container.image_digest)


def image_of(launch: Launch, container: Mapping[str, Any]) -> str:
    """The image that a task pulls for a container: by the digest of its deployment, else as the definition names it."""
    digest = launch.digests.get(container["name"])
    return f"{parse_repository_tag(container['image'])[0]}@{digest}" if digest else str(container["image"])
