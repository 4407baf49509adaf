"""GetLogEvents as on AWS: empty pages at the end of a stream, and the error about a missing stream."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from longshore.aws.logs import Logs
from tests.sandbox.moto_api import Api

LINES = [f"line {number}" for number in range(7)]


@pytest.fixture
def group(api: Api) -> Iterator[str]:
    name, logs = f"/shop/{uuid.uuid4().hex}", api.client("logs")
    logs.create_log_group(logGroupName=name)
    for stream in ("full", "quiet"):
        logs.create_log_stream(logGroupName=name, logStreamName=stream)
    events = [{"timestamp": int(time.time() * 1000) + number, "message": line} for number, line in enumerate(LINES)]
    logs.put_log_events(logGroupName=name, logStreamName="full", logEvents=events)
    yield name
    api.timing.empty_log_pages = 0.0


def pages(client: Any, group: str, limit: int, stream: str = "full", *, head: bool = False) -> list[list[str]]:
    """The pages of a stream, until the token does not change."""
    token: dict[str, str] = {}
    read = []
    while True:
        answer = client.get_log_events(
            logGroupName=group, logStreamName=stream, limit=limit, startFromHead=head, **token
        )
        read.append([event["message"] for event in answer["events"]])
        following = answer["nextForwardToken" if head else "nextBackwardToken"]
        if token.get("nextToken") == following:
            return read
        token = {"nextToken": following}


@pytest.mark.parametrize("empty", [0, 1, 3])
def test_a_stream_that_is_read_from_its_end_may_begin_with_empty_pages(api: Api, group: str, empty: int) -> None:
    api.timing.empty_log_pages = float(empty)
    read = pages(api.client("logs"), group, 3)
    assert read[:empty] == [[]] * empty
    assert [page for page in read[empty:] if page] == [LINES[4:], LINES[1:4], LINES[:1]]
    assert Logs(api.client("logs")).tail(group, "full", 5) == LINES[-5:]


def test_a_stream_that_is_read_from_its_head_or_is_empty_begins_at_once(api: Api, group: str) -> None:
    api.timing.empty_log_pages = 2.0
    assert pages(api.client("logs"), group, 4, head=True)[0] == LINES[:4]
    assert Logs(api.client("logs")).tail(group, "quiet", 5) == []


def test_a_missing_stream_is_not_a_missing_group(api: Api, group: str) -> None:
    for name, missing in ((group, "stream"), ("/shop/none", "group")):
        with pytest.raises(ClientError) as error:
            api.client("logs").get_log_events(logGroupName=name, logStreamName="none")
        assert error.value.response["Error"] == {
            "Code": "ResourceNotFoundException",
            "Message": f"The specified log {missing} does not exist.",
        }
