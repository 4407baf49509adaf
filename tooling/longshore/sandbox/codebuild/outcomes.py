"""Prescribed outcomes of builds, such as failures that no real build produces on demand."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from longshore.sandbox.codebuild.build_record import IN_PROGRESS, PHASES


@dataclass
class Outcome:
    """The prescribed outcome of a project's next build.

    Attributes:
        project: name of the project.
        status: the final status of the build, which runs no commands; AWS need not have this status. With
            ``IN_PROGRESS`` the build does not end. Empty: it runs its commands.
        phase: the phase in which a build without commands ends or stays.
        code: status code of that phase's context.
        message: message of that phase's context.
        resolved_source_version: the commit that the build claims to have built.
        log: the log of a build without commands.
        seconds: how long a build without commands stays in its phase.
        unstoppable: StopBuild is answered, but has no effect.
        times: the number of builds that get this outcome.
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
        """Whether the build runs its commands."""
        return not self.status

    @property
    def stays(self) -> bool:
        """Whether it stays in its phase until it is stopped or times out."""
        return self.status == IN_PROGRESS


def parse(document: dict[str, Any]) -> Outcome:
    """Read an outcome from a JSON document.

    Raises:
        ValueError: a field is missing, unknown or not valid; the message names it.
    """
    names = {entry.name for entry in fields(Outcome)}
    if unknown := sorted(document.keys() - names):
        raise ValueError(f"{unknown[0]}: unknown field; the fields are {', '.join(sorted(names))}")
    if not document.get("project"):
        raise ValueError("project: missing; name the project of the next build")
    outcome = Outcome(**document)
    if outcome.phase not in PHASES:
        raise ValueError(f"phase: {outcome.phase!r} is not one of {', '.join(PHASES)}")
    if outcome.times < 1:
        raise ValueError(f"times: {outcome.times} is less than 1")
    return outcome


class Outcomes:
    """The prescribed outcomes that no build has taken yet; safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Outcome] = []

    def add(self, outcome: Outcome) -> None:
        """Prescribe an outcome; a project's builds take them in this order."""
        with self._lock:
            self._waiting.append(outcome)

    def clear(self) -> None:
        """Discard all outcomes."""
        with self._lock:
            self._waiting.clear()

    def rows(self) -> list[dict[str, Any]]:
        """The outcomes, in order."""
        with self._lock:
            return [asdict(outcome) for outcome in self._waiting]

    def take(self, project: str) -> Outcome:
        """The outcome of a build that starts now; an empty one if none is prescribed."""
        with self._lock:
            outcome = next((waiting for waiting in self._waiting if waiting.project == project), None)
            if outcome is None:
                return Outcome(project)
            outcome.times -= 1
            if not outcome.times:
                self._waiting.remove(outcome)
            return replace(outcome)
