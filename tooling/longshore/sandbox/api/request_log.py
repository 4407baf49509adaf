"""The log of all calls of the AWS API, in the order in which they were answered."""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from longshore.sandbox.api.credentials import Caller
from longshore.sandbox.serving import Environ, body_of

LIMIT = 50_000
_TAG_PARAMETER = "/image_tag"
"""The end of the name of the only parameter whose value is logged: the version that was released."""

# no mutating operation of AWS begins with one of these words
_READING = re.compile(
    r"(Get|List|Describe|Head|BatchGet|BatchCheck|BatchDescribe|TransactGet|Query|Scan|Filter|Lookup|Search|Select"
    r"|Simulate|Validate|Assume|Decode|Discover|Estimate|Check|Preview|Test|Download|GET|HEAD)(?![a-z])"
)

_LOGGED: dict[tuple[str, str], tuple[str, ...]] = {
    ("ecs", "RegisterTaskDefinition"): ("family",),
    ("ecs", "DeregisterTaskDefinition"): ("taskDefinition",),
    ("ecs", "CreateService"): ("cluster", "serviceName", "taskDefinition", "desiredCount"),
    ("ecs", "UpdateService"): ("cluster", "service", "taskDefinition", "desiredCount", "forceNewDeployment"),
    ("ecs", "DeleteService"): ("cluster", "service", "force"),
    ("ecs", "StopServiceDeployment"): ("serviceDeploymentArn", "stopType"),
    ("ecs", "ContinueServiceDeployment"): ("serviceDeploymentArn", "hookId", "action"),
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
"""The parameters that the log keeps, by service and operation."""


@dataclass(frozen=True)
class Call:
    """A call of the AWS API.

    Attributes:
        n: its number, from 0.
        service: the service that the request was signed for, such as ``ecs``.
        operation: AWS's name, such as ``DescribeServices``.
        mutating: whether the operation changes anything.
        status: HTTP status of the response.
        parameters: of a mutating call: those that identify the change, and are neither secret nor long.
        fault: kind of the fault that affected it; empty without a fault.
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
    """Whether an operation changes anything, by AWS's naming."""
    return not _READING.match(operation)


def parameters_of(caller: Caller, environ: Environ) -> dict[str, Any]:
    """The parameters of a call that the log keeps."""
    names = _LOGGED.get((caller.service, caller.operation))
    if not names:
        return {}
    try:
        given = json.loads(body_of(environ))
    except ValueError:
        return {}
    if not str(given.get("Name", "")).endswith(_TAG_PARAMETER):
        given.pop("Value", None)  # any other parameter, of any type, may hold a secret
    return {name: _logged(name, given[name]) for name in names if name in given}


def _logged(name: str, value: Any) -> Any:
    """A value as the log keeps it: the keys of an item, the revisions that targets start."""
    if name in ("Item", "Key"):
        return {key: value[key] for key in ("pk", "sk") if key in value}
    if name == "Targets":
        revisions = [(target, target.get("EcsParameters", {}).get("TaskDefinitionArn")) for target in value]
        return [{"Id": target.get("Id"), "TaskDefinitionArn": revision} for target, revision in revisions]
    return value


class RequestLog:
    """The latest calls, at most `limit`; safe for several threads."""

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
        """Record a call; `rest` are `fault` and `caller`."""
        with self._lock:
            mutating = is_mutating(operation)
            self._calls.append(Call(self._next, service, operation, mutating, status, parameters or {}, **rest))
            self._next += 1

    def since(self, number: int) -> dict[str, Any]:
        """The calls from a number, and the number of the next call."""
        with self._lock:
            calls = [asdict(call) for call in self._calls if call.n >= number]
            return {"next": self._next, "requests": calls}
