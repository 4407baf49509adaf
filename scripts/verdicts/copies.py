"""The copies of the service, one for each peer, and what is watched of all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import boto3

from scripts.verdicts.faults import Fault
from scripts.verdicts.project import CLUSTER, REPOSITORY, SERVICE, TASKS

LOOK = 0.3
SETTLES_WITHIN = 60.0
SAME_FAILURES = 3


class Copies:
    """The sandbox, by its API.

    Args:
        sandbox: the variables that lead to it.
    """

    def __init__(self, sandbox: dict[str, str]) -> None:
        make: Any = boto3.client
        given = {
            "endpoint_url": sandbox["AWS_ENDPOINT_URL"],
            "aws_access_key_id": sandbox["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": sandbox["AWS_SECRET_ACCESS_KEY"],
            "region_name": sandbox["AWS_DEFAULT_REGION"],
        }
        self.ecs = make("ecs", **given)
        self.ecr = make("ecr", **given)

    def service(self, name: str) -> dict[str, Any]:
        """A service."""
        return dict(self.ecs.describe_services(cluster=CLUSTER, services=[name])["services"][0])

    def register(self, name: str, tag: str) -> str:
        """Register what Longshore's service runs, with another tag, in a copy's own family; its ARN."""
        running = self.service(SERVICE)["taskDefinition"]
        content = self.ecs.describe_task_definition(taskDefinition=running)["taskDefinition"]
        (container,) = content["containerDefinitions"]
        variables = {entry["name"]: entry["value"] for entry in container["environment"]} | {"RELEASE_VERSION": tag}
        container |= {
            "image": f"{container['image'].rpartition(':')[0]}:{tag}",
            "environment": [{"name": key, "value": value} for key, value in variables.items()],
        }
        kept = ("networkMode", "requiresCompatibilities", "cpu", "memory", "executionRoleArn", "taskRoleArn", "volumes")
        made = self.ecs.register_task_definition(
            family=name, containerDefinitions=[container], **{key: content[key] for key in kept if content.get(key)}
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def create(self, name: str, revision: str) -> None:
        """Create a copy."""
        configuration = self.service(SERVICE)["deploymentConfiguration"]
        kept = ("deploymentCircuitBreaker", "maximumPercent", "minimumHealthyPercent")
        self.ecs.create_service(
            cluster=CLUSTER,
            serviceName=name,
            taskDefinition=revision,
            desiredCount=TASKS,
            deploymentConfiguration={key: configuration[key] for key in kept},
        )

    def restore(self, names: Sequence[str], tag: str) -> None:
        """Bring copies back to a good revision, and wait until they have settled there."""
        for name in names:
            revision = self.register(name, tag)
            self.ecs.update_service(cluster=CLUSTER, service=name, taskDefinition=revision)
        self.settle(names)

    def settle(self, names: Sequence[str]) -> None:
        """Wait until services have one deployment, which has completed."""
        until = time.monotonic() + SETTLES_WITHIN
        while time.monotonic() < until:
            found = [self.service(name)["deployments"] for name in names]
            if all(len(deployments) == 1 and deployments[0]["rolloutState"] == "COMPLETED" for deployments in found):
                return
            time.sleep(LOOK)
        raise RuntimeError(f"not settled after {SETTLES_WITHIN:.0f} s: {', '.join(names)}")

    def delete_image(self, tag: str) -> None:
        """Delete an image from the registry."""
        self.ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": tag}])

    def overtake(self, name: str, tag: str) -> None:
        """Deploy what nobody released."""
        self.ecs.update_service(cluster=CLUSTER, service=name, taskDefinition=self.register(name, tag))

    def third_failure(self, name: str, deployment: str) -> float | None:
        """When the third task of a deployment stopped by itself, in seconds since the epoch; None before it."""
        arns = self.ecs.list_tasks(cluster=CLUSTER, serviceName=name, desiredStatus="STOPPED")["taskArns"]
        tasks = self.ecs.describe_tasks(cluster=CLUSTER, tasks=arns[:100])["tasks"] if arns else []
        stopped = sorted(
            task["stoppedAt"].timestamp()
            for task in tasks
            if task.get("startedBy") == deployment and "stoppedAt" in task
        )
        return stopped[SAME_FAILURES - 1] if len(stopped) >= SAME_FAILURES else None


@dataclass
class Seen:
    """What was seen of one copy: when our deployment began, and from when on the truth could be known."""

    before: str
    deployment: str = ""
    revision: str = ""
    began: float | None = None
    known: float | None = None
    overtaken: bool = False


@dataclass
class Watch:
    """Looks at all copies of a fault, all the time, in a thread of its own.

    Attributes:
        began: set once Longshore's deployment has begun: the peers begin then.
    """

    copies: Copies
    fault: Fault
    names: Sequence[str]
    deadline: float
    others: str
    seen: dict[str, Seen] = field(default_factory=dict)
    began: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Watch:
        for name in self.names:
            self.seen[name] = Seen(before=self.copies.service(name)["deployments"][0]["id"])
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self.ended.is_set():
            found = self.copies.ecs.describe_services(cluster=CLUSTER, services=list(self.names))["services"]
            for service in found:
                self._look(service["serviceName"], service["deployments"])
            self.ended.wait(LOOK)

    def _look(self, name: str, deployments: list[dict[str, Any]]) -> None:
        seen = self.seen[name]
        primary = next(each for each in deployments if each["status"] == "PRIMARY")
        if seen.began is None and primary["id"] != seen.before:
            seen.deployment, seen.began = primary["id"], _seconds(primary["createdAt"])
            if name == SERVICE:
                self.began.set()
        if seen.began is None:
            return
        if self.fault.overtaken and not seen.overtaken and time.time() - seen.began > 3:
            self.copies.overtake(name, self.others)
            seen.overtaken = True
        seen.known = seen.known or self._known(name, seen, primary, deployments)

    def _known(self, name: str, seen: Seen, primary: dict[str, Any], deployments: list[dict[str, Any]]) -> float | None:
        ours = next((each for each in deployments if each["id"] == seen.deployment), None)
        gone = primary["id"] != seen.deployment
        match self.fault.known:
            case "failed":
                return time.time() if gone or (ours and ours["rolloutState"] == "FAILED") else None
            case "theirs":
                return _seconds(primary["createdAt"]) if gone else None
            case "completed":
                return time.time() if ours and ours["rolloutState"] == "COMPLETED" else None
            case "third":
                return self.copies.third_failure(name, seen.deployment)
            case _:
                return (seen.began or 0.0) + self.deadline


def _seconds(moment: datetime) -> float:
    return moment.timestamp()
