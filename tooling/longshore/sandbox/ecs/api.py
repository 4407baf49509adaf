"""The running ECS of a sandbox: its operations, its control loop and its settings."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from longshore.sandbox.cloud import Cloud
from longshore.sandbox.ecs.definitions import Definitions
from longshore.sandbox.ecs.deployments import Deployments
from longshore.sandbox.ecs.fleet import RUNNING, Service, Task
from longshore.sandbox.ecs.orchestrator import Orchestrator
from longshore.sandbox.ecs.services import Services
from longshore.sandbox.ecs.tagging import Tagging
from longshore.sandbox.ecs.task_operations import Tasks

Operation = Callable[[dict[str, Any]], dict[str, Any]]
"""An operation of the API: takes parameters and returns the response, both as plain dictionaries."""

TICK = 0.2
"""Seconds between two steps of the control loop; news from the runtime and API calls wake it earlier."""


class Ecs:
    """The running ECS of a sandbox.

    Args:
        cloud: the sandbox.
        orchestrator: the state, and the control loop's step.
        woken: set by the runtime when it has news.
    """

    def __init__(self, cloud: Cloud, orchestrator: Orchestrator, woken: threading.Event) -> None:
        self.definitions = Definitions(cloud.account_id, cloud.region)
        self.orchestrator = orchestrator
        self.services = Services(self.orchestrator, self.definitions)
        self.tasks = Tasks(self.orchestrator, self.definitions)
        self.deployments = Deployments(self.orchestrator.fleet, self.services)
        self.tagging = Tagging(self.orchestrator.fleet)
        self.registry = cloud.registry
        self._cloud = cloud
        self._woken = woken
        self._ending = threading.Event()
        self._loop = threading.Thread(target=self._run, name="ecs", daemon=True)

    def start(self) -> None:
        """Start the control loop."""
        self._loop.start()

    def stop(self) -> None:
        """Stop the control loop, and remove all containers, networks and volumes."""
        self._ending.set()
        self._woken.set()
        if self._loop.is_alive():
            self._loop.join()
        self.orchestrator.runtime.close()

    def answer(self, operation: Operation, parameters: dict[str, Any]) -> dict[str, Any]:
        """Answer a call under the lock, then wake the control loop."""
        with self.orchestrator.lock:
            answer = operation(parameters)
        self._woken.set()
        return answer

    def has_service(self, cluster: str, name: str) -> bool:
        """Whether a cluster has a service of this name that is not deleted."""
        with self.orchestrator.lock:
            service = self.orchestrator.fleet.services.get((cluster, name))
            return service is not None and service.status != "INACTIVE"

    def clamp_count(self, cluster: str, name: str, minimum: int, maximum: int) -> None:
        """Move the count of a service, if it is active, into these bounds."""
        with self.orchestrator.lock:
            service = self.orchestrator.fleet.services.get((cluster, name))
            if service and service.status == "ACTIVE" and not minimum <= service.desired <= maximum:
                wanted = min(max(service.desired, minimum), maximum)
                self.answer(self.services.update, {"cluster": cluster, "service": name, "desiredCount": wanted})

    def target_health(self, group: str) -> list[dict[str, Any]]:
        """The health of the targets of a target group, in the shapes of the ELB API (TargetHealthDescription)."""
        with self.orchestrator.lock:
            return self.orchestrator.targets.described(self.orchestrator.fleet.live.values(), group)

    def status(self) -> dict[str, Any]:
        """For /_sandbox/status: the services with their URLs, and the tasks that have not stopped."""
        with self.orchestrator.lock:
            fleet = self.orchestrator.fleet
            services = [service for service in fleet.services.values() if service.status != "INACTIVE"]
            rows = [_service_row(service, fleet.live_of(service)) for service in services]
            ports = [service.history[0].port for service in services]
            tasks = [_task_row(task) for task in fleet.live.values()]
        for row, port in zip(rows, ports, strict=True):
            row["url"] = self._cloud.load_balancers.open(row["cluster"], row["service"], port) if port else None
        return {"services": rows, "tasks": tasks}

    def settings(self) -> dict[str, float]:
        """The settings: see `longshore.sandbox.ecs.timing.Timing`."""
        return asdict(self.orchestrator.timing)

    def set(self, name: str, value: float) -> None:
        """Change a setting.

        Raises:
            ValueError: there is no such setting, or the value is negative.
        """
        with self.orchestrator.lock:
            self.orchestrator.timing.set(name, value)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._woken.wait(TICK)
            self._woken.clear()
            try:
                self.orchestrator.step()
            except Exception:
                # An error with one task must not end the scheduling of all others; the server's log has it.
                logging.getLogger(__name__).exception("the ECS control loop failed")
                time.sleep(TICK)


def _service_row(service: Service, tasks: list[Task]) -> dict[str, Any]:
    latest = service.history[0]
    return {
        "cluster": service.cluster,
        "service": service.name,
        "desired": service.desired,
        "running": sum(task.last_status == RUNNING for task in tasks),
        "deployment": latest.state,
        "task_definition": latest.task_definition,
    }


def _task_row(task: Task) -> dict[str, Any]:
    return {
        "cluster": task.cluster,
        "task": task.id,
        "group": task.group,
        "task_definition": task.task_definition,
        "status": task.last_status,
    }
