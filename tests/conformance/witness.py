"""Watches the answers of a sandbox in this process, and compares each with AWS's models.

It sees an answer twice: as the value that an operation returns, because moto drops fields that the model lacks without
a word, and as a client receives it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from botocore import xform_name
from botocore.parsers import create_parser
from moto.core.responses import ActionResult, BaseResponse

from tests.conformance import models

COMMON_ERRORS = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "InternalFailure",
    "SerializationException",
    "ThrottlingException",
    "UnrecognizedClientException",
    "ValidationError",
    "ValidationException",
}
"""Errors of every service, which the models of most services do not name.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html
"""

KNOWN = {
    r".*buildStatus: 'WEIRD' is not one of .*|.*phaseStatus: 'WEIRD' is not one of .*": (
        "a test prescribes a status that AWS does not have"
    ),
    r".*lifecycleHooks\[\]\.targetType: 'MOON_PHASE' is not one of .*": (
        "a test shows a kind of hook that AWS does not have"
    ),
}
"""Problems that are known, as patterns, each with its reason."""


@dataclass
class Witness:
    """The operations whose answers were seen, and the problems of the answers."""

    seen: set[tuple[str, str]] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    _bodies: set[tuple[str, str, int, bytes]] = field(default_factory=set)

    def take(self) -> list[str]:
        """The problems that were noticed since the last call, each once, without those that are known."""
        problems, self.problems = sorted(set(self.problems)), []
        return [text for text in problems if not any(re.fullmatch(known, text) for known in KNOWN)]

    def returned(self, service: str, name: str, result: object) -> None:
        """Notes the value that an operation returned."""
        if isinstance(result, dict):
            shape = models.operation(service, name).output_shape
            lines = models.problems(shape, _plain(result), f"{service} {name}")
            self.problems += [line for line in lines if "no such field" in line]

    def sent(self, service: str, name: str, status: int, body: bytes) -> None:
        """Notes a response."""
        if (service, name, status, body) in self._bodies:
            return  # a client that polls receives many equal answers
        self._bodies.add((service, name, status, body))
        operation = models.operation(service, name)
        self.seen.add((service, name))
        if status < 300:
            shape = operation.output_shape
            answer = _document(service, body, shape) if body else {}
            self.problems += models.problems(shape, answer, f"{service} {name}")
            return
        shapes: Any = operation.error_shapes
        code = _document(service, body, None, status)["Error"]["Code"]
        if code not in COMMON_ERRORS | {known for shape in shapes for known in (shape.name, shape.error_code)}:
            self.problems.append(f"{service} {name}: the model names no error {code}")


def _document(service: str, body: bytes, shape: Any, status: int = 200) -> Any:
    """A response as plain data; JSON as it is, because the model's parser leaves out fields that the model lacks."""
    protocol = models.model(service).resolved_protocol
    if protocol == "json" and status < 300:
        return json.loads(body)
    raw = {"status_code": status, "headers": {"date": "", "x-amzn-requestid": ""}, "body": body}
    return {key: item for key, item in create_parser(protocol).parse(raw, shape).items() if key != "ResponseMetadata"}


@contextmanager
def watching() -> Iterator[Witness]:
    """Watches every answer that a server in this process makes."""
    witness = Witness()
    call_action, execute_result = BaseResponse.call_action, ActionResult.execute_result

    def watched_call(response: Any) -> Any:
        status, headers, body = call_action(response)
        if name := _operation(response):
            witness.sent(response.boto3_service_name, name, int(headers.get("status", status)), _bytes(body))
        return status, headers, body

    def watched_result(result: Any, context: Any) -> Any:
        name, service = _operation(context.response), context.response.boto3_service_name
        if name and xform_name(name) in overridden(type(context.response), service):
            witness.returned(service, name, result.result)
        return execute_result(result, context)

    with (
        patch.object(BaseResponse, "call_action", watched_call),
        patch.object(ActionResult, "execute_result", watched_result),
    ):
        yield witness


def overridden(answers: type, service: str) -> set[str]:
    """The operations that the sandbox answers itself, as methods of a class of moto's that it has extended."""
    own = (vars(base) for base in answers.__mro__ if base.__module__.startswith("longshore.sandbox"))
    operations = {xform_name(name) for name in models.model(service).operation_names}
    return {name for names in own for name in names} & operations


def _operation(response: Any) -> str:
    """The operation that is answered; empty if the package does not use the service, or it has no such operation."""
    name = str(response._get_action())
    service = response.boto3_service_name
    return name if service in models.SERVICES and name in models.model(service).operation_names else ""


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"")


def _plain(value: Any) -> Any:
    """A value of an operation without moto's own objects, whose fields moto selects."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    known = value is None or isinstance(value, (str, int, float, bool, bytes, datetime))
    return value if known else datetime.fromtimestamp(0, UTC)
