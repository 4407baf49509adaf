"""The control loop: applies the runtime's reports, asks the scheduler and carries out its decisions.

Hold `lock` to read or change the fleet; the runtime is never called under it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from copy import copy
from functools import partial
from threading import RLock
from typing import Any

from longshore.sandbox.ecs import hooks, scheduler, version_consistency
from longshore.sandbox.ecs.alarms import AlarmWatch, States
from longshore.sandbox.ecs.breaker import Breaker
from longshore.sandbox.ecs.breaker_settings import breaker_of
from longshore.sandbox.ecs.early_success import criteria_of
from longshore.sandbox.ecs.fleet import STOPPED, Deployment, Fleet, Service, Task
from longshore.sandbox.ecs.runtime import Report, Runtime
from longshore.sandbox.ecs.targets import FindCheck, Targets, is_proven, reasons
from longshore.sandbox.ecs.tasks import apply_report, enter, launch, new_service_task, settle
from longshore.sandbox.ecs.timing import Timing

KEPT = 3600.0
"""Seconds for which a stopped task can be described (AWS: about an hour)."""

EVENTS_KEPT = 100
"""The number of events that DescribeServices returns (ECS API, Service.events)."""


class Orchestrator:
    """The state of the sandbox's ECS, and the control loop's step.

    Args:
        runtime: runs the tasks.
        clock: the time in seconds since the epoch.
        timing: when effects show; as recorded by default.
        alarms: reads the states of CloudWatch's alarms.
        find_check: finds the check of a target group.
    """

    def __init__(
        self,
        runtime: Runtime,
        clock: Callable[[], float],
        timing: Timing | None = None,
        alarms: States = dict,
        find_check: FindCheck = lambda _: None,
    ) -> None:
        self.runtime = runtime
        self.clock = clock
        self.timing = timing or Timing()
        self.fleet = Fleet()
        self.lock = RLock()
        self.alarm_states = alarms
        self._alarms = AlarmWatch(alarms, self.timing)
        self._breaker = Breaker(self._announce, self.timing, self._alarms)
        self.targets = Targets(runtime, self.timing, find_check, self._announce)
        self._commands: list[Callable[[], None]] = []

    def step(self) -> None:
        """Carry out one step of the control loop; safe to call at any time."""
        now = self.clock()
        reports = self.runtime.poll(now)
        with self.lock:
            for report in reports:
                self._apply_report(report, now)
            for task in self.fleet.live.values():
                settle(task, now, self.timing.settling)
            for service in self.fleet.services.values():
                self._schedule(service, now)
            for task in list(self.fleet.live.values()):
                self._queue_command(task, now)
            self.fleet.forget_before(now - KEPT)
            commands, self._commands = self._commands, []
        for command in commands:
            command()

    def deploy(self, service: Service, task_definition: str, definition: dict[str, Any], port: int | None) -> None:
        """Start a deployment: it becomes PRIMARY, the earlier ones ACTIVE. Call it under the lock.

        A task of an older deployment is replaced with its own revision, and a later scale-out starts tasks of both
        revisions (https://aws.amazon.com/about-aws/whats-new/2025/11/amazon-ecs-service-availability-rolling-deployments).
        So the older one keeps the count that it had, and one that had no tasks has none to replace or to scale.
        """
        now = self.clock()
        if service.deployments and not self.timing.idle_revision_scales:
            service.primary.kept = service.desired
        service.deploy(task_definition, definition, port, now).earliest_end = now + self.timing.empty_for
        self._alarms.begin(service)

    def retire(self, service: Service) -> None:
        """Begin to delete a service: its tasks drain, then it becomes INACTIVE. Call it under the lock."""
        service.status, service.desired = "DRAINING", 0
        for deployment in service.deployments:
            deployment.end("STOPPED", self.clock(), "Service deleted.")

    def halt(self, task: Task, stop_code: str, reason: str) -> None:
        """Stop a task, unless it is leaving already. Call it under the lock."""
        if not task.leaving:
            task.desired_status, task.stop_code, task.stopped_reason = STOPPED, stop_code, reason
            task.version += 1

    def _apply_report(self, report: Report, now: float) -> None:
        task = self.fleet.live.get(report.task)
        if task is None:
            return
        stopped_itself = apply_report(task, report, now)
        if task.last_status == STOPPED:
            self.fleet.mark_stopped(task)
        service = self.fleet.service(task.cluster, task.service)
        deployment = service.deployment(task.deployment) if service else None
        self._commands += self.targets.observe(task, report, now)
        if service is None or deployment is None:
            return
        version_consistency.establish(deployment, task)
        if is_proven(task) and breaker_of(service)["resetOnHealthyTask"]:
            deployment.failed_tasks = 0
        if stopped_itself:
            deployment.failed_tasks += task.started_at is None or self.timing.exits_counted > 0
            self._throttle(service, deployment, task, now)

    def _throttle(self, service: Service, deployment: Deployment, task: Task, now: float) -> None:
        """Delay the next start after a failed task, unless it had served for a while."""
        service.steady = False
        deployment.updated_at = now
        if task.served_at is not None and now - task.served_at >= scheduler.STEADY_AFTER:
            deployment.stopped_in_row = 0
        else:
            deployment.stopped_in_row += 1
        deployment.retry_at = now + scheduler.backoff(deployment.stopped_in_row)
        if deployment.stopped_in_row == scheduler.CRASH_LOOP:
            self._announce(service, "is unable to consistently start tasks successfully.")

    def _schedule(self, service: Service, now: float) -> None:
        for deployment in service.history:
            self._show(deployment, now)
        live = self.fleet.live_of(service)
        hooks.watch(service, live, now, on_rollback=bool(self.timing.hooks_on_rollback))
        self._breaker.watch(service, now)
        for deployment in service.deployments:
            deployment.planned = True
        stopped: list[str] = []
        for action in scheduler.tick(service, self.fleet.live_of(service), now):
            match action:
                case scheduler.StartTasks(identity, count):
                    self._start(service, identity, count, now)
                case scheduler.StopTask(identity, unhealthy):
                    self._stop(service, self.fleet.tasks[identity], now, unhealthy=unhealthy)
                    stopped.append(identity)
                case _:
                    self._conclude(service, action, now)
        if stopped:
            self._announce(service, f"has stopped {len(stopped)} running tasks: {_names(stopped)}.")
        self._commands += self.targets.step(service, self.fleet.live_of(service), now)

    def _show(self, deployment: Deployment, now: float) -> None:
        """Let the effects of earlier steps show that are due."""
        if deployment.listed_at is None and now >= deployment.created_at + self.timing.listed_after:
            deployment.listed_at = now
        elif deployment.status == "PENDING" and deployment.listed_at is not None:
            deployment.status, deployment.started_at = "IN_PROGRESS", now
        began = deployment.rollback_started_at
        if began is not None:
            deployment.failure_shown = deployment.failure_shown or now >= began + self.timing.failure_hidden
            reported_at = began + self.timing.rollback_reported_after
            deployment.rollback_reported = deployment.rollback_reported or now >= reported_at

    def _start(self, service: Service, deployment: str, count: int, now: float) -> None:
        started = next(d for d in service.deployments if d.id == deployment)
        tasks = [new_service_task(service, started, now) for _ in range(count)]
        for task in tasks:
            self.fleet.add(task)
        service.steady = False
        self._announce(service, f"has started {count} tasks: {_names(task.id for task in tasks)}.")

    def _stop(self, service: Service, task: Task, now: float, *, unhealthy: bool) -> None:
        service.steady = False
        reason = f"Scaling activity initiated by (deployment {service.primary.id})"
        if unhealthy:
            event, reason = reasons(task)
            self._announce(service, event)
            if deployment := service.deployment(task.deployment):
                deployment.failed_tasks += 1
                self._throttle(service, deployment, task, now)
        self.halt(task, "ServiceSchedulerInitiated", reason)

    def _conclude(self, service: Service, action: scheduler.Action, now: float) -> None:
        match action:
            case scheduler.Meet():
                service.primary.progress.met_at = now
            case scheduler.Complete():
                self._complete(service, service.primary, now)
            case scheduler.Retire(deployment):
                service.deployments = [d for d in service.deployments if d.id != deployment]
            case scheduler.Settle():
                service.steady = service.primary.progress.shown = True
                self._announce(service, "has reached a steady state.")
            case scheduler.Announce(message):
                self._announce(service, message)
            case scheduler.Deactivate():
                service.status, service.deployments = "INACTIVE", []
                self._commands.append(partial(self.runtime.withdraw, service.cluster, service.name))

    def _complete(self, service: Service, deployment: Deployment, now: float) -> None:
        deployment.completed = True
        if criteria_of(service):
            progress = deployment.progress
            progress.snapshot = [copy(task) for task in self.fleet.live_of(service)]
            progress.cleanup_at = now + self.timing.deferred_cleanup
            progress.shown = not self.timing.early_success_hidden
        deployment.end("SUCCESSFUL", now)
        if failed := service.rolled_back_by(deployment):
            failed.end("ROLLBACK_SUCCESSFUL", now, failed.status_reason)
        self._announce(service, f"(deployment {deployment.id}) deployment completed.")

    def _queue_command(self, task: Task, now: float) -> None:
        """Queue the runtime call that a task needs next, for when the lock is free."""
        if task.leaving and not task.launched:
            enter(task, STOPPED, now)
            self.fleet.mark_stopped(task)
        elif task.leaving and not task.halted:
            task.halted = True
            self._commands.append(partial(self.runtime.stop, task.id))
        elif not task.launched:
            task.launched = True
            self._commands.append(partial(self.runtime.start, launch(task)))

    def _announce(self, service: Service, message: str) -> None:
        """Add an event to a service, unless it repeats the latest."""
        message = f"(service {service.name}) {message}"
        if not service.events or service.events[0]["message"] != message:
            event = {"id": str(uuid.uuid4()), "createdAt": self.clock(), "message": message}
            service.events = [event, *service.events[: EVENTS_KEPT - 1]]


def _names(tasks: Iterable[str]) -> str:
    return " ".join(f"(task {task})" for task in tasks)
