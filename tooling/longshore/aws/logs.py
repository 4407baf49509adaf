"""CloudWatch Logs: the lines of a stream, in order, each exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from longshore.aws.translate import call
from longshore.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient


class Logs:
    """Reads log streams."""

    def __init__(self, client: CloudWatchLogsClient) -> None:
        self._client = client

    def tail(self, group: str, stream: str, lines: int) -> list[str]:
        """The last lines of a stream, oldest first; none if there is no such stream."""
        try:
            page = call(
                self._client.get_log_events,
                logGroupName=group,
                logStreamName=stream,
                limit=lines,
                startFromHead=False,
            )
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                return []
            raise
        return [event["message"] for event in page["events"]]

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
