from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from longshore.aws.logs import PAGES, Logs
from longshore.errors import AwsError
from tests.fakes.clients import scripted

GROUP, STREAM = "/shop/test/web", "ecs/web/0123abcd"
Page = tuple[str | None, list[str], str]
"""The token that is sent, the messages of the answer, and its token backward."""

# As in boto/boto3#3718, with other names: the first page backward is empty although the stream has events.
RECORDED: list[Page] = [
    (None, [], "b/37"),
    ("b/37", [], "b/36"),
    ("b/36", ["one", "two"], "b/35"),
    ("b/35", [], "b/35"),
]


def events(messages: list[str]) -> list[dict[str, Any]]:
    return [{"timestamp": 1, "ingestionTime": 1, "message": message} for message in messages]


def logs_with(pages: list[Page], limit: int = 30, now: Callable[[], float] = lambda: 0.0) -> tuple[Logs, Any]:
    """Logs whose client expects these calls, one for each page, and checks them against AWS's model."""
    client, script = scripted("logs")
    for token, messages, backward in pages:
        sent = {"logGroupName": GROUP, "logStreamName": STREAM, "startFromHead": False, "limit": limit}
        answer = {"events": events(messages), "nextForwardToken": "f/37", "nextBackwardToken": backward}
        script.add_response("get_log_events", answer, sent | ({"nextToken": token} if token else {}))
    return Logs(client, now), script


def test_an_empty_first_page_is_not_the_end() -> None:
    logs, script = logs_with(RECORDED)
    assert logs.tail(GROUP, STREAM, 30) == ["one", "two"]
    script.assert_no_pending_responses()


def test_an_empty_page_between_others_is_not_the_end() -> None:
    logs, _ = logs_with([(None, ["4"], "b/3"), ("b/3", [], "b/2"), ("b/2", ["2", "3"], "b/1"), ("b/1", [], "b/1")])
    assert logs.tail(GROUP, STREAM, 30) == ["2", "3", "4"]


def test_the_newest_lines_are_kept_oldest_first() -> None:
    logs, script = logs_with([(None, ["4", "5"], "b/3"), ("b/3", ["2", "3"], "b/2")], limit=3)
    assert logs.tail(GROUP, STREAM, 3) == ["3", "4", "5"]
    script.assert_no_pending_responses()


def test_a_full_page_is_enough() -> None:
    logs, script = logs_with([(None, ["1", "2"], "b/1")], limit=2)
    assert logs.tail(GROUP, STREAM, 2) == ["1", "2"]
    script.assert_no_pending_responses()


def test_an_empty_stream_ends_at_an_unchanged_token() -> None:
    logs, script = logs_with([(None, [], "b/0"), ("b/0", [], "b/0")])
    assert logs.tail(GROUP, STREAM, 30) == []
    script.assert_no_pending_responses()


def test_empty_pages_without_an_end_are_limited_by_number() -> None:
    logs, script = logs_with([(f"b/{n}" if n else None, [], f"b/{n + 1}") for n in range(PAGES)])
    assert logs.tail(GROUP, STREAM, 30) == []
    script.assert_no_pending_responses()


def test_empty_pages_without_an_end_are_limited_by_time() -> None:
    times = iter(range(0, 100, 10))
    logs, script = logs_with([(None, [], "b/1"), ("b/1", ["one"], "b/2")], now=lambda: float(next(times)))
    assert logs.tail(GROUP, STREAM, 30) == ["one"]
    script.assert_no_pending_responses()


def test_a_stream_that_does_not_exist_has_no_lines() -> None:
    client, script = scripted("logs")
    script.add_client_error("get_log_events", "ResourceNotFoundException")
    assert Logs(client).tail(GROUP, STREAM, 30) == []


def test_lines_are_kept_if_an_older_page_cannot_be_read() -> None:
    logs, script = logs_with([(None, ["one"], "b/1")])
    script.add_client_error("get_log_events", "ThrottlingException")
    assert logs.tail(GROUP, STREAM, 30) == ["one"]


def test_a_log_that_cannot_be_read_is_an_error() -> None:
    client, script = scripted("logs")
    script.add_client_error("get_log_events", "AccessDeniedException")
    with pytest.raises(AwsError, match="AccessDeniedException"):
        Logs(client).tail(GROUP, STREAM, 30)


def test_a_follower_goes_past_empty_pages() -> None:
    client, script = scripted("logs")
    pages: list[Page] = [(None, [], "f/1"), ("f/1", ["one"], "f/2"), ("f/2", [], "f/3"), ("f/3", [], "f/3")]
    for token, messages, forward in pages:
        sent = {"logGroupName": GROUP, "logStreamName": STREAM, "startFromHead": True}
        answer = {"events": events(messages), "nextForwardToken": forward, "nextBackwardToken": "b/0"}
        script.add_response("get_log_events", answer, sent | ({"nextToken": token} if token else {}))
    assert list(Logs(client).follow(GROUP, STREAM).lines()) == ["one"]
