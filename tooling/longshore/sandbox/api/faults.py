"""Faults of the AWS API: which call they strike, how often, and what the caller gets instead of its answer."""

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
    "lost": "the call takes effect, and its answer never comes",
    "delay": "the answer comes --seconds later",
    "stale": "a read shows what was before the last change",
    "failures": "RunTask answers with failures and no task",
    "refuse": "the call is refused with --code and --message",
}
"""The kinds, and what each does."""

ANSWERED_LATER = frozenset({"lost", "delay", "stale"})
"""Kinds that let the call take effect, and change what comes back."""


class FaultError(ValueError):
    """A fault that can't be set; the message says which field is wrong, and what is allowed."""


@dataclass
class Fault:
    """One fault.

    Attributes:
        operation: service and operation, such as ``ecs:UpdateService``; ``ecs:reads``, ``ecs:writes`` and ``ecs:*``
            stand for several.
        kind: one of KINDS.
        times: how many calls it strikes; None for all until it is cleared.
        skip: how many matching calls pass before the first that it may strike.
        every: it strikes each so-many-th matching call after those.
        seconds: of a delay.
        code: of a refusal: AWS's error code.
        message: of a refusal; the reason of a failure of RunTask.
        n: its number in the list.
        matched: how many calls have matched.
        struck: how many of them it struck.
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
        """Whether it strikes this call; to be asked once for each call, for it counts them."""
        if not self._matches(caller) or (self.times is not None and self.struck >= self.times):
            return False
        self.matched += 1
        strikes = self.matched > self.skip and (self.matched - self.skip) % self.every == 0
        self.struck += strikes
        return strikes

    def _matches(self, caller: Caller) -> bool:
        service, _, operation = self.operation.partition(":")
        kinds = {"*": True, "reads": not is_mutating(caller.operation), "writes": is_mutating(caller.operation)}
        return service == caller.service and kinds.get(operation, operation == caller.operation)


def parse(document: dict[str, Any]) -> Fault:
    """Make a fault of a JSON document.

    Raises:
        FaultError: a field is missing, unknown, or has a value that is not allowed.
    """
    known = {entry.name for entry in fields(Fault)} - {"n", "matched", "struck"}
    if strange := sorted(document.keys() - known):
        raise FaultError(f"{strange[0]}: unknown; known are {', '.join(sorted(known))}")
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
        yield f"kind: {fault.kind!r} is none of {', '.join(KINDS)}"
    if fault.kind == "failures" and fault.operation != "ecs:RunTask":
        yield "kind: failures is for ecs:RunTask only"
    for name, least in (("times", 1), ("skip", 0), ("every", 1), ("seconds", 0)):
        value = getattr(fault, name)
        if value is not None and value < least:
            yield f"{name}: {value} is less than {least}"
    for kind, name in (("delay", "seconds"), ("refuse", "code")):
        if fault.kind == kind and not getattr(fault, name):
            yield f"{name}: missing; kind {kind} needs it"


class Faults:
    """The faults that are set; safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._next = 1

    def add(self, fault: Fault) -> int:
        """Set a fault; its number."""
        with self._lock:
            fault.n, self._next = self._next, self._next + 1
            self._faults.append(fault)
            return fault.n

    def clear(self, number: int | None = None) -> int:
        """Clear one fault, or all; how many there were."""
        with self._lock:
            kept = [fault for fault in self._faults if number is not None and fault.n != number]
            cleared, self._faults = len(self._faults) - len(kept), kept
            return cleared

    def rows(self) -> list[dict[str, Any]]:
        """The faults, oldest first, with how often each has struck."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def choose(self, caller: Caller) -> Fault | None:
        """The fault that strikes a call: the oldest that does."""
        with self._lock:
            return next((fault for fault in self._faults if fault.strikes(caller)), None)


def answer(fault: Fault, caller: Caller) -> Answer:
    """What a call gets that a fault keeps from taking effect, in AWS's words."""
    plain = caller.protocol == "json"
    match fault.kind:
        case "throttle":
            return _throttled(caller)
        case "error":
            code = "ServerException" if caller.service == "ecs" else "InternalServerError" if plain else "InternalError"
            return error(caller, 500, code, "The server could not complete the request.")
        case "expired":
            code = "ExpiredTokenException" if plain else "ExpiredToken"
            words = "The security token included in the request is expired"
            return error(caller, 400 if plain else 403, code, words)
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
