"""The copies of the service, one for each peer, and the watch over all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import boto3

from scripts.verdicts.faults import Fault
from scripts.verdicts.project import ALARM, CLUSTER, PARAMETER, REPOSITORY, SERVICE, TASKS

INTERVAL = 0.3
"""Seconds between two reads of the watch."""
SETTLES_WITHIN = 60.0
SAME_FAILURES = 3

NONE: dict[str, Any] = {"lifecycleHooks": [], "earlySuccessCriteria": {"enable": False}}
"""The parts of a deployment configuration as a service without them has them."""


class Copies:
    """The copies in the sandbox, managed through its API.

    Args:
        sandbox: the variables that point a client at it.
    """

    def __init__(self, sandbox: dict[str, str]) -> None:
        client: Any = boto3.client
        access = {
            "endpoint_url": sandbox["AWS_ENDPOINT_URL"],
            "aws_access_key_id": sandbox["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": sandbox["AWS_SECRET_ACCESS_KEY"],
            "region_name": sandbox["AWS_DEFAULT_REGION"],
        }
        self.ecs = client("ecs", **access)
        self.ecr = client("ecr", **access)
        self.ssm = client("ssm", **access)
        self.cloudwatch = client("cloudwatch", **access)

    def prepare(self) -> None:
        """Store the secret that every task reads at its start, and the alarm of every deployment."""
        self.ssm.put_parameter(Name=PARAMETER, Value="not needed", Type="SecureString")
        self.cloudwatch.put_metric_alarm(
            AlarmName=ALARM,
            MetricName="Errors",
            Namespace="Verdicts",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
        )
        self.set_alarm("OK")

    def set_alarm(self, state: str) -> None:
        """Set the state of the alarm: OK or ALARM."""
        self.cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue=state, StateReason="set by hand")

    def service(self, name: str) -> dict[str, Any]:
        """A service, as ECS describes it."""
        return dict(self.ecs.describe_services(cluster=CLUSTER, services=[name])["services"][0])

    def register(self, name: str, tag: str) -> str:
        """Register the revision of Longshore's service, with another tag, in the family of a copy; returns its ARN."""
        running = self.service(SERVICE)["taskDefinition"]
        content = self.ecs.describe_task_definition(taskDefinition=running)["taskDefinition"]
        (container,) = content["containerDefinitions"]
        variables = {entry["name"]: entry["value"] for entry in container["environment"]} | {"RELEASE_VERSION": tag}
        container |= {
            "image": f"{container['image'].rpartition(':')[0]}:{tag}",
            "environment": [{"name": key, "value": value} for key, value in variables.items()],
        }
        kept = ("networkMode", "requiresCompatibilities", "cpu", "memory", "executionRoleArn", "taskRoleArn", "volumes")
        response = self.ecs.register_task_definition(
            family=name, containerDefinitions=[container], **{key: content[key] for key in kept if content.get(key)}
        )
        return str(response["taskDefinition"]["taskDefinitionArn"])

    def create(self, name: str, revision: str) -> None:
        """Create a copy."""
        configuration = self.service(SERVICE)["deploymentConfiguration"]
        kept = ("alarms", "deploymentCircuitBreaker", "maximumPercent", "minimumHealthyPercent")
        self.ecs.create_service(
            cluster=CLUSTER,
            serviceName=name,
            taskDefinition=revision,
            desiredCount=TASKS,
            deploymentConfiguration={key: configuration[key] for key in kept},
        )

    def restore(self, names: Sequence[str], tag: str) -> None:
        """Deploy a good revision to copies, and wait until they have settled."""
        for name in names:
            revision = self.register(name, tag)
            self.ecs.update_service(cluster=CLUSTER, service=name, taskDefinition=revision)
        self.settle(names)

    def settle(self, names: Sequence[str]) -> None:
        """Wait until each service has exactly one deployment, which has completed."""
        until = time.monotonic() + SETTLES_WITHIN
        while time.monotonic() < until:
            services = [self.service(name)["deployments"] for name in names]
            if all(len(deployments) == 1 and deployments[0]["rolloutState"] == "COMPLETED" for deployments in services):
                return
            time.sleep(INTERVAL)
        raise RuntimeError(f"not settled after {SETTLES_WITHIN:.0f} s: {', '.join(names)}")

    def delete_image(self, tag: str) -> None:
        """Delete an image from the registry."""
        self.ecr.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": tag}])

    def overtake(self, name: str, tag: str) -> None:
        """Deploy a revision outside of any release."""
        self.ecs.update_service(cluster=CLUSTER, service=name, taskDefinition=self.register(name, tag))

    @contextmanager
    def configured(self, names: Sequence[str], changes: Mapping[str, Any]) -> Iterator[None]:
        """Change the deployment configuration of services, and change it back; neither starts a deployment."""
        try:
            self._configure(names, changes)
            yield
        finally:
            self._configure(names, {key: NONE[key] for key in changes})

    def _configure(self, names: Sequence[str], changes: Mapping[str, Any]) -> None:
        for name in names if changes else ():
            self.ecs.update_service(cluster=CLUSTER, service=name, deploymentConfiguration=changes)

    def answer_hooks(self, name: str, action: str) -> bool:
        """Answer the pause hooks at which the deployment of a service waits; whether it waited at one.

        Args:
            name: the service.
            action: CONTINUE or ROLLBACK.
        """
        listed = self.ecs.list_service_deployments(cluster=CLUSTER, service=name, status=["IN_PROGRESS"])
        arns = [entry["serviceDeploymentArn"] for entry in listed["serviceDeployments"]]
        details = self.ecs.describe_service_deployments(serviceDeploymentArns=arns) if arns else {}
        waiting = [
            (each["serviceDeploymentArn"], hook["hookId"])
            for each in details.get("serviceDeployments", [])
            for hook in each.get("lifecycleHookDetails", [])
            if hook["status"] == "AWAITING_ACTION"
        ]
        for arn, hook in waiting:
            self.ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook, action=action)
        return bool(waiting)

    def third_failure(self, name: str, deployment: str) -> float | None:
        """The time at which the third task of a deployment stopped, in seconds since the epoch; None before that."""
        arns = self.ecs.list_tasks(cluster=CLUSTER, serviceName=name, desiredStatus="STOPPED")["taskArns"]
        tasks = self.ecs.describe_tasks(cluster=CLUSTER, tasks=arns[:100])["tasks"] if arns else []
        stopped = sorted(
            task["stoppedAt"].timestamp()
            for task in tasks
            if task.get("startedBy") == deployment and "stoppedAt" in task
        )
        return stopped[SAME_FAILURES - 1] if len(stopped) >= SAME_FAILURES else None


