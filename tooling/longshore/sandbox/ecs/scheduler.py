"""The service scheduler's decisions, as a pure function of a service, its tasks and the time.

It changes nothing, starts nothing and reads no clock. Rules: the ECS API's DeploymentConfiguration and the developer
guide's "rolling update". A comment marks each choice that AWS does not document.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from longshore.sandbox.ecs.early_success import Cleanup, cleanup_of, criteria_of
from longshore.sandbox.ecs.fleet import Deployment, Service, Task
from longshore.sandbox.ecs.targets import is_unhealthy

STEADY_AFTER = 10.0
"""Seconds of serving after which the stop of a task is not part of a crash loop, and it is replaced at once."""

CRASH_LOOP = 3
"""The number of consecutive tasks that failed after which a crash loop is announced."""

BLOCKED = (
    "was unable to stop or start tasks during a deployment because of the service deployment configuration. "
    "Update the minimumHealthyPercent or maximumPercent value and try again."
)


@dataclass(frozen=True)
class StartTasks:
    """Start tasks of a deployment."""

    deployment: str
    count: int


@dataclass(frozen=True)
class StopTask:
    """Stop a task; `unhealthy` if its health check failed, else to scale."""

    task: str
    unhealthy: bool = False


@dataclass(frozen=True)
class Meet:
    """Note that the PRIMARY deployment meets its criteria of success: its bake time begins."""


@dataclass(frozen=True)
class Complete:
    """Complete the PRIMARY deployment: it meets its criteria of success, and its bake time is over."""


@dataclass(frozen=True)
class Retire:
    """Retire an old deployment without tasks."""

    deployment: str


@dataclass(frozen=True)
class Settle:
    """Announce that the service has reached a steady state."""


@dataclass(frozen=True)
class Deactivate:
    """Make a deleted service without tasks INACTIVE."""


@dataclass(frozen=True)
class Announce:
    """Add an event to the service, unless it repeats the latest."""

    message: str


Action = StartTasks | StopTask | Meet | Complete | Retire | Settle | Deactivate | Announce


def backoff(stopped_in_row: int) -> float:
    """Seconds to wait before the next start, after a number of consecutive failed tasks.

    ECS throttles such services without documenting how; the sandbox doubles from half a second to thirty.
    """
    return min(30.0, 0.5 * 2.0 ** (stopped_in_row - 1)) if stopped_in_row else 0.0


def tick(service: Service, tasks: Sequence[Task], now: float) -> list[Action]:
    """Decide on the actions for one service.

    Args:
        service: the service.
        tasks: its tasks that have not stopped, oldest first.
        now: the time, in seconds since the epoch.

    Returns:
        The actions, in order; empty if there is nothing to do.
    """
    if service.status == "INACTIVE":
        return []
    plan = _Plan(service, tasks)
    plan.drop_unhealthy(now)
    plan.drop_surplus_new()
    primary = service.primary
    match cleanup_of(service, _count_serving(plan.new), now):
        case Cleanup.ROLLING:
            plan.drop_old(can_start=primary.retry_at <= now and not primary.failed and not primary.stages.held_back)
        case Cleanup.ALL:
            plan.drop_all_old()
    plan.start(now)
    plan.finish(now)
    return plan.actions


class _Plan:
    """The plan of one tick: the tasks as they will be after `actions`."""

    def __init__(self, service: Service, tasks: Sequence[Task]) -> None:
        self.service = service
        self.tasks = tasks
        self.actions: list[Action] = []
        staying = [task for task in tasks if not task.leaving]
        self.new = [task for task in staying if task.deployment == service.primary.id]
        self.old = [task for task in staying if task.deployment != service.primary.id]

    @property
    def missing(self) -> int:
        """The number of tasks of the new revision that are still to be started."""
        return self.service.wanted - len(self.new)

    @property
    def restorable(self) -> Deployment | None:
        """The deployment that restores the minimum: the newest completed one that is not PRIMARY."""
        return next((d for d in self.service.deployments if not d.primary and d.completed), None)

    def drop_unhealthy(self, now: float) -> None:
        """Stop unhealthy tasks at once (AWS may start the replacement first)."""
        for task in [task for task in (*self.new, *self.old) if is_unhealthy(self.service, task, now)]:
            self._stop(task, unhealthy=True)

    def drop_surplus_new(self) -> None:
        """Stop surplus tasks after the count was lowered: those that do not serve first, then the youngest."""
        ranked = sorted(self.new, key=lambda task: (task.serving, -task.created_at))
        for task in ranked[: max(0, -self.missing)]:
            self._stop(task)

    def drop_old(self, *, can_start: bool) -> None:
        """Stop old tasks: idle ones first, and serving ones as far as the minimum allows and it helps.

        It helps if more tasks serve than are wanted, or if the new revision lacks room below the maximum.
        """
        service = self.service
        serving_old = [task for task in self.old if task.serving]
        serving = len(serving_old) + _count_serving(self.new)
        kept = max(0, service.minimum - serving) if self.restorable else 0
        for task in self._idle_old()[kept:]:
            self._stop(task)
        lacking_room = self.missing - (service.maximum - len(self.new) - len(self.old)) if can_start else 0
        for task in serving_old[: max(0, min(serving - service.minimum, max(serving - service.wanted, lacking_room)))]:
            self._stop(task)

    def drop_all_old(self) -> None:
        """Stop all old tasks: enough new ones serve."""
        for task in [*self.old]:
            self._stop(task)

    def start(self, now: float) -> None:
        """Start missing tasks below the maximum: old ones that the minimum lacks, then new ones."""
        service, primary, old = self.service, self.service.primary, self.restorable
        room = max(0, service.maximum - sum(task.counted for task in self.tasks))
        lacking = service.minimum - _count_serving(self.new) - len(self.old)
        if old and old.kept is not None:
            lacking = min(lacking, old.kept - sum(task.deployment == old.id for task in self.old))
        if old and lacking > 0 and not primary.completed and old.retry_at <= now:
            room -= self._start(old, min(lacking, room))
        if primary.failed or primary.stages.held_back or primary.retry_at > now:
            return
        if self.missing > 0:
            self._start(primary, min(self.missing, room))
        if self._blocked(room):
            self.actions.append(Announce(BLOCKED))

    def finish(self, now: float) -> None:
        """Complete, retire and settle."""
        service, primary = self.service, self.service.primary
        if service.status == "DRAINING":
            self.actions += [Deactivate()] if not self.tasks else []
            return
        all_replaced = self._all_replaced(now)
        completes = self._meets_criteria(all_replaced=all_replaced, now=now) and not primary.completed
        steady = all_replaced and (primary.completed or completes)
        busy = {task.deployment for task in self.tasks} | {
            a.deployment for a in self.actions if isinstance(a, StartTasks)
        }
        self.actions += [Complete()] if completes else []
        for deployment in service.deployments:
            dispensable = (primary.completed or completes or not deployment.completed) and deployment.failure_shown
            if not deployment.primary and deployment.id not in busy and dispensable:
                self.actions.append(Retire(deployment.id))
        if steady and not service.steady:
            self.actions.append(Settle())

    def _all_replaced(self, now: float) -> bool:
        """Whether all tasks are new and serve, with nothing left to start or to stop."""
        service, primary = self.service, self.service.primary
        replaced = not self.actions and len(self.tasks) == len(self.new) == service.wanted == _count_serving(self.new)
        # A rollback to a deployment whose tasks still run has all of them from its start.
        earliest = primary.created_at if service.wanted else primary.earliest_end
        return replaced and not primary.failed and now > earliest

    def _meets_criteria(self, *, all_replaced: bool, now: float) -> bool:
        """Whether the PRIMARY deployment may complete: its criteria are met, and its bake time is over."""
        criteria, primary = criteria_of(self.service), self.service.primary
        if primary.stages.waiting:
            return False
        met = all_replaced
        if criteria and not primary.failed:
            met = _count_serving(self.new) >= criteria.needed
        if met and primary.progress.met_at is None and not primary.completed and (criteria or primary.progress.bakes):
            self.actions.append(Meet())
            return False
        baked = primary.progress.baked(now) if criteria or primary.progress.bakes else True
        cleaned = not criteria or criteria.deferred or all(task.deployment == primary.id for task in self.tasks)
        return met and baked and cleaned

    def _idle_old(self) -> list[Task]:
        """The old tasks that do not serve, those of the restorable deployment first."""
        keep = self.restorable.id if self.restorable else ""
        return sorted((t for t in self.old if not t.serving), key=lambda task: task.deployment != keep)

    def _blocked(self, room: int) -> bool:
        """Whether the percentages allow neither a start nor a stop, although every task serves."""
        return (
            self.missing > 0
            and room <= 0
            and not any(task.leaving for task in self.tasks)
            and not self.actions
            and _count_serving([*self.new, *self.old]) == len(self.tasks)
        )

    def _stop(self, task: Task, *, unhealthy: bool = False) -> None:
        self.actions.append(StopTask(task.id, unhealthy))
        for tasks in (self.new, self.old):
            if task in tasks:
                tasks.remove(task)

    def _start(self, deployment: Deployment, count: int) -> int:
        if count > 0:
            self.actions.append(StartTasks(deployment.id, count))
        return max(0, count)


def _count_serving(tasks: Iterable[Task]) -> int:
    return sum(task.serving for task in tasks)
