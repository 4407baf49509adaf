"""CloudWatch Logs: the lines of a stream, in order, each exactly once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from longshore.aws.translate import call
from longshore.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient


PAGES = 50
TAIL_SECONDS = 15.0
"""The limits of one tail. A page covers a span of time and is empty if nothing was written in it; AWS documents neither
the span nor the number of empty pages. In a recording (boto/boto3#3718) a page spanned 3.4 hours."""


class Logs:
    """Reads log streams.

    Args:
        client: of CloudWatch Logs.
        now: a clock in seconds.
    """

    def __init__(self, client: CloudWatchLogsClient, now: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._now = now

    def tail(self, group: str, stream: str, lines: int) -> list[str]:
        """The last lines of a stream, oldest first; none if there is no such stream.

        An empty page is not the end of a stream; an unchanged token is, and at most PAGES are read in TAIL_SECONDS.
        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html

        Raises:
            AwsError: no line could be read.
        """
        read: list[str] = []
        try:
            for messages in self._pages_backwards(group, stream, lines):
                read = [*messages, *read]
                if len(read) >= lines:
                    break
        except AwsError as error:
            if error.code != "ResourceNotFoundException" and not read:
                raise
        return read[-lines:]

    def _pages_backwards(self, group: str, stream: str, lines: int) -> Iterator[list[str]]:
        """The pages of a stream, the newest first; the lines of each are oldest first."""
        arguments: dict[str, Any] = {"logGroupName": group, "logStreamName": stream, "limit": lines}
        ends_at = self._now() + TAIL_SECONDS
        for _ in range(PAGES):
            page = call(self._client.get_log_events, startFromHead=False, **arguments)
            yield [event["message"] for event in page["events"]]
            if page["nextBackwardToken"] == arguments.get("nextToken") or self._now() >= ends_at:
                return
            arguments["nextToken"] = page["nextBackwardToken"]

    def follow(self, group: str, stream: str) -> LogFollower:
        """A follower at the beginning of a stream, which may not exist yet."""
        return LogFollower(self._client, group, stream)


class LogFollower:
    """Reads a stream, and remembers its position."""

    def __init__(self, client: CloudWatchLogsClient, group: str, stream: str) -> None:
        self._client = client
        self._stream: dict[str, Any] = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
        self._token: str | None = None

    def lines(self) -> Iterator[str]:
        """The lines that were written since the last call.

        The end is reached when the token does not change; an empty page is not the end.
        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
        """
        while True:
            token: dict[str, Any] = {"nextToken": self._token} if self._token else {}
            try:
                page = call(self._client.get_log_events, **self._stream, **token)
            except AwsError as error:
                if error.code == "ResourceNotFoundException":
                    return
                raise
            yield from (event["message"] for event in page["events"])
            unchanged = page["nextForwardToken"] == self._token
            self._token = page["nextForwardToken"]
            if unchanged:
                return
