from __future__ import annotations

import threading
from collections.abc import Iterator
from unittest.mock import create_autospec

import pytest
from docker.errors import APIError
from docker.models.containers import Container
from moto.logs.models import logs_backends
from requests import Response

from longshore.sandbox.ecs.host import Host
from longshore.sandbox.ecs.logs import LONGEST, LogWriter, Stream, lines, stream_of
from longshore.sandbox.ecs.start_errors import StartError
from tests.sandbox.moto_api import REGION

ACCOUNT = "123456789012"
STAMP = b"2026-11-23T11:37:34.858123456Z "


@pytest.fixture
def writer() -> Iterator[LogWriter]:
    writer = LogWriter(ACCOUNT)
    yield writer
    writer.close()


def test_lines_keep_their_time_and_their_order() -> None:
    chunks = [STAMP + b"one\n", STAMP.replace(b"34.858", b"35.001") + b"two\n"]
    assert list(lines(chunks)) == [(1795433854858, "one"), (1795433855001, "two")]


def test_parts_of_a_line_are_joined() -> None:
    assert [line for _, line in lines([STAMP + b"a" * 16384, STAMP + b"b\n", STAMP + b"next"])] == [
        "a" * 16384 + "b",
        "next",
    ]


def test_empty_lines_are_omitted_and_long_ones_split() -> None:
    messages = [line for _, line in lines([STAMP + b"\n", STAMP + b"x" * (LONGEST + 5) + b"\n", STAMP + b"\xff\n"])]
    assert [len(line) for line in messages] == [LONGEST, 5, 1]
    assert messages[2] == "\ufffd"


def test_a_chunk_may_contain_several_lines() -> None:
    assert [line for _, line in lines([STAMP + b"a\n" + STAMP + b"b\n"])] == ["a", "b"]


def test_the_log_stream_has_awslogs_name() -> None:
    options = {"awslogs-group": "/shop/web", "awslogs-stream-prefix": "ecs", "awslogs-region": "eu-west-1"}
    assert stream_of(options, "web", "f00", REGION) == Stream("/shop/web", "ecs/web/f00", "eu-west-1")
    assert stream_of({"awslogs-group": "/g"}, "web", "f00", REGION) == Stream("/g", "web-f00", REGION)


def test_the_whole_log_can_be_read_after_draining(writer: LogWriter) -> None:
    backend = logs_backends[ACCOUNT][REGION]
    backend.create_log_group("/launch/logs", {})
    streams = [Stream("/launch/logs", f"s{number}", REGION) for number in range(3)]
    for stream in streams:
        writer.prepare(stream, "web", create_group=False)
    count = 5000
    followers = [writer.follow(stream, (STAMP + b"%d\n" % n for n in range(count))) for stream in streams]
    for stream, follower in zip(streams, followers, strict=True):
        follower.drain()
        events = backend.groups[stream.group].streams[stream.name].events
        assert [event.message for event in events] == [str(n) for n in range(count)]


def test_the_first_line_of_a_quiet_container_appears_at_once(writer: LogWriter) -> None:
    backend = logs_backends[ACCOUNT][REGION]
    stream = Stream("/launch/quiet", "s", REGION)
    writer.prepare(stream, "web", create_group=True)
    said, quiet = threading.Event(), threading.Event()

    def chunks() -> Iterator[bytes]:
        yield STAMP + b"ready\n"
        said.set()
        quiet.wait(10)

    follower = writer.follow(stream, chunks())
    assert said.wait(10)
    events = backend.groups[stream.group].streams[stream.name].events
    for _ in range(200):
        if events:
            break
        quiet.wait(0.01)
    assert [event.message for event in events] == ["ready"]
    quiet.set()
    follower.drain()


def test_lines_that_docker_omits_at_the_end_of_a_container_are_read_again() -> None:
    container = create_autospec(Container, instance=True)
    kept = [STAMP + b"%d\n" % number for number in range(10)]
    container.logs.side_effect = lambda *, follow, **_: iter(kept[:6] if follow else [kept[0] + kept[1], *kept[2:]])
    assert [line for _, line in lines(Host.follow(container))] == [str(number) for number in range(10)]


def test_the_log_of_a_container_that_is_removed_ends_without_an_error() -> None:
    container = create_autospec(Container, instance=True)
    response = Response()
    response.status_code = 409
    removed = APIError("Conflict: marked for removal", response)
    container.logs.side_effect = [iter([STAMP + b"one\n"]), removed]
    assert [line for _, line in lines(Host.follow(container))] == ["one"]


def test_a_missing_log_group_prevents_the_start_of_a_container(writer: LogWriter) -> None:
    with pytest.raises(StartError, match=r"CannotStartContainerError.*log group does not exist"):
        writer.prepare(Stream("/launch/nope", "s", REGION), "web", create_group=False)