@dataclass
class Observation:
    """The start of the tool's deployment of one copy, and the time from which its outcome could be known."""

    before: str
    deployment: str = ""
    revision: str = ""
    began: float | None = None
    known: float | None = None
    overtaken: bool = False
    answered: bool = False


@dataclass
class Watch:
    """Reads all copies of a fault repeatedly, in a separate thread.

    Attributes:
        others: the tag of the deployment that overtakes the release, if the fault has one.
        relent: called once the outcome of every deployment is known.
        began: set once Longshore's deployment exists: the peers start then.
    """

    copies: Copies
    fault: Fault
    names: Sequence[str]
    deadline: float
    others: str
    relent: Callable[[], object] = bool
    observed: dict[str, Observation] = field(default_factory=dict)
    began: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    alarmed: bool = False
    relented: bool = False

    def __enter__(self) -> Watch:
        for name in self.names:
            self.observed[name] = Observation(before=self.copies.service(name)["deployments"][0]["id"])
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self.ended.is_set():
            services = self.copies.ecs.describe_services(cluster=CLUSTER, services=list(self.names))["services"]
            for service in services:
                self._observe(service["serviceName"], service["deployments"])
            self._act()
            self.ended.wait(INTERVAL)

    def _act(self) -> None:
        """Raise the alarm, or relent, when it is due."""
        after, starts = self.fault.alarmed_after, [copy.began for copy in self.observed.values()]
        latest = max((start for start in starts if start is not None), default=0.0)
        if after is not None and not self.alarmed and None not in starts and time.time() - latest > after:
            self.copies.set_alarm("ALARM")
            self.alarmed = True
        if not self.relented and all(copy.known for copy in self.observed.values()):
            self.relented = True
            self.relent()

    def _observe(self, name: str, deployments: list[dict[str, Any]]) -> None:
        copy = self.observed[name]
        primary = next(each for each in deployments if each["status"] == "PRIMARY")
        if copy.began is None and primary["id"] != copy.before:
            copy.deployment, copy.began = primary["id"], _seconds(primary["createdAt"])
            if name == SERVICE:
                self.began.set()
        if copy.began is None:
            return
        if self.fault.overtaken and not copy.overtaken and time.time() - copy.began > 3:
            self.copies.overtake(name, self.others)
            copy.overtaken = True
        after = self.fault.answered_after
        if after is not None and not copy.answered and time.time() - copy.began > after:
            copy.answered = self.copies.answer_hooks(name, self.fault.answer)
        copy.known = copy.known or self._known(name, copy, primary, deployments)

    def _known(
        self, name: str, copy: Observation, primary: dict[str, Any], deployments: list[dict[str, Any]]
    ) -> float | None:
        deployment = next((each for each in deployments if each["id"] == copy.deployment), None)
        replaced = primary["id"] != copy.deployment
        match self.fault.known:
            case "failed":
                return time.time() if replaced or (deployment and deployment["rolloutState"] == "FAILED") else None
            case "overtaken":
                return _seconds(primary["createdAt"]) if replaced else None
            case "completed":
                return time.time() if deployment and deployment["rolloutState"] == "COMPLETED" else None
            case "third":
                return self.copies.third_failure(name, copy.deployment)
            case _:
                return (copy.began or 0.0) + self.deadline


def _seconds(moment: datetime) -> float:
    return moment.timestamp()
