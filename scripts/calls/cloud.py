"""An ECS that rolls services out on a movable clock; each call takes 30 ms, and is counted.

It stands behind a real client of boto3, whose events answer each call, so that pages are requested as they are on AWS.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from longshore.clock import Clock

CALL_SECONDS = 0.03
PAGE = 100
CLUSTER = "calls"
_ACCOUNT = "arn:aws:ecs:eu-central-1:123456789012"
_BEGUN = datetime(2026, 1, 2, tzinfo=UTC)

STARTING, DRAINING, SETTLING = 20.0, 30.0, 30.0
"""Seconds until the first new task runs, from a new task to the end of an old one, and until COMPLETED."""


def revision(service: str, number: int) -> str:
    """The ARN of a revision of a service."""
    return f"{_ACCOUNT}:task-definition/{service}:{number}"


@dataclass
class _Service:
    """A service that replaces its tasks one after the other, with at least 100 % of them healthy."""

    name: str
    tasks: int
    seconds: float
    updated: float | None = None

    def started(self, now: float) -> int:
        """How many new tasks run."""
        return 0 if self.updated is None else self._share(now - self.updated - STARTING)

    def stopped(self, now: float) -> int:
        """How many old tasks have stopped."""
        return 0 if self.updated is None else self._share(now - self.updated - STARTING - DRAINING)

    def completed(self, now: float) -> bool:
        """Whether the deployment has completed."""
        return self.updated is None or now - self.updated >= STARTING + self.seconds + DRAINING + SETTLING

    def _share(self, seconds: float) -> int:
        return max(0, min(self.tasks, int(self.tasks * seconds / self.seconds)))


@dataclass
class Cloud:
    """Services with a number of tasks each.

    Attributes:
        services: by name.
        now: seconds since the beginning.
        calls: each call, with the time at which it was made.
    """

    services: dict[str, _Service]
    now: float = 0.0
    calls: list[tuple[float, str]] = field(default_factory=list)

    @classmethod
    def of(cls, services: int, tasks: int, seconds: float) -> Cloud:
        """A cloud with a number of services, and a number of tasks in each, which take ``seconds`` to be replaced."""
        names = [f"service-{number:02d}" for number in range(services)]
        return cls({name: _Service(name, tasks, seconds + index) for index, name in enumerate(names)})

    @property
    def clock(self) -> Clock:
        """A clock that moves while it sleeps, and with each call."""
        return Clock(now=lambda: self.now, sleep=self._sleep)

    def client(self) -> Any:
        """A client of ECS that this cloud answers."""
        session = boto3.Session("AKIAEXAMPLE", "example", region_name="eu-central-1")
        client: Any = session.client("ecs")
        client.meta.events.register("before-parameter-build.ecs", _keep_parameters)
        client.meta.events.register("before-call.ecs", self._answer)
        return client

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def _answer(self, model: Any, context: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        self.calls.append((self.now, model.name))
        self.now += CALL_SECONDS
        answer = getattr(self, f"_{model.name}")(**context["given"])
        return AWSResponse("", 200, HTTPHeaders(), None), {"ResponseMetadata": {"HTTPStatusCode": 200}, **answer}

    def _UpdateService(self, service: str, **_: Any) -> dict[str, Any]:  # noqa: N802 - the operations of ECS
        self.services[service].updated = self.now
        return {"service": self._described(self.services[service])}

    def _DescribeServices(self, services: list[str], **_: Any) -> dict[str, Any]:  # noqa: N802
        return {"services": [self._described(self.services[name]) for name in services], "failures": []}

    def _ListServiceDeployments(self, service: str, **_: Any) -> dict[str, Any]:  # noqa: N802
        return {"serviceDeployments": self._deployments(service)}

    def _DescribeServiceDeployments(self, serviceDeploymentArns: list[str]) -> dict[str, Any]:  # noqa: N802, N803
        names = [arn.split("/")[2] for arn in serviceDeploymentArns]
        return {"serviceDeployments": [d for name in names for d in self._deployments(name)]}

    def _ListTasks(  # noqa: N802
        self,
        serviceName: str,  # noqa: N803
        desiredStatus: str = "RUNNING",  # noqa: N803
        nextToken: str = "0",  # noqa: N803
        **_: Any,
    ) -> dict[str, Any]:
        arns, first = list(self._tasks(self.services[serviceName], desiredStatus)), int(nextToken)
        more = {"nextToken": str(first + PAGE)} if len(arns) > first + PAGE else {}
        return {"taskArns": arns[first : first + PAGE], **more}

    def _DescribeTasks(self, tasks: list[str], **_: Any) -> dict[str, Any]:  # noqa: N802
        return {"tasks": [self._task(arn) for arn in tasks], "failures": []}

    def _tasks(self, service: _Service, status: str) -> Iterator[str]:
        stopped = service.stopped(self.now)
        if status == "STOPPED":
            yield from (f"{_ACCOUNT}:task/{CLUSTER}/{service.name}.old.{number}" for number in range(stopped))
            return
        yield from (f"{_ACCOUNT}:task/{CLUSTER}/{service.name}.old.{n}" for n in range(stopped, service.tasks))
        yield from (f"{_ACCOUNT}:task/{CLUSTER}/{service.name}.new.{n}" for n in range(service.started(self.now)))

    def _task(self, arn: str) -> dict[str, Any]:
        name, age, number = arn.rpartition("/")[2].split(".")
        over = age == "old" and int(number) < self.services[name].stopped(self.now)
        state = {"stopCode": "ServiceSchedulerInitiated", "stoppedReason": "Scaling activity initiated"} if over else {}
        return {
            "taskArn": arn,
            "taskDefinitionArn": revision(name, 1 if age == "old" else 2),
            "lastStatus": "STOPPED" if over else "RUNNING",
            "startedBy": f"ecs-svc/{age}-{name}",
            "createdAt": _BEGUN,
            "containers": [{"name": "app", "image": "app:v2", "imageDigest": "sha256:2"}],
            **state,
        }

    def _deployments(self, name: str) -> list[dict[str, Any]]:
        service = self.services[name]
        if service.updated is None:
            return []
        return [
            {
                "serviceDeploymentArn": f"{_ACCOUNT}:service-deployment/{CLUSTER}/{name}/new",
                "status": "SUCCESSFUL" if service.completed(self.now) else "IN_PROGRESS",
                "createdAt": _BEGUN + timedelta(seconds=service.updated),
                "targetServiceRevisionArn": f"{_ACCOUNT}:service-revision/{CLUSTER}/{name}/new-{name}",
            }
        ]

    def _described(self, service: _Service) -> dict[str, Any]:
        started, left, done = service.started(self.now), service.tasks - service.stopped(self.now), True
        ages = [("old", 1, left)]
        if service.updated is not None:
            done = service.completed(self.now)
            ages = [("new", 2, started), *(ages if not done else [])]
        deployments = [
            {
                "id": f"ecs-svc/{age}-{service.name}",
                "status": "ACTIVE" if position else "PRIMARY",
                "taskDefinition": revision(service.name, number),
                "rolloutState": "COMPLETED" if age == "old" or done else "IN_PROGRESS",
                "desiredCount": 0 if position else service.tasks,
                "runningCount": running,
                "pendingCount": 0 if position else min(service.tasks - running, 10),
                "createdAt": _BEGUN + timedelta(seconds=(service.updated or 0.0) if age == "new" else -3600.0),
            }
            for position, (age, number, running) in enumerate(ages)
        ]
        return {
            "serviceName": service.name,
            "status": "ACTIVE",
            "taskDefinition": deployments[0]["taskDefinition"],
            "desiredCount": service.tasks,
            "runningCount": sum(running for _, _, running in ages),
            "pendingCount": 0,
            "deployments": deployments,
        }


def _keep_parameters(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["given"] = dict(params)
