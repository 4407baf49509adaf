"""Answers of AWS, typed in the shape of recordings, and a client whose answers they are.

The answers pass through botocore's real client, so that moments, numbers and errors have the types that AWS's answers
have. Only the connection is ours: it has no network, and refuses a call that the recording does not expect.
"""

from __future__ import annotations

import io
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSResponse

from tests.conformance import models
from tests.fakes.clients import client

FOLDER = Path(__file__).parent / "recordings"

_JSON = {"json", "rest-json"}
"""The protocols in which an answer is a JSON document."""


@dataclass(frozen=True)
class Answer:
    """An answer to one call.

    Attributes:
        operation: name of the call, such as ``DescribeServices``.
        status: the HTTP status.
        error: AWS's error code; empty if it answered.
        message: AWS's message of an error; AWS leaves some empty.
        body: the document: JSON with moments as text, or the XML as it is sent.
        expects: parameters that the call must have, as JSON; null if it must not have it.
    """

    operation: str
    status: int = 200
    error: str = ""
    message: str = ""
    body: str = "{}"
    expects: str = "{}"


@dataclass(frozen=True)
class Recording:
    """A fixture: the answers of AWS, the call of ours that reads them, and what it must conclude.

    Attributes:
        file: its file.
        idea: one sentence, which is the test's name.
        source: the recording, example, document or model that the shape is from.
        call: a method of ours with its client, such as ``Ecs.services``.
        arguments: its arguments, and those that it takes by name.
        answers: the answers, in the order of the calls.
        concludes: fields of the result, as JSON; a field that is not named may have any value.
    """

    file: str
    idea: str
    source: str
    call: str
    answers: tuple[Answer, ...]
    concludes: Any
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)

    @property
    def service(self) -> str:
        """The service of AWS, which is the name of its file."""
        return self.file.partition(".")[0]


def read_all() -> list[Recording]:
    """Every recording; the name of a file is that of its service in botocore.

    Raises:
        TypeError: a recording has an unknown key, or lacks one.
    """
    return [recording for path in sorted(FOLDER.glob("*.toml")) for recording in _read(path)]


def _read(path: Path) -> Iterator[Recording]:
    for entry in tomllib.loads(path.read_text())["recordings"]:
        answers = tuple(Answer(**answer) for answer in entry.pop("answers"))
        concludes, arguments = json.loads(entry.pop("concludes")), tuple(entry.pop("arguments", ()))
        yield Recording(path.name, **entry, answers=answers, concludes=concludes, arguments=arguments)


class Playback:
    """A client of a service that receives the recorded answers, in their order; only one per service at a time."""

    def __init__(self, service: str, answers: tuple[Answer, ...]) -> None:
        self.service = service
        self.waiting = list(answers)
        self.client = _client(service)
        _PLAYING[service] = self

    def check(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        """Checks a call, before botocore checks its parameters."""
        assert self.waiting, f"{model.name}: a call that the recording does not expect"
        answer = self.waiting[0]
        expected = json.loads(answer.expects)
        sent = {name: params.get(name) for name in expected}
        assert (model.name, sent) == (answer.operation, expected)

    def send(self, request: Any, **_: Any) -> AWSResponse:
        """Answers a call."""
        answer = self.waiting.pop(0)
        headers, body = self._document(answer)
        fields: Any = headers
        return AWSResponse(request.url, answer.status, fields, _Stream(body))

    def _document(self, answer: Answer) -> tuple[dict[str, str], bytes]:
        if models.model(self.service).resolved_protocol not in _JSON:
            return {"content-type": "text/xml"}, answer.body.encode() if answer.body != "{}" else b""
        headers = {"content-type": "application/x-amz-json-1.1", "x-amzn-requestid": "0" * 36}
        if answer.error:
            # Most services write `message`, some `Message`; botocore reads both.
            return headers, json.dumps({"__type": answer.error, "message": answer.message}).encode()
        shape = models.operation(self.service, answer.operation).output_shape
        return headers, json.dumps(models.wire(shape, json.loads(answer.body))).encode()


class _Stream(io.BytesIO):
    """The body of a response, as urllib3 has it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


_PLAYING: dict[str, Playback] = {}
"""The playback of each service."""


@cache
def _client(service: str) -> Any:
    """The client of a service, created once: creating one takes longer than a test."""
    made = client(service)
    made.meta.events.register("before-parameter-build", partial(_relay, service, Playback.check))
    made.meta.events.register("before-send", partial(_relay, service, Playback.send))
    return made


def _relay(service: str, receiver: Callable[..., Any], **call: Any) -> Any:
    return receiver(_PLAYING[service], **call)
