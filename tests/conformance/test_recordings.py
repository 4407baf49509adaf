"""What our clients conclude from recorded answers of AWS."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from longshore.aws.autoscaling import Scaling
from longshore.aws.codebuild import Build, CodeBuild
from longshore.aws.dynamodb import Table
from longshore.aws.ecr import Ecr, Manifest
from longshore.aws.ecs import Ecs
from longshore.aws.ecs_types import Placement, Service, Task
from longshore.aws.elbv2 import TargetGroups
from longshore.aws.eventbridge import Events
from longshore.aws.logs import LogFollower, Logs
from longshore.aws.s3 import Buckets
from longshore.aws.ssm import Parameters
from longshore.aws.sts import Identity
from longshore.errors import AwsError, LongshoreError
from tests.conformance import models
from tests.conformance.recorded import Answer, Playback, Recording, read_all

RECORDINGS = read_all()

CLASSES: dict[str, Any] = {
    "Buckets": Buckets,
    "CodeBuild": CodeBuild,
    "Ecr": Ecr,
    "Ecs": Ecs,
    "Events": Events,
    "Identity": Identity,
    "LogFollower": lambda client: LogFollower(client, "/harbour/web", "web/web/4711"),
    "Logs": Logs,
    "Parameters": Parameters,
    "Scaling": Scaling,
    "TargetGroups": TargetGroups,
    "Table": lambda client: Table(client, "harbour-releases"),
}


def played(recording: Recording) -> Any:
    """The result of our call, or its error; every answer must have been asked for."""
    playback = Playback(recording.service, recording.answers)
    name, _, method = recording.call.partition(".")
    try:
        result = getattr(CLASSES[name](playback.client), method)(*arguments(recording), **keywords(recording))
        result = list(result) if isinstance(result, Iterator) else result
    except LongshoreError as error:
        result = error
    assert playback.waiting == []
    return result


def arguments(recording: Recording) -> list[Any]:
    return [Manifest(**value) if isinstance(value, dict) else value for value in recording.arguments]


def keywords(recording: Recording) -> dict[str, Any]:
    placed = {"placement": Placement("FARGATE", subnets=("subnet-1",))} if recording.call == "Ecs.run_task" else {}
    return {**recording.keywords, **placed}


def plain(value: Any) -> Any:
    """A result as JSON has it; a value of ours with the properties that conclude something."""
    if isinstance(value, LongshoreError):
        return {"error": type(value).__name__, "message": value.message, **error_of(value)}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)} | properties(value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, deque, set, frozenset)):
        return [plain(item) for item in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    return scalar(value)


def scalar(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def error_of(error: LongshoreError) -> dict[str, Any]:
    if not isinstance(error, AwsError):
        return {}
    return {"code": error.code, "denied": error.denied, "transient": error.transient, "ambiguous": error.ambiguous}


def properties(value: Any) -> dict[str, Any]:
    if isinstance(value, Service):
        return {"primary": value.primary.id if value.primary else None, "latest_event": value.latest_event}
    if isinstance(value, Task):
        return {"id": value.id, "has_failed": bool(value.failure())}
    return {"waits": value.waits} if isinstance(value, Build) else {}


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[str]:
    """The named fields in which a result differs."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name, item in expected.items():
            yield from differences(item, actual.get(name, "(missing)"), f"{path}.{name}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for number, (one_expected, one_actual) in enumerate(zip(expected, actual, strict=True)):
            yield from differences(one_expected, one_actual, f"{path}[{number}]")
    elif expected != actual or type(expected) is not type(actual):
        yield f"{path}: {actual!r}, not {expected!r}"


def name_of(recording: Recording) -> str:
    return f"{recording.service}: {recording.idea}"


@pytest.mark.parametrize("recording", RECORDINGS, ids=name_of)
def test_our_client_concludes(recording: Recording) -> None:
    assert list(differences(recording.concludes, plain(played(recording)))) == []


def answers() -> Iterator[Any]:
    for recording in RECORDINGS:
        is_json = models.model(recording.service).resolved_protocol == "json"
        for answer in recording.answers if is_json else ():
            if not answer.error:
                yield pytest.param(recording.service, answer, id=f"{recording.idea}: {answer.operation}")


@pytest.mark.parametrize(("service", "answer"), list(answers()))
def test_a_recorded_answer_has_the_shape_of_the_model(service: str, answer: Answer) -> None:
    shape = models.operation(service, answer.operation).output_shape
    assert list(models.problems(shape, json.loads(answer.body), answer.operation)) == []


def test_there_are_enough_recordings_each_with_one_idea_and_a_source() -> None:
    assert len(RECORDINGS) >= 60
    assert len({name_of(recording) for recording in RECORDINGS}) == len(RECORDINGS)
    kinds = ("recordings: ", "aws-cli: ", "public text", "model: ", "https://docs.aws.amazon.com/")
    assert [recording.idea for recording in RECORDINGS if not recording.source.startswith(kinds)] == []
    assert {recording.service for recording in RECORDINGS} == set(models.SERVICES)


def test_an_unexpected_call_is_refused() -> None:
    playback = Playback("ssm", (Answer("GetParameter", expects='{"Name": "/harbour/tag"}'),))
    with pytest.raises(AssertionError):
        Parameters(playback.client).get("/other")
    with pytest.raises(AssertionError):
        Parameters(Playback("ssm", ()).client).get("/harbour/tag")


def test_a_conclusion_that_differs_is_shown() -> None:
    assert list(differences({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}], "c": 1})) == [".a[1].b: 3, not 2"]
    assert list(differences({"a": True, "d": None}, {"a": 1})) == [
        ".a: 1, not True",
        ".d: '(missing)', not None",
    ]
