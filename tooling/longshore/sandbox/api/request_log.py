"""Every call of the AWS API, in the order in which they were answered."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from longshore.sandbox.api.credentials import Caller, body_of
from longshore.sandbox.serving import Environ

LIMIT = 50_000
# no write of AWS begins with one of these words
_READING = re.compile(
    r"(Get|List|Describe|Head|BatchGet|BatchCheck|BatchDescribe|TransactGet|Query|Scan|Filter|Lookup|Search|Select"
    r"|Simulate|Validate|Assume|Decode|Discover|Estimate|Check|Preview|Test|Download|GET|HEAD)(?![a-z])"
)

_KEPT: dict[tuple[str, str], tuple[str, ...]] = {
    ("ecs", "RegisterTaskDefinition"): ("family",),
    ("ecs", "DeregisterTaskDefinition"): ("taskDefinition",),
    ("ecs", "CreateService"): ("cluster", "serviceName", "taskDefinition", "desiredCount"),
    ("ecs", "UpdateService"): ("cluster", "service", "taskDefinition", "desiredCount", "forceNewDeployment"),
    ("ecs", "DeleteService"): ("cluster", "service", "force"),
    ("ecs", "StopServiceDeployment"): ("serviceDeploymentArn", "stopType"),
    ("ecs", "RunTask"): ("cluster", "taskDefinition", "startedBy", "clientToken", "count"),
    ("ecs", "StopTask"): ("cluster", "task", "reason"),
    ("events", "PutTargets"): ("Rule", "Targets"),
    ("events", "EnableRule"): ("Name",),
    ("events", "DisableRule"): ("Name",),
    ("application-autoscaling", "RegisterScalableTarget"): (
        "ServiceNamespace",
        "ResourceId",
        "ScalableDimension",
        "MinCapacity",
        "MaxCapacity",
    ),
    ("codebuild", "StartBuild"): ("projectName", "sourceVersion", "idempotencyToken"),
    ("codebuild", "StopBuild"): ("id",),
    ("ssm", "PutParameter"): ("Name", "Value"),
    ("dynamodb", "PutItem"): ("TableName", "Item"),
    ("dynamodb", "UpdateItem"): ("TableName", "Key"),
    ("dynamodb", "DeleteItem"): ("TableName", "Key"),
    ("ecr", "PutImage"): ("repositoryName", "imageTag"),
    ("ecr", "BatchDeleteImage"): ("repositoryName", "imageIds"),
}
"""What the log keeps of the parameters, by service and operation."""


@dataclass(frozen=True)
class Call:
    """One call.

    Attributes:
        n: its number, from 0.
        service: the name that the request was signed for, such as ``ecs``.
        operation: AWS's name, such as ``DescribeServices``.
        mutating: whether this operation changes anything when it succeeds.
        status: HTTP status of the answer.
        parameters: of a call that changes something: those that tell what, and are neither secret nor long.
        fault: kind of the fault that struck it; empty for none.
        caller: name of the role whose temporary credentials signed it; empty for the sandbox's own key and for users.
    """

    n: int
    service: str
    operation: str
    mutating: bool
    status: int
    parameters: dict[str, Any] = field(default_factory=dict)
    fault: str = ""
    caller: str = ""


def is_mutating(operation: str) -> bool:
    """Whether an operation changes something, by AWS's naming."""
    return not _READING.match(operation)


def parameters_of(caller: Caller, environ: Environ) -> dict[str, Any]:
    """The parameters of a call that the log keeps."""
    kept = _KEPT.get((caller.service, caller.operation))
    if not kept:
        return {}
    try:
        given = json.loads(body_of(environ))
    except ValueError:
        return {}
    return {name: _told(name, given[name]) for name in kept if name in given}


def _told(name: str, value: Any) -> Any:
    """A value as the log keeps it: of an item only what it is found by, of a target only what it starts."""
    if name in ("Item", "Key"):
        return {key: value[key] for key in ("pk", "sk") if key in value}
    if name == "Targets":
        revisions = [(target, target.get("EcsParameters", {}).get("TaskDefinitionArn")) for target in value]
        return [{"Id": target.get("Id"), "TaskDefinitionArn": revision} for target, revision in revisions]
    return value


class RequestLog:
    """The last calls, at most `limit`; safe for several threads."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=limit)
        self._next = 0

    def add(
        self,
        service: str,
        operation: str,
        status: int,
        parameters: dict[str, Any] | None = None,
        **rest: str,
    ) -> None:
        """Record a call that was answered; `rest` are `fault` and `caller`."""
        with self._lock:
            mutating = is_mutating(operation)
            self._calls.append(Call(self._next, service, operation, mutating, status, parameters or {}, **rest))
            self._next += 1

    def since(self, number: int) -> dict[str, Any]:
        """The calls from a number on, and the number to ask with next time."""
        with self._lock:
            calls = [asdict(call) for call in self._calls if call.n >= number]
            return {"next": self._next, "requests": calls}
