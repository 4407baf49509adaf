"""A build's log: its lines into CloudWatch Logs as they come, in CodeBuild's form, with secrets masked."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from longshore.sandbox.codebuild.variables import MASK
from longshore.sandbox.ecs.logs import LogWriter, Stream


class BuildLog:
    """The log of one build.

    Args:
        writer: writes to CloudWatch Logs.
        stream: where to; None where the project has no log.
    """

    def __init__(self, writer: LogWriter, stream: Stream | None) -> None:
        self._writer = writer
        self._stream = stream
        self._secrets: list[str] = []
        self._kept = b""
        self._latest = 0

    def mask(self, secrets: tuple[str, ...]) -> None:
        """Show these values as ``***`` from now on; of several lines each line."""
        lines = {line for secret in secrets for line in (secret, *secret.splitlines()) if line.strip()}
        self._secrets = sorted({*self._secrets, *lines}, key=len, reverse=True)

    def say(self, text: str) -> None:
        """A line of CodeBuild's own."""
        self._end_line()
        self._write(f"[Container] {datetime.now(UTC):%Y/%m/%d %H:%M:%S.%f} {text}")

    def output(self, chunk: bytes) -> None:
        """What a command writes."""
        *whole, self._kept = (self._kept + chunk).split(b"\n")
        for line in whole:
            self._write(line.decode(errors="replace"))

    def close(self) -> None:
        """Wait until everything can be read."""
        self._end_line()
        self._writer.flush()

    def _end_line(self) -> None:
        if self._kept:
            self.output(b"\n")

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        self._latest = max(self._latest, int(time.time() * 1000))  # PutLogEvents wants them in order of time
        self._writer.write(self._stream, self._latest, f"{text}\n")
