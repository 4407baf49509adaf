"""Lifecycle hooks that a deployment has reached, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

KINDS = ("AWS_LAMBDA", "PAUSE")
"""The kinds of hooks that Longshore knows: a function decides, or a person."""

_HOLDING = ("AWAITING_ACTION", "IN_PROGRESS")


@dataclass(frozen=True)
class Hook:
    """A hook that a deployment has reached (ECS API, DeploymentLifecycleHookDetail).

    Attributes:
        id: a new one for each time that the hook is reached.
        kind: PAUSE, or AWS_LAMBDA for a function.
        status: AWAITING_ACTION, IN_PROGRESS, SUCCEEDED, FAILED or TIMED_OUT.
        expires_at: when ECS ends the wait; None if it does not say.
        timeout_action: the action that ECS then takes: CONTINUE or ROLLBACK.
    """

    id: str
    kind: str
    status: str
    expires_at: datetime | None = None
    timeout_action: str = ""

    @property
    def holds(self) -> bool:
        """Whether the deployment waits for it; ECS ends the wait of a function automatically."""
        return self.status in _HOLDING

    @property
    def asks(self) -> bool:
        """Whether it waits for ContinueServiceDeployment."""
        return self.status == "AWAITING_ACTION"


def hooks_of(raw: Any) -> tuple[Hook, ...]:
    """The hooks of a ServiceDeployment; one without a type is a function's (ECS API, targetType)."""
    return tuple(
        Hook(
            id=hook.get("hookId", ""),
            kind=hook.get("targetType", "AWS_LAMBDA"),
            status=hook.get("status", ""),
            expires_at=hook.get("expiresAt"),
            timeout_action=hook.get("timeoutAction", ""),
        )
        for hook in raw.get("lifecycleHookDetails") or []
    )
