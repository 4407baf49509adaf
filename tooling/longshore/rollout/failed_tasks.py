"""The failed tasks of a deployment: how many are too many, and how long a service must be quiet after one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from longshore.aws.ecs_types import Service, Task
from longshore.errors import CrashLoopError

LONGER = 1.5
"""How much longer than its failed tasks lived a service must be quiet: no two lives of a task are exactly equal."""

ATTEMPTS = 3
"""How many quiet times a bake time may take longer than planned after its first failed task."""

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
    counted = most_alike(failed) if service.settings.breaker.resets else list(failed)
    if counted and len(counted) >= service.settings.breaker.threshold(service.desired):
        reason = most_alike(counted)[0].failure()
        text = f"{service.name}: {len(counted)} new tasks stopped: {reason}"
        raise CrashLoopError(text, SEE_REASONS, service.name)


def summarized(service: str, failed: Sequence[Task]) -> str:
    """A sentence about tasks that failed while a service was watched, with the reason of one of them in full."""
    alike = most_alike(failed)
    number = "1 new task" if len(failed) == 1 else f"{len(failed)} new tasks"
    shared = "" if len(alike) == len(failed) else f" ({len(alike)} of them for this cause)"
    return (
        f"{service}: {number} failed while it was watched, after {_longest(alike):.0f} s{shared}: {alike[0].failure()}"
    )


@dataclass
class QuietTime:
    """How long services must be healthy without a break, and until when they may try to be.

    After a failed task, the services must be quiet for longer than it lived: its replacement is as likely to fail at
    that age. The first failure also extends the time in which they may try, once, so that a service cannot be watched
    without end.

    Attributes:
        seconds: how long the services must be quiet.
        until: when the time to try is over, by the clock.
        since: since when they are quiet.
    """

    seconds: float
    until: float
    since: float
    _extended: bool = field(default=False, init=False)

    def learn(self, failed: Iterable[Task]) -> None:
        """Takes the failed tasks of all services into account."""
        failed = list(failed)
        if not failed:
            return
        self.seconds = max(self.seconds, LONGER * _longest(failed))
        if not self._extended:
            self._extended, self.until = True, self.until + ATTEMPTS * self.seconds


def _longest(tasks: Iterable[Task]) -> float:
    return max(task.lifetime for task in tasks)
