"""The log of a plan or an apply, followed by its offset until the mark of its end."""

from __future__ import annotations

from dataclasses import dataclass, field

from longshore.clock import Clock
from longshore.errors import CloudError
from longshore.terraform.cloud.api import Api
from longshore.terraform.driver import OnEvent
from longshore.terraform.output import pass_on

_BEGIN, _END = b"\x02", b"\x03"
"""STX and ETX: the API's client of HashiCorp's own (go-tfe, logreader.go) tells a whole log by them."""
_CHUNK = 65536
_ENDS_WITHIN = 20.0
"""Seconds in which a log shows its end after what writes it has ended."""


@dataclass
class Log:
    """A log that grows.

    Args:
        api: where it is.
        path: of its plan or apply, such as ``plans/plan-8F5JFydVYAmtTjET``.
        on_event: gets Terraform's messages as they come.
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
        """Reads what has come since; a log that can't be read now is read later, and fails nothing.

        Returns:
            Whether there was anything.
        """
        if self.complete:
            return False
        try:
            self._url = self._url or self._find()
            chunk = self.api.download(self._url, {"limit": _CHUNK, "offset": self._offset}) if self._url else b""
        except CloudError:
            self._url = ""  # its permission may have run out: the next read asks for another one
            return False
        self._append(chunk)
        return bool(chunk)

    def finish(self, clock: Clock) -> None:
        """Reads to the end, for as long as that may take to show itself; `complete` says whether it did."""
        for pace in clock.polls(_ENDS_WITHIN, longest=2.0):
            while self.read():
                pass
            if self.complete:
                return
            if self._pending:
                pace.hurry()
        self._add_line(self._pending)

    def _find(self) -> str:
        attributes = self.api.get(self.path)["data"]["attributes"]
        return str(attributes.get("log-read-url") or "")

    def _append(self, chunk: bytes) -> None:
        self._offset += len(chunk)
        self.complete = chunk.endswith(_END)
        *whole, self._pending = (self._pending + chunk.strip(_BEGIN + _END)).split(b"\n")
        for line in [*whole, *([self._pending] if self.complete else [])]:
            self._add_line(line)

    def _add_line(self, raw: bytes) -> None:
        line = raw.decode(errors="replace")
        if line.strip():
            self.lines.append(line)
            pass_on(line, self.on_event)
