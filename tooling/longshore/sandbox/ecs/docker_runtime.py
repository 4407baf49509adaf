"""The Docker runtime, which runs every task as real containers."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from docker.errors import DockerException

from longshore.sandbox.cloud import Cloud
from longshore.sandbox.ecs.environment_files import EnvironmentFiles
from longshore.sandbox.ecs.host import CONTAINER, TASK, Host
from longshore.sandbox.ecs.logs import LogWriter
from longshore.sandbox.ecs.runtime import Launch, Report
from longshore.sandbox.ecs.secret_values import SecretValues
from longshore.sandbox.ecs.target_health import Check
from longshore.sandbox.ecs.task_run import TaskRun, Tools

WORKERS = 64
"""Threads for Docker's calls, most of which wait: for open requests, stop time-outs or dependencies."""


class DockerRuntime:
    """Runs tasks on the Docker engine.

    Args:
        cloud: the sandbox.
        wake: called when `poll` would return something.
    """

    def __init__(self, cloud: Cloud, wake: Callable[[], None]) -> None:
        self._cloud = cloud
        self._wake = wake
        self._host = Host(cloud)
        self._logs = LogWriter(cloud.account_id)
        secrets = SecretValues(cloud.account_id, cloud.region, cloud.denies)
        files = EnvironmentFiles(cloud.account_id)
        self._tools = Tools(self._host, cloud.load_balancers, self._logs, secrets, files, cloud.region, self._report)
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._runs: dict[str, TaskRun] = {}
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="task")
        self._closing = False
        self._host.sweep()
        self._stream = self._host.events()
        self._watcher = threading.Thread(target=self._watch, name="docker-events", daemon=True)
        self._watcher.start()

    def start(self, launch: Launch) -> None:
        """Begin to start a task."""
        run = self._runs[launch.task] = TaskRun(launch, self._tools)
        self._submit(run.start)

    def stop(self, task: str) -> None:
        """Begin to stop a task."""
        if run := self._runs.get(task):
            self._submit(run.end)

    def check(self, task: str, container: str, port: int, check: Check) -> None:
        """Begin to check a target of a task."""
        if run := self._runs.get(task):
            self._submit(lambda: run.check(container, port, check))

    def route(self, task: str, *, healthy: bool) -> None:
        """Send requests to a task: if it is unhealthy, only while no other task of its service is healthy."""
        if run := self._runs.get(task):
            self._submit(lambda: run.route(healthy=healthy))

    def withdraw(self, cluster: str, service: str) -> None:
        """Close the load balancer of a deleted service."""
        self._submit(lambda: self._cloud.load_balancers.close(cluster, service))

    def poll(self, now: float) -> Sequence[Report]:  # noqa: ARG002  # the clock is for scripted runtimes
        """The reports since the last call."""
        reports = []
        while not self._reports.empty():
            reports.append(self._reports.get())
        return reports

    def close(self) -> None:
        """Remove all containers, networks and volumes, without waiting for tasks to stop."""
        self._closing = True
        for run in list(self._runs.values()):
            run.abandon()
        self._host.sweep()
        self._pool.shutdown(wait=True, cancel_futures=True)
        # A start in progress may have created another one.
        self._host.sweep()
        self._stream.close()
        self._watcher.join(timeout=5)
        self._logs.close()

    def _report(self, report: Report) -> None:
        if report.status == "STOPPED":
            self._runs.pop(report.task, None)
        self._reports.put(report)
        self._wake()

    def _submit(self, work: Callable[[], None]) -> None:
        def logged() -> None:
            try:
                work()
            except Exception:
                if self._closing:
                    return  # its containers are being removed
                # No caller reads the future; the server's log has the error.
                logging.getLogger(__name__).exception("the Docker runtime failed")

        if not self._closing:
            self._pool.submit(logged)

    def _watch(self) -> None:
        """Follow the engine's events; after a lost connection, check all containers and reconnect."""
        while not self._closing:
            try:
                for event in self._stream:
                    self._handle_event(event)
                if not self._closing:
                    self._stream = self._host.events()
                    for run in list(self._runs.values()):
                        self._submit(run.check_containers)
            except DockerException:
                logging.getLogger(__name__).warning("the Docker engine does not answer")
                time.sleep(1)

    def _handle_event(self, event: dict[str, Any]) -> None:
        attributes = event["Actor"]["Attributes"]
        run = self._runs.get(attributes.get(TASK, ""))
        if run is None:
            return
        name, action = attributes[CONTAINER], str(event["Action"])
        if action == "die":
            self._submit(lambda: run.notice_exit(name))
        elif action.startswith("health_status"):
            run.notice_health(name, healthy=action.endswith(" healthy"))
