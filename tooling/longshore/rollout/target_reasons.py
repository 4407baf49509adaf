"""Why a load balancer sends no requests to our tasks, in the words of its target groups and of the events of ECS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from longshore.aws.ecs_types import Task
from longshore.aws.target_health import TargetHealth
from longshore.rollout.ports import TargetReader

_STATES = ("unhealthy", "unhealthy.draining", "unused", "initial")
"""The states of targets that get no requests and are not on their way out, the worst first.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
"""

EVENTS = 5
"""The number of the newest events that a diagnosis shows."""

TELLING = 2
"""The number of older events about unhealthy tasks that it shows."""


def target_reasons(
    reader: TargetReader, groups: Sequence[str], ours: Sequence[Task], others: Sequence[Task]
) -> list[str]:
    """The states of the targets of our tasks that get no requests, one line for each reason.

    If ECS shows neither an address nor a port of our tasks, the lines are about all targets of the groups, and say so.

    Args:
        reader: reads the health of targets.
        groups: ARNs of the target groups of the service.
        ours: the tasks of the deployment.
        others: the other tasks of the service.

    Raises:
        AwsError: the health cannot be read.
    """
    if not groups or not ours:
        return []
    targets = reader.health(groups)
    known = any(task.addresses or task.host_ports for task in ours)
    chosen = [target for target in targets if _is_of(target, ours, others)] if known else targets
    lines = Counter((t.state, t.reason, t.description) for t in chosen if t.state in _STATES)
    of_group = "" if known else " of its target groups"
    return [
        f"{number} target{'s' * (number > 1)}{of_group} {state}: {_because(reason, description)}"
        for (state, reason, description), number in sorted(lines.items(), key=lambda line: _STATES.index(line[0][0]))
    ]


def telling_events(events: Sequence[str], ours: Sequence[Task]) -> list[str]:
    """The newest events, and older ones that call one of our tasks unhealthy, with the load balancer's reason."""
    names = [f"(task {task.id})" for task in ours]
    older = [event for event in events[EVENTS:] if " is unhealthy in " in event and any(n in event for n in names)]
    return [*events[:EVENTS], *older[:TELLING]]


def _is_of(target: TargetHealth, ours: Sequence[Task], others: Sequence[Task]) -> bool:
    """Whether a target is one of our tasks: by its address, or by a port that no other task of the service uses."""
    if any(target.id in task.addresses for task in ours):
        return True
    return (
        target.id.startswith("i-")
        and any(target.port in task.host_ports for task in ours)
        and not any(target.port in task.host_ports for task in others)
    )


def _because(reason: str, description: str) -> str:
    return f"{reason} ({description})" if reason and description else reason or description or "no reason given"
