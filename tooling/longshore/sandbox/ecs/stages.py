"""The stages of a deployment, and the pause hooks that it has reached."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

AWAITING = "AWAITING_ACTION"
BEFORE_TASKS = ("RECONCILE_SERVICE", "PRE_SCALE_UP")
STAGES = (*BEFORE_TASKS, "POST_SCALE_UP")
"""The stages of a rolling deployment at which the sandbox waits: no traffic is shifted here, so there is no other."""


@dataclass
class Hook:
    """A hook that a deployment has reached.

    Attributes:
        stage: at which it waits.
        expires_at: when ECS takes the action without an answer.
        action: CONTINUE or ROLLBACK, once the time is over.
        id: a new one for each time that a hook is reached.
        status: AWAITING_ACTION, SUCCEEDED, FAILED or TIMED_OUT.
    """

    stage: str
    expires_at: float
    action: str
    id: str = field(default_factory=lambda: f"ecs-pause-{secrets.token_urlsafe(32)}")
    status: str = AWAITING


@dataclass
class Stages:
    """The way of a deployment through its stages.

    Attributes:
        stage: the one that it has reached; empty if its service has no hooks.
        hooks: those that it has reached, oldest first.
        failed: the reason why a hook rolls it back; empty if none does.
    """

    stage: str = ""
    hooks: list[Hook] = field(default_factory=list)
    failed: str = ""

    @property
    def waiting(self) -> bool:
        """Whether it waits at a hook."""
        return any(hook.status == AWAITING for hook in self.hooks)

    @property
    def held_back(self) -> bool:
        """Whether it waits at a hook before any of its tasks starts."""
        return self.waiting and self.stage in BEFORE_TASKS

    def close(self) -> None:
        """End its waits, because the deployment has failed (AWS does not document the status of a hook then)."""
        for hook in self.hooks:
            if hook.status == AWAITING:
                hook.status = "FAILED"

    @property
    def details(self) -> list[dict[str, Any]]:
        """The hooks of its stage, as DeploymentLifecycleHookDetail; times in seconds since the epoch."""
        return [
            {
                "hookId": hook.id,
                "targetType": "PAUSE",
                "status": hook.status,
                "expiresAt": hook.expires_at,
                "timeoutAction": hook.action,
            }
            for hook in self.hooks
            if hook.stage == self.stage
        ]
