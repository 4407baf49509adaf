"""Outcomes that an operator prescribes for the next builds of a project: what no real build brings about on demand."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from longshore.sandbox.codebuild.build_record import IN_PROGRESS, PHASES


@dataclass
class Outcome:
    """What becomes of a build.

    Attributes:
        project: of which project the next build is meant.
        status: the build runs nothing and ends with this status, which may be one that AWS does not have; with
            ``IN_PROGRESS`` it does not end by itself. Empty: it runs.
        phase: the phase in which it ends, or stays: of a build that runs nothing.
        code: status code of that phase's context.
        message: message of that phase's context.
        resolved_source_version: what it says that it built, in place of the truth.
        log: lines of a build that runs nothing.
        seconds: so long a build that runs nothing stays in its phase.
        unstoppable: StopBuild is answered, and changes nothing.
        times: how many builds this is for.
    """

    project: str
    status: str = ""
    phase: str = "BUILD"
    code: str = ""
    message: str = ""
    resolved_source_version: str = ""
    log: list[str] = field(default_factory=list)
    seconds: float = 0.0
    unstoppable: bool = False
    times: int = 1

    @property
    def runs(self) -> bool:
        """Whether the build really runs."""
        return not self.status

    @property
    def stays(self) -> bool:
        """Whether it stays in its phase until it is stopped, or its time is over."""
        return self.status == IN_PROGRESS


def parse(document: dict[str, Any]) -> Outcome:
    """Make one of a JSON document.

    Raises:
        ValueError: a field is missing, unknown, or has a value that is not allowed; the message names it.
    """
    known = {entry.name for entry in fields(Outcome)}
    if strange := sorted(document.keys() - known):
        raise ValueError(f"{strange[0]}: unknown; known are {', '.join(sorted(known))}")
    if not document.get("project"):
        raise ValueError("project: missing; it names the project whose next build is meant")
    outcome = Outcome(**document)
    if outcome.phase not in PHASES:
        raise ValueError(f"phase: {outcome.phase!r} is none of {', '.join(PHASES)}")
    if outcome.times < 1:
        raise ValueError(f"times: {outcome.times} is less than 1")
    return outcome


class Outcomes:
    """The outcomes that wait for a build; safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Outcome] = []

    def add(self, outcome: Outcome) -> None:
        """Prescribe one; those of a project are used up in their order."""
        with self._lock:
            self._waiting.append(outcome)

    def clear(self) -> None:
        """Prescribe nothing any more."""
        with self._lock:
            self._waiting.clear()

    def rows(self) -> list[dict[str, Any]]:
        """Those that wait."""
        with self._lock:
            return [asdict(outcome) for outcome in self._waiting]

    def take(self, project: str) -> Outcome:
        """The outcome of a build that starts now; one that prescribes nothing, where none waits."""
        with self._lock:
            found = next((outcome for outcome in self._waiting if outcome.project == project), None)
            if found is None:
                return Outcome(project)
            found.times -= 1
            if not found.times:
                self._waiting.remove(found)
            return replace(found)
