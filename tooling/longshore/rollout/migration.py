"""Runs the migration: one task, once, whose essential containers must all exit 0."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from longshore.aws.ecs_types import CapacityProvider, Placement, Task
from longshore.clock import Clock
from longshore.config.contract import Migration
from longshore.errors import AwsError, MigrationError, UnknownOutcomeError
from longshore.masking import Masks, secrets_of_containers
from longshore.result import MigrationResult
from longshore.rollout.looks import looks
from longshore.rollout.ports import LogLines, LogStreams, TaskRunner

LOG_LINES_KEPT = 30

MISSING_SECONDS = 60
"""So long a task may be missing from reads (eventual consistency), and so long a start is tried."""


def starter(application: str, release: str, begun: datetime) -> str:
    """What a release calls itself where it starts a task: no other application of the cluster calls itself so.

    Nor does a release of the same number after the ledger was made anew. It is what ``startedBy`` and ``clientToken``
    take: 36 letters, digits and hyphens (AWS's documentation has 128 and 64 today, and had 36 for the first).

    Args:
        application: its name.
        release: id of the release.
        begun: when the release began.
    """
    digest = hashlib.sha256(f"{application}/{release}/{begun.isoformat()}".encode()).hexdigest()
    return f"{release[-19:]}-{digest[:16]}"


@dataclass(frozen=True)
class Migrator:
    """Where and how long the migration of one environment runs.

    ``deadline`` is in seconds; ``masks`` takes in the secrets of its containers before a line of them is read.
    """

    ecs: TaskRunner
    logs: LogStreams
    clock: Clock
    cluster: str
    deadline: float
    masks: Masks

    def run(self, migration: Migration, starter: str, on_line: Callable[[str], None]) -> MigrationResult:
        """Runs the migration of a release to its end.

        Args:
            migration: the contract's.
            starter: what the release calls itself (`starter`); the task is started once for it, however often this
                is called.
            on_line: gets each line of the container's log as it comes.

        Raises:
            MigrationError: it never started, or an essential container did not exit 0.
            UnknownOutcomeError: it still ran at the deadline, or how it ended can't be known; the task is named and
                left alone. ``result`` of both is what is known of it, if it started.
        """
        definition = self.ecs.task_definition(migration.task_definition)
        self.masks.hide(secrets_of_containers(definition["containerDefinitions"]))
        prefix = _prefix(definition, migration)
        begun = self.clock.now()
        task = self._start(migration, starter)
        log = _Log(self.logs.follow(migration.log_group, f"{prefix}/{task.id}"), on_line)
        try:
            ended = self._follow(task, log)
        except UnknownOutcomeError as error:
            error.result = _result(migration, task, log)
            raise
        log.read()
        result = _result(migration, ended, log, round(self.clock.now() - begun, 3))
        failure = _failure(ended, definition)
        if failure:
            raise _failed(result, failure)
        result.succeeded = True
        return result

    def _start(self, migration: Migration, starter: str) -> Task:
        """Starts the task, or finds the one that this release has started before."""
        family = migration.task_definition.rpartition("/")[2].partition(":")[0]
        refused: AwsError | None = None
        unanswered = False
        for _ in self.clock.polls(MISSING_SECONDS):
            asked = False
            try:
                known = self.ecs.tasks_of_family(self.cluster, family)
                if before := [task for task in known if task.started_by == starter]:
                    return before[0]
                asked = True
                return self._run_task(migration, starter)
            except AwsError as error:
                refused = error
                unanswered = unanswered or (asked and error.ambiguous)
                if not error.transient:
                    break
        message = refused.message if refused else "no reason given"
        if unanswered:
            # Whatever is refused afterwards: the task may run.
            raise _unknown(f"whether the migration has started is not known: {message}") from refused
        raise MigrationError(f"the migration did not start: {message}", refused.hint if refused else "") from refused

    def _run_task(self, migration: Migration, starter: str) -> Task:
        launch = migration.launch
        strategy = launch.capacity_provider_strategy
        placement = Placement(
            launch.type,
            tuple(CapacityProvider(p.capacity_provider, p.weight, p.base) for p in strategy),
            tuple(launch.subnets),
            tuple(launch.security_groups),
            launch.assign_public_ip,
        )
        return self.ecs.run_task(
            self.cluster,
            migration.task_definition,
            placement=placement,
            client_token=starter,
            started_by=starter,
        )

    def _follow(self, task: Task, log: _Log) -> Task:
        """Reads the log until the task has stopped, and returns the stopped task."""
        last_seen, unread = self.clock.now(), ""
        try:
            for look in looks(lambda: self.ecs.describe_tasks(self.cluster, [task.arn]), self.clock, self.deadline):
                unread = f"; the last read failed: {look.unread}" if look.unread else ""
                if look.seen is None:
                    continue
                if look.seen and look.seen[0].last_status == "STOPPED":
                    return look.seen[0]
                last_seen = look.begun if look.seen else last_seen
                # One made a moment ago may be missing from a read: not yet. One that was there before has gone.
                if look.begun - last_seen > MISSING_SECONDS:
                    raise _unknown(f"ECS does not know the migration {task.arn} any more")
                log.read()
        except AwsError as error:
            raise _unknown(f"how the migration {task.arn} ends can't be read: {error.message}") from error
        raise _unknown(f"the migration still runs after {self.deadline:.0f} s: {task.arn}{unread}")


@dataclass
class _Log:
    """The log of the migration's container, as far as it was read."""

    source: LogLines
    on_line: Callable[[str], None]
    lines: list[str] = field(default_factory=list)
    complete: bool = True

    def read(self) -> None:
        """Reads the lines that are new; an error is kept in mind only: lines are for people, and judge no migration."""
        try:
            for line in self.source.lines():
                self.on_line(line)
                self.lines = [*self.lines, line][-LOG_LINES_KEPT:]
        except AwsError:
            self.complete = False


def _result(migration: Migration, task: Task, log: _Log, seconds: float = 0.0) -> MigrationResult:
    exit_codes = {c.name: c.exit_code for c in task.containers if task.last_status == "STOPPED"}
    return MigrationResult(
        task=task.arn,
        task_definition=migration.task_definition,
        before_wave=migration.before_wave,
        exit_code=exit_codes.get(migration.container),
        exit_codes=exit_codes,
        stop_code=task.stop_code,
        reason=task.stopped_reason,
        seconds=seconds,
        log=log.lines,
        log_complete=log.complete,
    )


def _unknown(message: str) -> UnknownOutcomeError:
    return UnknownOutcomeError(
        message, "Nothing was moved back. Wait for the task, look at its log, then release again."
    )


def _prefix(definition: dict[str, Any], migration: Migration) -> str:
    """How its log's stream begins: the awslogs driver names it ``prefix/container/task id`` (its documentation).

    Raises:
        MigrationError: the revision has no such container.
    """
    for candidate in definition["containerDefinitions"]:
        if candidate["name"] == migration.container:
            options = candidate.get("logConfiguration", {}).get("options", {})
            return f"{options.get('awslogs-stream-prefix', 'ecs')}/{migration.container}"
    raise MigrationError(
        f"{migration.task_definition} has no container {migration.container!r}", "Mend migration in the contract."
    )


def _failure(task: Task, definition: dict[str, Any]) -> str:
    """Why a stopped migration has failed; empty if all its essential containers exited with 0."""
    essential = {c["name"] for c in definition["containerDefinitions"] if c.get("essential", True)}
    failed = [c for c in task.containers if c.name in essential and c.exit_code != 0]
    if task.stop_code == "EssentialContainerExited" and not failed and essential <= {c.name for c in task.containers}:
        return ""
    exits = "; ".join(f"{c.name}: exit code {c.exit_code} {c.reason}".rstrip() for c in failed)
    return f"{task.stopped_reason or task.stop_code} ({exits or 'no container ended'})"


def _failed(result: MigrationResult, reason: str) -> MigrationError:
    error = MigrationError(f"the migration {result.task} failed: {reason}", "Mend the migration and release again.")
    error.result = result
    return error
