"""The failed tasks of a deployment, and how many are too many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from longshore.aws.ecs_types import Service, Task
from longshore.errors import CrashLoopError

SEE_REASONS = "See the reasons, the events of the service, and the logs of its tasks."


def most_alike(tasks: Sequence[Task]) -> list[Task]:
    """The tasks that failed for the most common cause, in their order; the earliest cause, if two are as common."""
    causes = Counter(task.failure_key() for task in tasks)
    return [task for task in tasks if task.failure_key() == causes.most_common(1)[0][0]]


def refuse_crash_loop(service: Service, failed: Sequence[Task]) -> None:
    """Refuses more failed tasks than the service's circuit breaker tolerates.

    Tasks count if they failed for the same cause. If the service has set ``resetOnHealthyTask`` to false, ECS counts
    all failures of a deployment, and Longshore does the same. With its default, ECS counts from 0 again as soon as a
    task is healthy, and may never stop a deployment whose tasks crash later; Longshore does not forget them.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html

    Args:
        service: the service.
        failed: the failed tasks of its deployment.

    Raises:
        CrashLoopError: it has the reason of one of them, in full.
    """
    counted = most_alike(failed) if service.breaker.resets else list(failed)
    if counted and len(counted) >= service.breaker.threshold(service.desired):
        reason = most_alike(counted)[0].failure()
        text = f"{service.name}: {len(counted)} new tasks stopped: {reason}"
        raise CrashLoopError(text, SEE_REASONS, service.name)
