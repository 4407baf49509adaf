"""The document of a build, as BatchGetBuilds returns it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

SUCCEEDED, FAILED, STOPPED, TIMED_OUT = "SUCCEEDED", "FAILED", "STOPPED", "TIMED_OUT"
FAULT, IN_PROGRESS = "FAULT", "IN_PROGRESS"
PHASES = (
    "QUEUED",
    "PROVISIONING",
    "DOWNLOAD_SOURCE",
    "INSTALL",
    "PRE_BUILD",
    "BUILD",
    "POST_BUILD",
    "UPLOAD_ARTIFACTS",
    "FINALIZING",
)
"""The phases that take time, between SUBMITTED and COMPLETED."""


class BuildRecord:
    """The document of a build; safe for several threads.

    Args:
        started: the fields that are known when the build is submitted, with the AWS API's names.
    """

    def __init__(self, started: Mapping[str, Any]) -> None:
        now = datetime.now(UTC)
        submitted = {"phaseType": "SUBMITTED", "phaseStatus": SUCCEEDED, "startTime": now, "endTime": now}
        self._lock = threading.Lock()
        self._fields: dict[str, Any] = {
            **started,
            "startTime": now,
            "currentPhase": "QUEUED",
            "buildStatus": IN_PROGRESS,
            "buildComplete": False,
            "phases": [submitted | {"durationInSeconds": 0}, {"phaseType": "QUEUED", "startTime": now}],
        }

    @property
    def id(self) -> str:
        """``PROJECT:UUID``."""
        return str(self._fields["id"])

    @property
    def project(self) -> str:
        """The project's name."""
        return str(self._fields["projectName"])

    @property
    def complete(self) -> bool:
        """Whether it has ended."""
        return bool(self._fields["buildComplete"])

    def __getitem__(self, name: str) -> Any:
        return self._fields[name]

    def get(self, name: str, default: Any = None) -> Any:
        """A field; `default` if it is missing."""
        return self._fields.get(name, default)

    def document(self) -> dict[str, Any]:
        """A copy of the whole document."""
        with self._lock:
            return copy.deepcopy(self._fields)

    def set(self, **fields: Any) -> None:
        """Change fields, with the AWS API's names."""
        with self._lock:
            self._fields |= fields

    def enter(self, phase: str) -> None:
        """Begin a phase."""
        with self._lock:
            self._fields["phases"].append({"phaseType": phase, "startTime": datetime.now(UTC)})
            self._fields["currentPhase"] = phase

    def leave(self, status: str, code: str = "", message: str = "") -> None:
        """End the current phase; `code` and `message` are its context."""
        with self._lock:
            phase = self._fields["phases"][-1]
            now = datetime.now(UTC)
            seconds = int((now - phase["startTime"]).total_seconds())
            context = {"statusCode": code, "message": message}
            phase |= {"phaseStatus": status, "endTime": now, "durationInSeconds": seconds, "contexts": [context]}

    def finish(self, status: str) -> None:
        """End the build."""
        with self._lock:
            now = datetime.now(UTC)
            self._fields["phases"].append({"phaseType": "COMPLETED", "startTime": now})
            self._fields |= {"currentPhase": "COMPLETED", "buildStatus": status, "endTime": now, "buildComplete": True}

    def row(self) -> dict[str, Any]:
        """The build's row in /_sandbox/status."""
        names = ("id", "projectName", "buildStatus", "currentPhase", "sourceVersion", "initiator")
        with self._lock:
            return {name: self._fields.get(name) for name in names}
