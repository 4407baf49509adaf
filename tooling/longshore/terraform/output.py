"""Terraform's output: its lines, and the events and errors in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from longshore.masking import Masks
from longshore.terraform.documents import Document, parse
from longshore.terraform.driver import OnEvent

_SHOWN = 4000
_HINTS = (
    (
        ("Error acquiring the state lock",),
        "Another terraform process holds the state lock: wait until it has finished."
        " If it was killed, run: invoke state.unlock",
    ),
    (
        ("ExpiredToken", "token has expired", "TokenRefreshRequired", "InvalidGrantException"),
        "Sign in to AWS again (for example: aws sso login), then run the same command again.",
    ),
    (
        ("No valid credential sources found",),
        "boto3 has credentials, but Terraform cannot use their source. Export them:"
        ' eval "$(aws configure export-credentials --format env)"',
    ),
    (
        ("could not be found", "ResourceNotFound", "NoSuchBucket"),
        "If this environment was never set up, run: invoke bootstrap",
    ),
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_OVERRIDES = "Provider development overrides are in effect"
_QUIET_EVENTS = frozenset({"version", "planned_change", "refresh_start", "refresh_complete", "apply_start", "outputs"})


class _OutputValue(Document):
    value: Any = None


class _Outputs(Document):
    outputs: Mapping[str, _OutputValue]


@dataclass(frozen=True)
class Output:
    """The output of terraform, here or in a log of Terraform Cloud.

    Attributes:
        code: its exit code.
        lines: of its standard output; a wrapper or a shim may have added some.
        errors: lines of its standard error, where logs (TF_LOG) and the messages of shims go.
    """

    code: int
    lines: list[str]
    errors: list[str] = field(default_factory=list)

    @property
    def events(self) -> Iterator[dict[str, Any]]:
        """The lines that are JSON objects."""
        for line in self.lines:
            if line.startswith("{"):
                try:
                    event = json.loads(line)
                except (ValueError, RecursionError):  # also a number of thousands of digits
                    continue
                yield event

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join([*self.lines, *self.errors])

    def document(self) -> dict[str, Any] | None:
        """The JSON object that was printed, on one line or several, among other lines; None without one."""
        text, decoder = "\n".join(self.lines), json.JSONDecoder()
        starts = (match.start() for match in re.finditer(r"^{", text, re.MULTILINE))
        for start in starts:
            try:
                document: dict[str, Any] = decoder.raw_decode(text, start)[0]
            except (ValueError, RecursionError):  # also a number of thousands of digits
                continue
            return document
        return None

    def changed(self, *, refresh_only: bool) -> bool | None:
        """Whether a plan has changes, by its events; None if no plan was printed.

        The exit code of ``-detailed-exitcode`` proves nothing: wrappers replace it.

        Args:
            refresh_only: whether the plan only updates the state, so that changes outside of Terraform count.
        """
        kinds = {"planned_change"} | ({"resource_drift"} if refresh_only else set())
        events = list(self.events)
        if not any(event.get("type") == "change_summary" for event in events):
            return None
        groups = [event.get("outputs") or {} for event in events if event.get("type") == "outputs"]
        outputs = [output for group in groups for output in (group.values() if isinstance(group, dict) else [group])]
        changed = any(not isinstance(output, dict) or output.get("action", "noop") != "noop" for output in outputs)
        return changed or any(str(event.get("type")) in kinds for event in events)

    def values(self) -> dict[str, Any]:
        """The values of the outputs after an apply, by its last event with some.

        Raises:
            TerraformError: the event is malformed.
        """
        events = [event for event in self.events if event.get("type") == "outputs"]
        outputs = parse(_Outputs, events[-1], "an event of terraform apply").outputs if events else {}
        return {name: output.value for name, output in outputs.items()}

    def provider_overrides(self) -> str:
        """Terraform's warning that the CLI configuration replaces a provider by one under development; or empty."""
        diagnostics = (_mapping(event.get("diagnostic")) for event in self.events)
        return "\n".join(_paragraph(each) for each in diagnostics if _OVERRIDES in str(each.get("summary")))

    def explanation(self, masks: Masks) -> str:
        """Terraform's own errors, one per paragraph; the end of the output if there are none."""
        events = (_mapping(event.get("diagnostic")) for event in self.events)
        errors = [diagnostic for diagnostic in events if diagnostic.get("severity") == "error"]
        return "\n".join(map(_paragraph, errors)) or self._end(masks)

    @property
    def hint(self) -> str:
        """What to do about a failure; empty if its text says enough."""
        return next((hint for texts, hint in _HINTS if any(text in self.text for text in texts)), "")

    def _end(self, masks: Masks) -> str:
        # Masked before it is cut: part of a secret is no longer recognised.
        return masks.mask(self.text)[-_SHOWN:]


def plain(text: bytes) -> str:
    """The text without colours: not every command of terraform takes -no-color."""
    return _COLOUR.sub("", text.decode(errors="replace"))


def pass_on(line: str, on_event: OnEvent | None) -> None:
    """Gives the readable part of a line to on_event, unless it is empty."""
    if on_event and (text := _message(line)):
        on_event(text)


def _message(line: str) -> str:
    """The message of an event, or the line itself; empty for an event that only repeats the plan."""
    try:
        event = json.loads(line)
        return "" if str(event.get("type")) in _QUIET_EVENTS else str(event.get("@message", line))
    except (ValueError, AttributeError, RecursionError):
        return line


def _paragraph(diagnostic: Mapping[str, Any]) -> str:
    where = diagnostic.get("address") or _mapping(diagnostic.get("range")).get("filename", "")
    place = f" ({where})" if where else ""
    return f"  {diagnostic.get('summary', '')}{place}: {diagnostic.get('detail', '')}".rstrip(": ")


def _mapping(value: Any) -> Mapping[str, Any]:
    """A part of an event; empty if it has another form. The line is shown as it is then."""
    return value if isinstance(value, dict) else {}
