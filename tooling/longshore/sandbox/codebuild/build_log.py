"""The log of a build: written to CloudWatch Logs as it arrives, in CodeBuild's format, with secrets masked."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from longshore.sandbox.codebuild.variables import MASK
from longshore.sandbox.ecs.logs import LogWriter, Stream


class BuildLog:
    """The log of a build.

    Args:
        writer: the writer to CloudWatch Logs.
        stream: the log stream; None if the project has no log.
    """

    def __init__(self, writer: LogWriter, stream: Stream | None) -> None:
        self._writer = writer
        self._stream = stream
        self._secrets: list[str] = []
        self._unfinished = b""
        self._latest = 0

    def mask(self, secrets: tuple[str, ...]) -> None:
        """Mask these values from now on, and each of their lines."""
        lines = {line for secret in secrets for line in (secret, *secret.splitlines()) if line.strip()}
        self._secrets = sorted({*self._secrets, *lines}, key=len, reverse=True)

    def write_line(self, text: str) -> None:
        """Write a line of CodeBuild itself."""
        self._end_line()
        self._write(f"[Container] {datetime.now(UTC):%Y/%m/%d %H:%M:%S.%f} {text}")

    def output(self, chunk: bytes) -> None:
        """Write output of a command."""
        *lines, self._unfinished = (self._unfinished + chunk).split(b"\n")
        for line in lines:
            self._write(line.decode(errors="replace"))

    def close(self) -> None:
        """Wait until the whole log can be read."""
        self._end_line()
        self._writer.flush()

    def _end_line(self) -> None:
        if self._unfinished:
            self.output(b"\n")

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        self._latest = max(self._latest, int(time.time() * 1000))  # PutLogEvents requires ascending times
        self._writer.write(self._stream, self._latest, f"{text}\n")
