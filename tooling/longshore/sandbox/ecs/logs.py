"""awslogs: writes the output of containers to moto's CloudWatch Logs, in order and without loss."""

from __future__ import annotations

import logging
import queue
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from moto.core.exceptions import JsonRESTError, ServiceException
from moto.logs.models import LogsBackend, logs_backends

from longshore.sandbox.ecs.start_errors import StartError, cannot_start

BATCH = 10_000
"""The maximum number of events in one PutLogEvents (CloudWatch Logs API)."""

LONGEST = 262_118
"""The maximum of bytes in a line, or it is split: 256 KiB less the 26 that CloudWatch adds to an event."""

STALLED = 10.0
"""Seconds without a new line after which waiting for the log of an ended container stops."""

_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|[+-]\d\d:\d\d) ")
_PART = re.compile(rb"[^\n]*\n|[^\n]+")


@dataclass(frozen=True)
class Stream:
    """A log stream."""

    group: str
    name: str
    region: str


def stream_of(options: dict[str, str], container: str, task: str, region: str) -> Stream:
    """The log stream that awslogs writes to: PREFIX/CONTAINER/TASK, or CONTAINER-TASK without a prefix."""
    prefix = options.get("awslogs-stream-prefix")
    name = f"{prefix}/{container}/{task}" if prefix else f"{container}-{task}"
    return Stream(options.get("awslogs-group", ""), name, options.get("awslogs-region", region))


class Follower:
    """The log of one container while it is being written."""

    def __init__(self) -> None:
        self.lines = 0
        self.written = threading.Event()

    def drain(self) -> None:
        """Wait until the whole log of an ended container can be read from CloudWatch Logs."""
        seen = -1
        while not self.written.wait(STALLED) and self.lines != seen:
            seen = self.lines
        if not self.written.is_set():
            logging.getLogger(__name__).warning("the log of a stopped container has no end")


@dataclass(frozen=True)
class _Line:
    stream: Stream
    timestamp: int
    message: str


@dataclass(frozen=True)
class _End:
    follower: Follower


class LogWriter:
    """Writes the lines of all containers, in one thread: moto's backend has no lock.

    It writes whenever there is a line and does not wait for a batch to fill, so the first line of a quiet service
    appears at once, and batches grow under load.

    Args:
        account_id: the account of the log groups.
    """

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id
        # Bounded: Docker blocks a container that writes faster, and this process does not buffer its lines.
        self._queue: queue.Queue[_Line | _End | None] = queue.Queue(maxsize=5 * BATCH)
        self._thread = threading.Thread(target=self._write, name="logs", daemon=True)
        self._thread.start()

    def prepare(self, stream: Stream, container: str, *, create_group: bool) -> None:
        """Create a log stream.

        Raises:
            StartError: CannotStartContainerError: the log group does not exist.
        """
        backend = self._backend(stream)
        try:
            if create_group and stream.group not in backend.groups:
                backend.create_log_group(stream.group, {})
            backend.create_log_stream(stream.group, stream.name)
        except (JsonRESTError, ServiceException) as error:
            raise _no_group(container) from error

    def follow(self, stream: Stream, chunks: Iterable[bytes]) -> Follower:
        """Write a container's log, until it ends.

        Args:
            stream: the destination.
            chunks: Docker's stream of the log, with timestamps.
        """
        follower = Follower()
        threading.Thread(target=self._read, args=(stream, chunks, follower), name="log", daemon=True).start()
        return follower

    def write(self, stream: Stream, timestamp: int, message: str) -> None:
        """Write one line, `timestamp` in milliseconds since the epoch; later lines of a stream must not be earlier."""
        self._queue.put(_Line(stream, timestamp, message))

    def flush(self) -> None:
        """Wait until all lines so far can be read from CloudWatch Logs."""
        end = _End(Follower())
        self._queue.put(end)
        end.follower.written.wait(STALLED)

    def close(self) -> None:
        """Stop, after all lines so far are written."""
        self._queue.put(None)
        self._thread.join()

    def _read(self, stream: Stream, chunks: Iterable[bytes], follower: Follower) -> None:
        latest = 0
        try:
            for timestamp, message in lines(chunks):
                latest = max(latest, timestamp)  # PutLogEvents requires ascending times
                self._queue.put(_Line(stream, latest, message))
                follower.lines += 1
        except Exception:
            logging.getLogger(__name__).exception("cannot read the log of %s any further", stream.name)
        finally:
            self._queue.put(_End(follower))

    def _write(self) -> None:
        while (first := self._queue.get()) is not None:
            items = [first]
            while len(items) < BATCH and not self._queue.empty():
                item = self._queue.get()
                if item is None:
                    self._queue.put(None)
                    break
                items.append(item)
            self._put(items)

    def _put(self, items: list[_Line | _End]) -> None:
        batches: dict[Stream, list[dict[str, int | str]]] = {}
        for item in items:
            if isinstance(item, _Line):
                event: dict[str, int | str] = {"timestamp": item.timestamp, "message": item.message}
                batches.setdefault(item.stream, []).append(event)
        for stream, events in batches.items():
            try:
                self._backend(stream).put_log_events(stream.group, stream.name, events)
            except (JsonRESTError, ServiceException):
                # The group of a running task was deleted; awslogs continues too.
                logging.getLogger(__name__).info("the log stream %s does not exist any more", stream.name)
        for item in items:
            if isinstance(item, _End):
                item.follower.written.set()

    def _backend(self, stream: Stream) -> LogsBackend:
        return logs_backends[self._account_id][stream.region]


def lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """The lines of Docker's stream, each with its time in milliseconds since the epoch.

    Docker splits lines of more than 16 KiB and stamps each part; the parts are joined again. Empty lines are omitted,
    because CloudWatch accepts none.
    """
    unfinished, timestamp = b"", 0
    for chunk in chunks:
        for part in _PART.findall(chunk):
            stamp = _STAMP.match(part)
            if stamp and not unfinished:
                timestamp = _milliseconds(stamp)
            unfinished += part[stamp.end() :] if stamp else part
            if unfinished.endswith(b"\n") or len(unfinished) > LONGEST:
                yield from _events(timestamp, unfinished)
                unfinished = b""
    yield from _events(timestamp, unfinished)


def _events(timestamp: int, line: bytes) -> Iterator[tuple[int, str]]:
    text = line.rstrip(b"\r\n")
    for start in range(0, len(text), LONGEST):
        yield timestamp, text[start : start + LONGEST].decode(errors="replace")


def _milliseconds(stamp: re.Match[bytes]) -> int:
    # Docker's timestamps are in UTC, in any time zone of the machine.
    seconds = datetime.strptime(stamp[1].decode(), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp()
    return int(seconds) * 1000 + int((stamp[2] or b"0").ljust(9, b"0")[:3])


def _no_group(container: str) -> StartError:
    detail = (
        "failed to initialize logging driver: failed to create Cloudwatch log stream: "
        "ResourceNotFoundException: The specified log group does not exist."
    )
    return cannot_start(container, detail)
