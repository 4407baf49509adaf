"""The registration of tasks in the target groups of their service, and the checks of the targets."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from moto.elbv2.models import elbv2_backends

from longshore.sandbox.ecs.fleet import RUNNING, STOPPED, Service, Task
from longshore.sandbox.ecs.runtime import Report, Runtime
from longshore.sandbox.ecs.target_health import Check, Target, check_of
from longshore.sandbox.ecs.timing import Timing

FindCheck = Callable[[str], Check | None]
"""Finds the check of a target group by its ARN; None if there is no such group."""

Command = Callable[[], None]

INSTANCE = "i-0a1b2c3d4e5f60718"
"""The id of this machine in target groups of the type ``instance``: the sandbox has no container instances."""


def find_in(account_id: str, region: str) -> FindCheck:
    """Finds the check of a target group among moto's."""

    def find(arn: str) -> Check | None:
        group = elbv2_backends[account_id][region].target_groups.get(arn)
        return check_of(group) if group else None

    return find


class Targets:
    """Registers tasks, has their targets checked and deregisters them.

    Args:
        runtime: runs the tasks, and asks their targets.
        timing: when effects show.
        find: finds the check of a target group.
        announce: adds an event to a service.
    """

    def __init__(self, runtime: Runtime, timing: Timing, find: FindCheck, announce: Callable[[Service, str], None]):
        self._runtime = runtime
        self._timing = timing
        self._find = find
        self._announce = announce

    def step(self, service: Service, tasks: Iterable[Task], now: float) -> list[Command]:
        """Register, deregister and check the targets of a service.

        Returns:
            The calls of the runtime that this needs, for when no lock is held.
        """
        commands: list[Command] = []
        registered, deregistered = Counter[str](), Counter[str]()
        draining = 0
        for task in tasks:
            if task.leaving or task.last_status == STOPPED:
                drained = self._deregister(task)
                deregistered.update(drained)
                draining += bool(drained)
            elif task.last_status == RUNNING and task.balanced:
                registered.update(self._register(task))
                commands += self._due(task, now)
        self._announce_all(service, registered, deregistered, draining)
        return commands

    def observe(self, task: Task, report: Report, now: float) -> list[Command]:
        """Take the outcomes of checks into account.

        Returns:
            The calls of the runtime that this needs, for when no lock is held.
        """
        before = [target.state for target in task.targets]
        for group, outcome in report.checks:
            check = self._find(group)
            for target in task.targets:
                if target.group == group and check:
                    target.observe(outcome, check, now, first=self._first(check))
        if task.leaving or before == (states := [target.state for target in task.targets]):
            return []
        task.reachable = all(state == "healthy" for state in states)
        if "initial" in states:
            return []
        return [partial(self._runtime.route, task.id, healthy=task.reachable)]

    def described(self, tasks: Iterable[Task], group: str) -> list[dict[str, Any]]:
        """The health of the targets of a group, in the shapes of the ELB API (TargetHealthDescription)."""
        check = self._find(group)
        return [
            _description(task, target, check)
            for task in tasks
            for target in task.targets
            if target.group == group and check
        ]

    def _announce_all(
        self, service: Service, registered: Counter[str], deregistered: Counter[str], draining: int
    ) -> None:
        """Add the events of a step, whose texts users of ECS quote (github.com/hackforla/CivicTechJobs, issue 436)."""
        if draining:
            self._announce(service, f"has begun draining connections on {draining} tasks.")
        for verb, numbers in (("deregistered", deregistered), ("registered", registered)):
            for group, number in numbers.items():
                self._announce(service, f"{verb} {number} targets in (target-group {group})")

    def _register(self, task: Task) -> list[str]:
        """The target groups in which a task is registered."""
        if task.targets:
            return []
        for balancer in task.balanced:
            arn = balancer["targetGroupArn"]
            task.targets.append(Target(arn, balancer["containerName"], int(balancer["containerPort"])))
        return [target.group for target in task.targets]

    def _deregister(self, task: Task) -> list[str]:
        """The target groups from which a task is deregistered."""
        if task.last_status in ("STOPPING", STOPPED):
            task.targets.clear()
        leaving = [target for target in task.targets if target.state != "draining"]
        for target in leaving:
            target.drain()
        return [target.group for target in leaving]

    def _due(self, task: Task, now: float) -> list[Command]:
        due: list[Command] = []
        for target in task.targets:
            check = self._find(target.group)
            if check and target.is_due(check, now):
                target.asking = True
                due.append(partial(self._runtime.check, task.id, target.container, target.port, check))
        return due

    def _first(self, check: Check) -> int:
        """The checks that a new target must pass in a row.

        One for an Application Load Balancer ("Health checks for Application Load Balancer target groups"); for a
        Network Load Balancer, AWS does not say.
        """
        return check.healthy if check.network and self._timing.network_first_checks else 1


def is_unhealthy(service: Service, task: Task, now: float) -> bool:
    """Whether ECS stops a task because of a health check: of a container or of a target group.

    Within the grace period after the task's start, ECS ignores both (ECS API, healthCheckGracePeriodSeconds).
    """
    grace = service.settings.get("healthCheckGracePeriodSeconds") or 0
    if task.started_at is not None and now - task.started_at < grace:
        return False
    return task.health == "UNHEALTHY" or _failing(task) is not None


def reasons(task: Task) -> tuple[str, str]:
    """Why ECS stops an unhealthy task: the text of the service's event, and the task's stoppedReason.

    Both are recorded: in public logs of deployments, and in tests/conformance/recordings/ecs.tasks.toml.
    """
    target = _failing(task)
    if target is None or task.health == "UNHEALTHY":
        return f"(task {task.id}) failed container health checks.", "Task failed container health checks"
    group = f"(target-group {target.group})"
    why = f"is unhealthy in {group} due to (reason {target.description})."
    return f"(task {task.id}) (port {target.port}) {why}", f"Task failed ELB health checks in {group}"


def is_proven(task: Task) -> bool:
    """Whether a running task has passed all of its health checks, so that the breaker counts from 0 again."""
    passes = task.health == "HEALTHY" or not task.checked
    return task.last_status == RUNNING and passes and (not task.balanced or task.reachable)


def _failing(task: Task) -> Target | None:
    return next((target for target in task.targets if target.state == "unhealthy"), None)


def _description(task: Task, target: Target, check: Check) -> dict[str, Any]:
    by_address = check.target_type == "ip"
    published = next((dict(c.ports).get(target.port) for c in task.containers if c.name == target.container), None)
    port = target.port if by_address else published or target.port
    health = {"State": target.state, "Reason": target.reason, "Description": target.description}
    return {
        "Target": {"Id": private_address(task) if by_address else INSTANCE, "Port": port},
        "HealthCheckPort": str(check.port or port),
        "TargetHealth": {name: value for name, value in health.items() if value},
    }


def private_address(task: Task) -> str:
    """The private address of a task, in the sandbox's invented subnet."""
    high, low = hashlib.sha256(task.id.encode()).digest()[:2]
    return f"10.0.{high}.{low}"
