"""awslogs: the containers' lines, into moto's CloudWatch Logs, in order, none lost."""

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
"""The most events in one PutLogEvents (CloudWatch Logs API)."""

LONGEST = 262_118
"""Bytes after which a line is cut in two: 256 KiB less the 26 that CloudWatch adds to an event."""

STALLED = 10.0
"""Seconds without a new line after which a follower of an ended container is given up."""

_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|[+-]\d\d:\d\d) ")
_PIECE = re.compile(rb"[^\n]*\n|[^\n]+")


@dataclass(frozen=True)
class Stream:
    """Where the lines of a container go."""

    group: str
    name: str
    region: str


def stream_of(options: dict[str, str], container: str, task: str, region: str) -> Stream:
    """The log stream that awslogs writes to: PREFIX/CONTAINER/TASK, or without a prefix one of its own."""
    prefix = options.get("awslogs-stream-prefix")
    name = f"{prefix}/{container}/{task}" if prefix else f"{container}-{task}"
    return Stream(options.get("awslogs-group", ""), name, options.get("awslogs-region", region))


class Follower:
    """One container's lines on their way; its thread ends with the container."""

    def __init__(self) -> None:
        self.lines = 0
        self.written = threading.Event()

    def drain(self) -> None:
        """Wait until every line of the ended container can be read from CloudWatch Logs."""
        seen = -1
        while not self.written.wait(STALLED) and self.lines != seen:
            seen = self.lines
        if not self.written.is_set():
            logging.getLogger(__name__).warning("the log of a stopped container did not end")


@dataclass(frozen=True)
class _Line:
    stream: Stream
    timestamp: int
    message: str


@dataclass(frozen=True)
class _End:
    follower: Follower


class LogWriter:
    """Writes the lines of all containers, from one thread: moto's backend has no lock.

    It writes whenever there is something, so nothing waits for a batch to fill: the first line of a quiet service is
    there at once, and batches grow by themselves under load.

    Args:
        account_id: whose log groups.
    """

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id
        # Bounded: a container that writes faster than this is held up by Docker, not kept in our memory.
        self._queue: queue.Queue[_Line | _End | None] = queue.Queue(maxsize=5 * BATCH)
        self._thread = threading.Thread(target=self._write, name="logs", daemon=True)
        self._thread.start()

    def prepare(self, stream: Stream, container: str, *, create_group: bool) -> None:
        """Create a log stream.

        Raises:
            StartError: CannotStartContainerError, if its group does not exist.
        """
        backend = self._backend(stream)
        try:
            if create_group and stream.group not in backend.groups:
                backend.create_log_group(stream.group, {})
            backend.create_log_stream(stream.group, stream.name)
        except (JsonRESTError, ServiceException) as error:
            raise _no_group(container) from error

    def follow(self, stream: Stream, chunks: Iterable[bytes]) -> Follower:
        """Write what a container says, until it ends.

        Args:
            stream: where to.
            chunks: Docker's stream of its log, with time stamps.
        """
        follower = Follower()
        threading.Thread(target=self._read, args=(stream, chunks, follower), name="log", daemon=True).start()
        return follower

    def write(self, stream: Stream, timestamp: int, message: str) -> None:
        """Write one line, `timestamp` in milliseconds since the epoch; later lines of a stream must not be earlier."""
        self._queue.put(_Line(stream, timestamp, message))

    def flush(self) -> None:
        """Wait until every line that came can be read from CloudWatch Logs."""
        end = _End(Follower())
        self._queue.put(end)
        end.follower.written.wait(STALLED)

    def close(self) -> None:
        """End, once everything that came was written."""
        self._queue.put(None)
        self._thread.join()

    def _read(self, stream: Stream, chunks: Iterable[bytes], follower: Follower) -> None:
        latest = 0
        try:
            for timestamp, message in lines(chunks):
                latest = max(latest, timestamp)  # PutLogEvents wants them in order of time
                self._queue.put(_Line(stream, latest, message))
                follower.lines += 1
        except Exception:
            logging.getLogger(__name__).exception("the log of %s broke off", stream.name)
        finally:
            self._queue.put(_End(follower))

    def _write(self) -> None:
        while (first := self._queue.get()) is not None:
            items = [first]
            while len(items) < BATCH and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    self._queue.put(None)
                    break
                items.append(following)
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
                # The group was deleted under a running task; awslogs goes on as well.
                logging.getLogger(__name__).info("no log stream %s any more", stream.name)
        for item in items:
            if isinstance(item, _End):
                item.follower.written.set()

    def _backend(self, stream: Stream) -> LogsBackend:
        return logs_backends[self._account_id][stream.region]


def lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """Docker's stream as lines, with the time of each in milliseconds since the epoch.

    Docker cuts lines of more than 16 KiB, and gives each piece a time stamp; they are joined again. Empty lines are
    left out, since CloudWatch takes none.
    """
    kept, timestamp = b"", 0
    for chunk in chunks:
        for piece in _PIECE.findall(chunk):
            stamp = _STAMP.match(piece)
            if stamp and not kept:
                timestamp = _milliseconds(stamp)
            kept += piece[stamp.end() :] if stamp else piece
            if kept.endswith(b"\n") or len(kept) > LONGEST:
                yield from _events(timestamp, kept)
                kept = b""
    yield from _events(timestamp, kept)


def _events(timestamp: int, line: bytes) -> Iterator[tuple[int, str]]:
    text = line.rstrip(b"\r\n")
    for start in range(0, len(text), LONGEST):
        yield timestamp, text[start : start + LONGEST].decode(errors="replace")


def _milliseconds(stamp: re.Match[bytes]) -> int:
    # Docker stamps in UTC, whatever the machine's zone.
    seconds = datetime.strptime(stamp[1].decode(), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp()
    return int(seconds) * 1000 + int((stamp[2] or b"0").ljust(9, b"0")[:3])


def _no_group(container: str) -> StartError:
    detail = (
        "failed to initialize logging driver: failed to create Cloudwatch log stream: "
        "ResourceNotFoundException: The specified log group does not exist."
    )
    return cannot_start(container, detail)
