"""The scripted runtime: tasks start, crash, hang or heal by a script, on the scheduler's clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, Protocol

from longshore.sandbox.ecs.logs import LogWriter, stream_of
from longshore.sandbox.ecs.runtime import ContainerReport, Launch, Report
from longshore.sandbox.ecs.start_errors import (
    ESSENTIAL_EXITED,
    FAILED_TO_START,
    OUT_OF_MEMORY,
    StartError,
    cannot_pull,
    cannot_pull_on_fargate,
    secret_denied,
)
from longshore.sandbox.ecs.target_health import Check
from longshore.sandbox.ecs.task_script import TaskScript, nth

HEALTHY_AFTER = 0.5
"""Seconds after RUNNING until a container health check passes."""

STOPPING = 1.0
"""Seconds that a stopping task takes to end."""

TERMINATED = 143
"""Exit code of a process that SIGTERM ended."""

OTHER_DIGEST = f"sha256:{'0' * 64}"

Scripts = Callable[[str, int], Sequence[TaskScript]]
"""The scripts of the tasks of a family's revision, in order."""


class Lines(Protocol):
    """The destination of the tasks' log lines."""

    def prepare(self, launch: Launch) -> None:
        """Create the log streams of a task's containers.

        Raises:
            StartError: a log group does not exist.
        """

    def write(self, launch: Launch, lines: Sequence[str], now: float) -> None:
        """Write lines of a task's first container."""


@dataclass(frozen=True)
class _Due:
    """A scripted event of a task: log lines, a report, or its disappearance."""

    at: float
    launch: Launch
    report: Report | None = None
    says: tuple[str, ...] = ()


