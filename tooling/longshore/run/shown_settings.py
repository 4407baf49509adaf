"""The settings of a service as text."""

from __future__ import annotations

from longshore.aws.ecs_settings import ServiceSettings


def shown(settings: ServiceSettings) -> str:
    """The deployment settings of a service, in one line."""
    breaker, early = settings.breaker, settings.early_success
    parts = ["rolling"]
    if breaker.enabled:
        unit = "" if breaker.threshold_type == "COUNT" else " %"
        after = "rolls back" if breaker.rolls_back else "stops"
        reset = "" if breaker.resets else ", keeps counting after a healthy task"
        parts.append(f"circuit breaker {after} at {breaker.threshold_value}{unit}{reset}")
    if early:
        parts.append(f"early success at {early.healthy_percent} %, clean-up {early.cleanup}")
    parts += [f"hook {hook}" for hook in settings.hooks]
    return ", ".join(parts)
