"""The log of a plan or an apply, read from an offset until its end mark."""

from __future__ import annotations

from dataclasses import dataclass, field

from longshore.clock import Clock
from longshore.errors import CloudError
from longshore.terraform.cloud.api import Api
from longshore.terraform.cloud.objects import one
from longshore.terraform.driver import OnEvent
from longshore.terraform.output import pass_on

_BEGIN, _END = b"\x02", b"\x03"
"""STX and ETX around a complete log, as in HashiCorp's client
(https://github.com/hashicorp/go-tfe/blob/main/logreader.go)."""
_CHUNK = 65536
_ENDS_WITHIN = 20.0
"""Seconds until a log shows its end mark after the operation has ended."""


@dataclass
class Log:
    """A log that is still being written.

    Args:
        api: Terraform Cloud.
        path: of the plan or apply, such as ``plans/plan-8F5JFydVYAmtTjET``.
        on_event: receives Terraform's messages.
    """

    api: Api
    path: str
    on_event: OnEvent | None = None
    lines: list[str] = field(default_factory=list)
    complete: bool = False
    _url: str = ""
    _offset: int = 0
    _pending: bytes = b""

    def read(self) -> bool:
        """Reads the new part of the log, and returns whether there was any.

        A failed read is not an error: the next call tries again.
        """
        if self.complete:
            return False
        try:
            self._url = self._url or self._read_url()
            chunk = self.api.download(self._url, {"limit": _CHUNK, "offset": self._offset}) if self._url else b""
        except CloudError:
            self._url = ""  # the signed URL may have expired: the next read asks for a new one
            return False
        if self._offset and chunk.startswith(_BEGIN):
            return False  # the beginning again: a proxy has left out the offset, and would do so for ever
        self._append(chunk)
        return bool(chunk)

    def finish(self, clock: Clock) -> None:
        """Reads to the end mark, or until the time for it has passed; `complete` tells which."""
        for pace in clock.polls(_ENDS_WITHIN, longest=2.0):
            while self.read():
                pass
            if self.complete:
                return
            if self._pending:
                pace.hurry()
        self._add_line(self._pending)

    def _read_url(self) -> str:
        return one(self.api.get(self.path)).attributes.log_read_url or ""

    def _append(self, chunk: bytes) -> None:
        self._offset += len(chunk)
        self.complete = chunk.endswith(_END)
        *complete_lines, self._pending = (self._pending + chunk.strip(_BEGIN + _END)).split(b"\n")
        for line in [*complete_lines, *([self._pending] if self.complete else [])]:
            self._add_line(line)

    def _add_line(self, raw: bytes) -> None:
        line = raw.decode(errors="replace")
        if line.strip():
            self.lines.append(line)
            pass_on(line, self.on_event)
