"""The time for which deployments wait at lifecycle hooks: it counts towards none of our deadlines.

ECS ends each wait itself: at the time limit of the hook it continues or rolls back.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from longshore.aws.ecs_hooks import Hook
from longshore.aws.ecs_types import ServiceDeployment

PACE = 4.0
"""Seconds between two looks while every service that is left waits at a hook, which may take days."""

_OUTCOMES = {"CONTINUE": "continues", "ROLLBACK": "rolls back"}


@dataclass
class HeldTime:
    """The seconds for which each service has waited at hooks, by the looks that showed it waiting.

    The time between two looks counts if the first one showed the service waiting. While ECS cannot be read, nothing is
    added, so a wait that cannot be observed ends at the deadline.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    _seen_at: dict[str, float] = field(default_factory=dict)

    def learn(self, service: str, now: float, *, waits: bool) -> tuple[float, float] | None:
        """Learns from a look.

        Args:
            service: its name.
            now: the time of the look.
            waits: whether it shows the service waiting.

        Returns:
            The span of time, up to this look, that the service has waited since the last one; None if it has not.
        """
        since = self._seen_at.pop(service, None)
        if waits:
            self._seen_at[service] = now
        if since is None:
            return None
        self.seconds[service] = self.seconds.get(service, 0.0) + now - since
        return since, now


def brief(paused: ServiceDeployment) -> str:
    """A deployment that waits, in a few words, such as ``waits at POST_SCALE_UP until 2026-05-06 12:06 UTC``."""
    ends = _ends(paused)
    until = f" until {ends.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if ends else ""
    return f"waits at {paused.stage or 'a hook'}{until}"


def describe(name: str, paused: ServiceDeployment, command: str, now: datetime | None = None) -> str:
    """A deployment that waits, as sentences: its stage, the end and the outcome of the wait, and your commands.

    Args:
        name: of the service.
        paused: the deployment.
        command: answers the hook.
        now: the time; by default that of this machine.
    """
    ends, now = _ends(paused), now or datetime.now(UTC)
    left = f" ({max(0.0, (ends - now).total_seconds()) / 60:.0f} minutes from now)" if ends else ""
    then = {_OUTCOMES[hook.timeout_action] for hook in _holding(paused) if hook.timeout_action in _OUTCOMES}
    text = f"{name} {brief(paused)}{left}"
    if ends and then:
        text += f"; then ECS {' or '.join(sorted(then))}"
    text += ". The deadlines of the release do not run for it during the wait."
    if any(hook.asks for hook in paused.hooks):
        return f"{text} To continue: {command}. To roll back: {command} --rollback"
    return f"{text} A function decides; there is nothing to do"


def why_ended(details: ServiceDeployment | None) -> str:
    """How pause hooks have ended a deployment, to be added to ECS's reason; empty if they did not."""
    statuses = {hook.status for hook in details.hooks if hook.kind == "PAUSE"} if details else set()
    if "TIMED_OUT" in statuses:
        return " (no answer to its pause hook in time)"
    return " (its pause hook was answered with a rollback)" if "FAILED" in statuses else ""


def _holding(paused: ServiceDeployment) -> list[Hook]:
    return [hook for hook in paused.hooks if hook.holds]


def _ends(paused: ServiceDeployment) -> datetime | None:
    """When ECS ends the wait: the first hook to expire decides."""
    return min((hook.expires_at for hook in _holding(paused) if hook.expires_at), default=None)
