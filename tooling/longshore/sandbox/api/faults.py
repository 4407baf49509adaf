"""Faults of the AWS API: the calls that they affect, and the responses to these calls."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from longshore.sandbox.api.credentials import Answer, Caller, error
from longshore.sandbox.api.request_log import is_mutating

KINDS = {
    "throttle": "the call is throttled",
    "error": "the service answers with 500",
    "expired": "the credentials have expired",
    "denied": "IAM denies the action",
    "lost": "the call takes effect, but its response is lost",
    "delay": "the response is --seconds late",
    "stale": "a read returns the state before the last change",
    "failures": "RunTask returns failures and no task",
    "refuse": "the call is refused with --code and --message",
}
"""The kinds of faults, each with its effect."""

ANSWERED_LATER = frozenset({"lost", "delay", "stale"})
"""Kinds that let the call take effect and change its response."""


class FaultError(ValueError):
    """A fault that is not valid; the message names the field and the valid values."""


@dataclass
class Fault:
    """A fault of the AWS API.

    Attributes:
        operation: service and operation, such as ``ecs:UpdateService``; ``ecs:reads``, ``ecs:writes`` and ``ecs:*``
            are groups of operations.
        kind: one of KINDS.
        times: how many calls it affects; None for all until it is cleared.
        skip: how many matching calls succeed first.
        every: after those, it affects every Nth matching call.
        seconds: how long a delay lasts.
        code: AWS's error code, for a refusal.
        message: the error's message, for a refusal; the reason, for a failure of RunTask.
        n: its number in the list.
        matched: how many calls have matched.
        struck: how many calls it has affected.
    """

    operation: str
    kind: str
    times: int | None = None
    skip: int = 0
    every: int = 1
    seconds: float = 0.0
    code: str = ""
    message: str = ""
    n: int = field(default=0, compare=False)
    matched: int = 0
    struck: int = 0

    def strikes(self, caller: Caller) -> bool:
        """Count a call, and return whether the fault affects it."""
        if not self._matches(caller) or (self.times is not None and self.struck >= self.times):
            return False
        self.matched += 1
        strikes = self.matched > self.skip and (self.matched - self.skip) % self.every == 0
        self.struck += strikes
        return strikes

    def denies(self, service: str, operation: str) -> bool:
        """Count a call that ECS makes for a task, and return whether the fault denies it."""
        return self.kind == "denied" and self.strikes(Caller("", service, operation, "json"))

    def _matches(self, caller: Caller) -> bool:
        service, _, operation = self.operation.partition(":")
        kinds = {"*": True, "reads": not is_mutating(caller.operation), "writes": is_mutating(caller.operation)}
        return service == caller.service and kinds.get(operation, operation == caller.operation)


def parse(document: dict[str, Any]) -> Fault:
    """Read a fault from a JSON document.

    Raises:
        FaultError: a field is missing, unknown or not valid.
    """
    names = {entry.name for entry in fields(Fault)} - {"n", "matched", "struck"}
    if unknown := sorted(document.keys() - names):
        raise FaultError(f"{unknown[0]}: unknown field; the fields are {', '.join(sorted(names))}")
    given = {name: value for name, value in document.items() if value is not None}
    fault = Fault(**{"operation": "", "kind": "", **given})
    problem = next(_problems(fault), "")
    if problem:
        raise FaultError(problem)
    return fault


def _problems(fault: Fault) -> Iterator[str]:
    if not all(fault.operation.partition(":")):
        yield f"operation: {fault.operation!r} is not service:Operation, such as ecs:UpdateService"
    if fault.kind not in KINDS:
        yield f"kind: {fault.kind!r} is not one of {', '.join(KINDS)}"
    if fault.kind == "failures" and fault.operation != "ecs:RunTask":
        yield "kind: failures applies to ecs:RunTask only"
    for name, least in (("times", 1), ("skip", 0), ("every", 1), ("seconds", 0)):
        value = getattr(fault, name)
        if value is not None and value < least:
            yield f"{name}: {value} is less than {least}"
    for kind, name in (("delay", "seconds"), ("refuse", "code")):
        if fault.kind == kind and not getattr(fault, name):
            yield f"{name}: missing; kind {kind} requires it"


class Faults:
    """The faults that are set; safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._next = 1

    def add(self, fault: Fault) -> int:
        """Set a fault, and return its number."""
        with self._lock:
            fault.n, self._next = self._next, self._next + 1
            self._faults.append(fault)
            return fault.n

    def clear(self, number: int | None = None) -> int:
        """Clear one fault, or all, and return how many were cleared."""
        with self._lock:
            remaining = [fault for fault in self._faults if number is not None and fault.n != number]
            cleared, self._faults = len(self._faults) - len(remaining), remaining
            return cleared

    def rows(self) -> list[dict[str, Any]]:
        """The faults, oldest first, each with the number of calls that it has affected."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def choose(self, caller: Caller) -> Fault | None:
        """The fault that affects a call: the oldest, if there are several."""
        with self._lock:
            return next((fault for fault in self._faults if fault.strikes(caller)), None)

    def denies(self, service: str, operation: str) -> bool:
        """Whether a fault denies a call that ECS makes for a task; other kinds do not affect such calls."""
        with self._lock:
            return any(fault.denies(service, operation) for fault in self._faults)


def injected_response(fault: Fault, caller: Caller) -> Answer:
    """AWS's response to a call that a fault prevents from taking effect."""
    plain = caller.protocol == "json"
    match fault.kind:
        case "throttle":
            return _throttled(caller)
        case "error":
            code = "ServerException" if caller.service == "ecs" else "InternalServerError" if plain else "InternalError"
            return error(caller, 500, code, "The server could not complete the request.")
        case "expired":
            code = "ExpiredTokenException" if plain else "ExpiredToken"
            message = "The security token included in the request is expired"
            return error(caller, 400 if plain else 403, code, message)
        case "denied":
            code = "AccessDeniedException" if plain else "AccessDenied"
            return error(caller, 400 if plain else 403, code, _denial(caller))
        case "failures":
            failure = {"arn": f"{caller.service}:container-instance", "reason": fault.message or "RESOURCE:CPU"}
            return 200, "application/x-amz-json-1.1", json.dumps({"tasks": [], "failures": [failure]}).encode()
        case _:
            return error(caller, 400, fault.code, fault.message or fault.code)


def _throttled(caller: Caller) -> Answer:
    if caller.service == "s3":
        return error(caller, 503, "SlowDown", "Please reduce your request rate.")
    code = "ThrottlingException" if caller.protocol == "json" else "Throttling"
    return error(caller, 400, code, "Rate exceeded")


def _denial(caller: Caller) -> str:
    action = f"{caller.service}:{caller.operation}"
    return (
        f"User: arn:aws:sts::123456789012:assumed-role/releaser/sandbox is not authorized to perform: {action} "
        f"on resource: * because no identity-based policy allows the {action} action"
    )
