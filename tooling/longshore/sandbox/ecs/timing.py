"""When the effects of calls and failures show: as recorded, and as settings where AWS says nothing."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass
class Timing:
    """Times in seconds; each can be changed while the sandbox runs.

    Attributes:
        settling: after which a task with neither port nor health check counts; AWS waits for 40.
        rollback_window: for which PRIMARY shows FAILED before its rollback begins. Recorded: the two events are 1 ms
            apart, so 0.
        failure_hidden: after the rollback began, for which the failed deployment still shows IN_PROGRESS, ACTIVE
            beside PRIMARY. Recorded: up to 106 s.
        listed_after: after UpdateService, until its service deployment exists. Recorded: 1.6 s (the examples of the
            aws command line).
        rollback_reported_after: after the rollback began, until the service deployment shows it. Not known.
        empty_for: until a deployment without tasks completes. Recorded: 87 s.
        rollback_keeps_id: 1 if the rollback's deployment has the id of the deployment that it returns to, 0 if it has a
            new one. Recorded once with the old id, and with a new date of creation.
    """

    settling: float = 1.0
    rollback_window: float = 0.0
    failure_hidden: float = 8.0
    listed_after: float = 1.6
    rollback_reported_after: float = 1.0
    empty_for: float = 1.0
    rollback_keeps_id: float = 0.0

    def set(self, name: str, value: float) -> None:
        """Changes a setting.

        Raises:
            ValueError: there is no such setting, or the value is negative.
        """
        if name not in SETTINGS:
            raise ValueError(f"{name}: unknown setting; the settings are {', '.join(SETTINGS)}")
        if value < 0:
            raise ValueError(f"{name}: {value} is less than 0")
        setattr(self, name, value)


SETTINGS = tuple(field.name for field in fields(Timing))
