"""A task on Docker, from pulling its first image to removing its last container."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from docker.errors import DockerException
from docker.models.containers import Container
from docker.models.images import Image

from longshore.sandbox.cloud import LoadBalancers
from longshore.sandbox.ecs import container_arguments
from longshore.sandbox.ecs.environment_files import EnvironmentFiles
from longshore.sandbox.ecs.host import Host, image_digest
from longshore.sandbox.ecs.logs import Follower, LogWriter, stream_of
from longshore.sandbox.ecs.runtime import ContainerReport, Launch, Report
from longshore.sandbox.ecs.secret_values import SecretValues
from longshore.sandbox.ecs.start_errors import (
    ESSENTIAL_EXITED,
    FAILED_TO_START,
    StartError,
    cannot_create,
    dependency_failed,
)
from longshore.sandbox.ecs.target_health import REFUSED, Check, Outcome
from longshore.sandbox.ecs.target_registration import TargetRegistration, outcome_of
from longshore.sandbox.ecs.version_consistency import image_of

CHECK_SECONDS = 1.0
"""Seconds between two checks of a stopping container, in case its event is lost."""

AT_START = 0.3
"""Seconds within which a task that ends has never been RUNNING, and is a failed task to the circuit breaker.

AWS's agent reports such a task's start and end together; AWS does not document how short that is.
"""


@dataclass(frozen=True)
class Tools:
    """The parts of the sandbox that every task on Docker uses."""

    host: Host
    load_balancers: LoadBalancers
    logs: LogWriter
    secrets: SecretValues
    environment_files: EnvironmentFiles
    region: str
    report: Callable[[Report], None]


class TaskRun:
    """A task on Docker. Its methods block, and may be called from several threads.

    Args:
        launch: the task.
        tools: the parts of the sandbox that it uses.
    """

    def __init__(self, launch: Launch, tools: Tools) -> None:
        self._launch = launch
        self._tools = tools
        self._definitions: list[container_arguments.Definition] = list(launch.definition["containerDefinitions"])
        self._containers: dict[str, Container] = {}
        self._followers: dict[str, Follower] = {}
        self._exits: dict[str, int] = {}
        self._healthy: dict[str, bool] = {}
        self._ports: dict[str, dict[int, int]] = {}
        self._registration: TargetRegistration | None = None
        self._changed = threading.Condition()
        self._ending = False
        self._abandoned = False
        self._started = threading.Event()

    def start(self) -> None:
        """Start the containers in the order of their dependencies; report RUNNING, or the reason and STOPPED."""
        error: StartError | None = None
        try:
            self._start()
        except StartError as caught:
            error = caught
        except DockerException as caught:
            error = cannot_create("", str(caught))
        except Exception as caught:
            # A task that does not end would stay PENDING, and its service could never be deleted.
            logging.getLogger(__name__).exception("task %s could not be started", self._launch.task)
            error = StartError(f"The sandbox could not start the task: {type(caught).__name__}: {caught}")
        self._started.set()
        if error:
            self._fail(error)
        elif self._is_over():
            self.end("EssentialContainerExited", ESSENTIAL_EXITED)
        else:
            self._register_target()

    def end(self, stop_code: str = "", reason: str = "") -> None:
        """Stop the task, once: deregister it, SIGTERM, the stop time-out, SIGKILL; report STOPPED last.

        Args:
            stop_code: the stop code, if neither the scheduler nor a user stops it.
            reason: the stopped reason, in the same case.
        """
        with self._changed:
            if self._ending:
                return
            self._ending = True
            self._changed.notify_all()
        self._started.wait()
        try:
            if self._registration:
                self._registration.deregister(lambda: self._report("DEACTIVATING", stop_code=stop_code, reason=reason))
            self._report("STOPPING", stop_code=stop_code, reason=reason)
            self._terminate()
            for follower in self._followers.values():
                follower.drain()
        except Exception:
            logging.getLogger(__name__).exception("task %s did not end cleanly", self._launch.task)
        try:
            self._tools.host.remove(self._launch.task)
        except Exception:
            # Containers that are left are removed with the sandbox; the task has to end.
            logging.getLogger(__name__).exception("the containers of task %s were not removed", self._launch.task)
        self._report("STOPPED", stop_code=stop_code, reason=reason)

    def notice_exit(self, name: str) -> None:
        """Report the end of a container, if it ended; end the task with an essential container, or the last one."""
        container = self._containers.get(name)
        ended = self._tools.host.ended(container) if container else None
        if ended is None:
            return
        with self._changed:
            if name in self._exits:
                return
            self._exits[name] = ended[0]
            self._report(container=ContainerReport(name, "STOPPED", exit_code=ended[0], reason=ended[1]))
            self._changed.notify_all()
        if self._started.is_set() and self._is_over():
            self.end("EssentialContainerExited", ESSENTIAL_EXITED)

    def notice_health(self, name: str, *, healthy: bool) -> None:
        """Report the result of a container's health check."""
        with self._changed:
            self._healthy[name] = healthy
            self._changed.notify_all()
        self._report(container=ContainerReport(name, health="HEALTHY" if healthy else "UNHEALTHY"))
        if self._started.is_set():
            self._register_target()

    def check(self, name: str, port: int, check: Check) -> None:
        """Check a container's port by a target group's health check, and report the outcome."""
        published = self._ports.get(name, {}).get(check.port or port)
        outcome = outcome_of(("127.0.0.1", published), check) if published else REFUSED
        self._report(checks=((check.group, outcome),))

    def route(self, *, healthy: bool) -> None:
        """Send requests to the task: if it is unhealthy, only while no other task of its service is healthy."""
        if self._registration:
            self._registration.route(healthy=healthy)

    def check_containers(self) -> None:
        """Check all containers for a missed event."""
        for name in list(self._containers):
            self.notice_exit(name)

    def abandon(self) -> None:
        """Stop waiting: the sandbox ends, and removes the containers itself."""
        with self._changed:
            self._ending = self._abandoned = True
            self._changed.notify_all()

    def _start(self) -> None:
        if self._ending:
            return
        self._report("PENDING")
        host, launch = self._tools.host, self._launch
        self._definitions = container_arguments.containers_in_order(launch.definition)
        given = {container["name"]: self._given(container) for container in self._definitions}
        fargate = launch.launch_type == "FARGATE"
        images = {c["name"]: host.pull(c["name"], image_of(launch, c), fargate=fargate) for c in self._definitions}
        volumes, network = host.volumes(launch), host.network(launch)
        for definition in self._definitions:
            self._await_dependencies(definition)
            if self._ending:
                return
            name = definition["name"]
            container = host.create(launch, definition, given[name], network, volumes)
            self._start_container(definition, container, images[name])
        with self._changed:
            at_start = self._changed.wait_for(lambda: self._ending or self._is_over(), AT_START)
        if not at_start:
            self._report("RUNNING")

    def _given(self, container: container_arguments.Definition) -> container_arguments.Given:
        override = container_arguments.override_of(self._launch, container["name"])
        files = self._tools.environment_files.of(container, override)
        return container_arguments.Given(self._tools.secrets.of(self._launch, container), files)

    def _start_container(self, definition: container_arguments.Definition, container: Container, image: Image) -> None:
        name, launch = definition["name"], self._launch
        options = container_arguments.log_options(definition)
        stream = stream_of(options, name, launch.task, self._tools.region) if options is not None else None
        if stream:
            self._tools.logs.prepare(stream, name, create_group=(options or {}).get("awslogs-create-group") == "true")
        ports = self._tools.host.start(container, name)
        if stream:
            self._followers[name] = self._tools.logs.follow(stream, self._tools.host.follow(container))
        self._ports[name] = dict(ports)
        target = dict(ports).get(launch.port or 0)
        if launch.port and target and launch.service and self._registration is None:
            address = ("127.0.0.1", target)
            self._registration = TargetRegistration(
                self._tools.load_balancers, launch.cluster, launch.service, launch.port, address
            )
        digest = launch.digests.get(name) or image_digest(image, definition["image"])
        running = ContainerReport(name, "RUNNING", runtime_id=str(container.id), image_digest=digest, ports=ports)
        self._report(container=running)
        with self._changed:
            self._containers[name] = container
            self._changed.notify_all()
        # It may have ended before it was recorded here, and its event was missed.
        self.notice_exit(name)

    def _await_dependencies(self, definition: container_arguments.Definition) -> None:
        for dependency in definition.get("dependsOn") or []:
            name, condition = dependency["containerName"], dependency["condition"]
            with self._changed:
                self._changed.wait_for(partial(self._is_decided, name, condition), self._start_timeout(name))
                if not self._ending and not self._is_met(name, condition):
                    raise dependency_failed(definition["name"], name, condition)

    def _start_timeout(self, name: str) -> float | None:
        """Seconds that others wait for a container; None for no limit (ECS API, startTimeout).

        Fargate has a default of three minutes, which is not played.
        """
        return next((c["startTimeout"] for c in self._definitions if c["name"] == name and c.get("startTimeout")), None)

    def _is_decided(self, name: str, condition: str) -> bool:
        return self._ending or self._is_met(name, condition) is not None

    def _is_met(self, name: str, condition: str) -> bool | None:
        """Whether a dependency is met; None while that is open (ECS API, ContainerDependency)."""
        exit_code = self._exits.get(name)
        if condition == "START":
            return True if name in self._containers else None
        if condition == "HEALTHY":
            return True if self._healthy.get(name) else (None if exit_code is None else False)
        if exit_code is None:
            return None
        return condition == "COMPLETE" or exit_code == 0

    def _fail(self, error: StartError) -> None:
        """Report the reason why the task could not start, with the container that failed, and end the task."""
        if error.container:
            self._report(container=ContainerReport(error.container, reason=error.message))
        self.end("TaskFailedToStart", FAILED_TO_START if error.container else error.message)

    def _is_over(self) -> bool:
        """Whether an essential container has ended, or all have."""
        essential = {container["name"] for container in self._definitions if container.get("essential", True)}
        with self._changed:
            return bool(essential & self._exits.keys()) or len(self._exits) == len(self._definitions)

    def _register_target(self) -> None:
        """Register the target once every essential container with a health check is healthy.

        In a target group, ECS registers a task before it is RUNNING, and the checks of the group decide.
        """
        if self._launch.balanced:
            return
        checked = [c["name"] for c in self._definitions if c.get("healthCheck") and c.get("essential", True)]
        if self._registration and all(self._healthy.get(name) for name in checked):
            self._registration.register(lambda: self._report(reachable=True))

    def _terminate(self) -> None:
        """Send a stop signal to all containers at once, and kill those that exceed their stop time-out."""
        stopping_since = time.monotonic()
        for name in self._containers.keys() - self._exits.keys():
            self._tools.host.signal(self._containers[name])
        for definition in self._definitions:
            name = definition["name"]
            if name in self._containers and not self._await_exit(
                name, stopping_since + container_arguments.stop_timeout(definition)
            ):
                self._tools.host.signal(self._containers[name], "SIGKILL")
                self._await_exit(name, time.monotonic() + container_arguments.STOP_TIMEOUT)

    def _await_exit(self, name: str, deadline: float) -> bool:
        """Wait for a container's end; False if it is still running at the deadline."""
        while name not in self._exits and not self._abandoned:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with self._changed:
                self._changed.wait_for(lambda: name in self._exits or self._abandoned, timeout=min(CHECK_SECONDS, left))
            self.notice_exit(name)
        return True

    def _report(
        self,
        status: str = "",
        *,
        stop_code: str = "",
        reason: str = "",
        reachable: bool = False,
        container: ContainerReport | None = None,
        checks: Sequence[tuple[str, Outcome]] = (),
    ) -> None:
        containers = [container] if container else []
        self._tools.report(Report(self._launch.task, status, stop_code, reason, reachable, containers, checks))