class ScriptedRuntime:
    """Runs no containers; reports the events of the scripts when they are due.

    Args:
        scripts: the scripts of all tasks.
        digest: the digest of an image reference; empty if unknown.
        lines: the destination of log lines.
        forget: called with the id of a task that disappears.
    """

    def __init__(
        self,
        scripts: Scripts,
        digest: Callable[[str], str] = lambda _: "",
        lines: Lines | None = None,
        forget: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.started: list[Launch] = []
        self.stopped: list[str] = []
        self.withdrawn: list[tuple[str, str]] = []
        self.closed = False
        self._scripts = scripts
        self._digest = digest
        self._lines = lines
        self._forget = forget
        self._now = 0.0
        self._due: list[_Due] = []
        self._live: dict[str, Launch] = {}
        self._chosen: dict[str, TaskScript] = {}
        self._running: dict[str, float] = {}
        self._number: Counter[tuple[str, int]] = Counter()
        self._ports = count(32768)

    def start(self, launch: Launch) -> None:
        """Schedule the events of a task."""
        key = launch.family, launch.revision
        script = self._chosen[launch.task] = nth(self._scripts(*key), self._number[key])
        self._number[key] += 1
        self.started.append(launch)
        self._live[launch.task] = launch
        self._due += [
            _Due(self._now + after, launch, report, says) for after, report, says in self._events(launch, script)
        ]

    def script_of(self, task: str) -> TaskScript:
        """The script of a task that was started."""
        return self._chosen[task]

    def stop(self, task: str) -> None:
        """Begin to stop a task, and drop the rest of its script."""
        launch = self._live.get(task)
        if launch is None:
            return
        self.stopped.append(task)
        self._due = [due for due in self._due if due.launch.task != task]
        code = TERMINATED if task in self._running else None
        ended = [ContainerReport(name, "STOPPED", exit_code=code) for name in _names(launch)]
        self._due.append(_Due(self._now, launch, Report(task, "STOPPING")))
        self._due.append(_Due(self._now + STOPPING, launch, Report(task, "STOPPED", containers=ended)))

    def check(self, task: str, container: str, port: int, check: Check) -> None:  # noqa: ARG002 - one for all ports
        """Report the outcome of a check that the script gives."""
        if task in self._running:
            outcome = self._chosen[task].outcome(check, self._now - self._running[task])
            report = Report(task, checks=((check.group, outcome),))
            self._due.append(_Due(self._now, self._live[task], report))

    def route(self, task: str, *, healthy: bool) -> None:
        """Do nothing: the front door of the tests asks the fleet."""

    def withdraw(self, cluster: str, service: str) -> None:
        """Record that a service was deleted."""
        self.withdrawn.append((cluster, service))

    def poll(self, now: float) -> list[Report]:
        """The reports that are due."""
        self._now = now
        due = sorted((entry for entry in self._due if entry.at <= now), key=lambda entry: entry.at)
        self._due = [entry for entry in self._due if entry.at > now]
        return [report for entry in due if (report := self._apply(entry))]

    def close(self) -> None:
        """End."""
        self.closed = True

    def _apply(self, due: _Due) -> Report | None:
        task, report = due.launch.task, due.report
        if due.says:
            if self._lines:
                self._lines.write(due.launch, due.says, due.at)
        elif report is None:
            self._live.pop(task, None)
            self._forget(task)
        elif report.status == "RUNNING":
            self._running[task] = due.at
        elif report.status == "STOPPED":
            self._live.pop(task, None)
            self._running.pop(task, None)
        return report

    def _events(self, launch: Launch, script: TaskScript) -> Iterator[tuple[float, Report | None, tuple[str, ...]]]:
        yield 0.0, Report(launch.task, "PENDING"), ()
        try:
            self._check(launch, script)
        except StartError as error:
            yield from ((script.starts_after or 0.0, report, ()) for report in _failed_to_start(launch, error))
            return
        if script.starts_after is None:
            return
        up = script.starts_after
        if script.says:
            yield up, None, script.says
        if script.exits is not None and script.exits_after is None:
            yield from ((up, report, ()) for report in _ended(launch, script))
            return
        yield up, self._running_report(launch, script), ()
        yield from ((up + after, report, ()) for after, report in _running_events(launch, script))

    def _check(self, launch: Launch, script: TaskScript) -> None:
        first = launch.definition["containerDefinitions"][0]
        if not script.pulls:
            image = first["image"]
            if launch.launch_type == "FARGATE":
                raise cannot_pull_on_fargate(image)
            detail = f"manifest for {image} not found: manifest unknown: Requested image not found"
            raise cannot_pull(first["name"], detail)
        if not script.reads_secret:
            raise secret_denied(launch.task)
        if self._lines:
            self._lines.prepare(launch)

    def _running_report(self, launch: Launch, script: TaskScript) -> Report:
        containers = [
            ContainerReport(
                container["name"],
                "RUNNING",
                image_digest=OTHER_DIGEST if script.other_image else self._digest_of(launch, container),
                ports=tuple(self._publish(mapping) for mapping in container.get("portMappings") or []),
            )
            for container in launch.definition["containerDefinitions"]
        ]
        return Report(launch.task, "RUNNING", reachable=script.listens, containers=containers)

    def _publish(self, mapping: Mapping[str, Any]) -> tuple[int, int]:
        """A container port with its port on the host: a new one of the ephemeral range, unless one is given."""
        return mapping["containerPort"], mapping.get("hostPort") or next(self._ports)

    def _digest_of(self, launch: Launch, container: Mapping[str, Any]) -> str:
        return launch.digests.get(container["name"]) or self._digest(container["image"])


def _running_events(launch: Launch, script: TaskScript) -> Iterator[tuple[float, Report | None]]:
    """The events after a task's RUNNING, each with the seconds after it."""
    checked = [c["name"] for c in launch.definition["containerDefinitions"] if c.get("healthCheck")]
    if checked and (script.unhealthy_after is None or script.unhealthy_after > HEALTHY_AFTER):
        yield HEALTHY_AFTER, Report(launch.task, containers=[ContainerReport(c, health="HEALTHY") for c in checked])
    if checked and script.unhealthy_after is not None:
        unhealthy = [ContainerReport(name, health="UNHEALTHY") for name in checked]
        yield script.unhealthy_after, Report(launch.task, containers=unhealthy)
    if script.exits_after is not None:
        yield from ((script.exits_after, report) for report in _ended(launch, script))
    if script.vanishes_after is not None:
        yield script.vanishes_after, None


def _ended(launch: Launch, script: TaskScript) -> list[Report]:
    reason = OUT_OF_MEMORY if script.out_of_memory else ""
    first, *others = _names(launch)
    ended = [ContainerReport(first, "STOPPED", exit_code=script.exits, reason=reason)]
    ended += [ContainerReport(name, "STOPPED", exit_code=TERMINATED) for name in others]
    stopping = Report(launch.task, "STOPPING", "EssentialContainerExited", ESSENTIAL_EXITED, containers=ended)
    return [stopping, Report(launch.task, "STOPPED")]


def _failed_to_start(launch: Launch, error: StartError) -> list[Report]:
    failed = [ContainerReport(error.container, reason=error.message)] if error.container else []
    reason = FAILED_TO_START if error.container else error.message
    return [
        Report(launch.task, "STOPPING", "TaskFailedToStart", reason, containers=failed),
        Report(launch.task, "STOPPED"),
    ]


def _names(launch: Launch) -> list[str]:
    return [container["name"] for container in launch.definition["containerDefinitions"]]


class CloudWatchLines:
    """Writes lines into moto's CloudWatch Logs, as the Docker runtime does.

    Args:
        writer: the writer to CloudWatch Logs.
        region: the region of log groups that are named without one.
    """

    def __init__(self, writer: LogWriter, region: str) -> None:
        self._writer = writer
        self._region = region

    def prepare(self, launch: Launch) -> None:
        """Create the log streams of a task's containers.

        Raises:
            StartError: a log group does not exist.
        """
        for container in launch.definition["containerDefinitions"]:
            if (options := _awslogs(container)) is not None:
                stream = stream_of(options, container["name"], launch.task, self._region)
                create = options.get("awslogs-create-group") == "true"
                self._writer.prepare(stream, container["name"], create_group=create)

    def write(self, launch: Launch, lines: Sequence[str], now: float) -> None:
        """Write lines of a task's first container, and wait until they can be read."""
        container = launch.definition["containerDefinitions"][0]
        if (options := _awslogs(container)) is not None:
            stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
            chunks = [f"{stamp} {line}\n".encode() for line in lines]
            stream = stream_of(options, container["name"], launch.task, self._region)
            self._writer.follow(stream, chunks).drain()


def _awslogs(container: Mapping[str, Any]) -> dict[str, str] | None:
    """The awslogs options of a container; None if it uses another log driver."""
    configuration = container.get("logConfiguration") or {}
    return configuration.get("options") if configuration.get("logDriver") == "awslogs" else None
