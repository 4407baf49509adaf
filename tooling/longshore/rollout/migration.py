"""Runs the migration of a release: one task, started once, whose essential containers must all exit with 0."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from longshore.aws.ecs_types import CapacityProvider, Placement, Task
from longshore.clock import Clock
from longshore.config.contract import Migration
from longshore.errors import AwsError, MigrationError, NoCapacityError, UnknownOutcomeError
from longshore.masking import Masks, secrets_of_containers
from longshore.result import MigrationResult
from longshore.rollout.looks import looks
from longshore.rollout.ports import LogLines, LogStreams, TaskRunner

LOG_LINES_KEPT = 30

MISSING_SECONDS = 60
"""How long a task may be missing from reads, which are eventually consistent, and how long starting it is tried."""

_BETWEEN_STARTS = 10.0
"""The longest interval between two attempts to start a task, in seconds."""


def release_token(application: str, release: str, begun: datetime) -> str:
    """The token with which a release starts its tasks; no other release, application or ledger has the same.

    It fits ``startedBy`` and ``clientToken`` of RunTask: at most 36 letters, digits and hyphens.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html

    Args:
        application: name of the application.
        release: id of the release.
        begun: when the release began; a new ledger counts releases from 1 again.
    """
    digest = hashlib.sha256(f"{application}/{release}/{begun.isoformat()}".encode()).hexdigest()
    return f"{release[-19:]}-{digest[:16]}"


def _ignore(_tries: int, _reason: str) -> None:
    """The default of ``Retries.before``."""


@dataclass
class Retries:
    """The attempts to start a migration for which ECS has no capacity.

    A token may be spent by a refusal: AWS documents only that it is spent by a success. So each attempt after a refusal
    has a new one, and is recorded before it is made. A process that resumes the release repeats the last one; all
    attempts before that were refused, so none can start a second migration.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html

    Attributes:
        tries: how many were refused and followed by another.
        seconds: how long capacity is awaited.
        before: called before another attempt, with their new number and the reason of the refusal; raises to give up.
    """

    tries: int = 0
    seconds: float = 0.0
    before: Callable[[int, str], None] = _ignore

    def token(self, token: str) -> str:
        """The client token of the current attempt; it has at most 64 characters."""
        return f"{token}-{self.tries}" if self.tries else token

    def again(self, refused: AwsError, *, new_token: bool) -> None:
        """Goes to the next attempt."""
        tries = self.tries + new_token
        self.before(tries, refused.message)
        self.tries = tries


@dataclass(frozen=True)
class Migrator:
    """Runs the migration of one environment.

    Attributes:
        ecs: starts and reads tasks.
        logs: follows logs.
        clock: time.
        cluster: name of the cluster.
        deadline: seconds that the migration may take.
        masks: learns the secrets of the containers before a line of their logs is read.
    """

    ecs: TaskRunner
    logs: LogStreams
    clock: Clock
    cluster: str
    deadline: float
    masks: Masks

    def run(
        self, migration: Migration, token: str, on_line: Callable[[str], None], retries: Retries | None = None
    ) -> MigrationResult:
        """Runs the migration to its end.

        Args:
            migration: the migration of the contract.
            token: the `release_token`; the task is started once for a token, however often this is called.
            on_line: receives each line of the container's log.
            retries: the attempts to start it while ECS has no capacity; by default there is one.

        Raises:
            MigrationError: the task did not start, or an essential container did not exit with 0.
            UnknownOutcomeError: the task was still running at the deadline, or could not be read; it was left running.
                ``result`` of either error is a MigrationResult, if the task started.
        """
        definition = self.ecs.task_definition(migration.task_definition)
        self.masks.hide(secrets_of_containers(definition["containerDefinitions"]))
        prefix = _stream_prefix(definition, migration)
        begun = self.clock.now()
        task = self._start(migration, token, retries or Retries())
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
            raise _failed(result, self.masks.mask_untrusted(failure))
        result.succeeded = True
        return result

    def _start(self, migration: Migration, token: str, retries: Retries) -> Task:
        """Starts the task, or finds the one that this release has already started."""
        family = migration.task_definition.rpartition("/")[2].partition(":")[0]
        refused: AwsError | None = None
        full: NoCapacityError | None = None
        unanswered, certain = False, True
        begun = answered_at = self.clock.now()
        for _ in self.clock.polls(max(retries.seconds, MISSING_SECONDS), longest=_BETWEEN_STARTS):
            asked = False
            try:
                tasks = self.ecs.tasks_of_family(self.cluster, family)
                if started := [task for task in tasks if task.started_by == token]:
                    return started[0]
                if full:
                    retries.again(full, new_token=certain)
                    full = None
                asked = True
                return self._run_task(migration, token, retries.token(token))
            except NoCapacityError as error:
                refused = full = error
                answered_at = self.clock.now()
                certain = certain and error.certain and not unanswered
                if answered_at - begun >= retries.seconds:
                    break
            except AwsError as error:
                refused = error
                unanswered = unanswered or (asked and error.ambiguous)
                if not error.transient or self.clock.now() - answered_at >= MISSING_SECONDS:
                    break
        raise _not_started(refused, unanswered=unanswered) from refused

    def _run_task(self, migration: Migration, token: str, client_token: str) -> Task:
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
            self.cluster, migration.task_definition, placement=placement, client_token=client_token, started_by=token
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
                # A new task may be missing from a read; one that has been missing for long no longer exists.
                if look.begun - last_seen > MISSING_SECONDS:
                    raise _unknown(f"ECS no longer knows the migration {task.arn}")
                log.read()
        except AwsError as error:
            raise _unknown(f"the migration {task.arn} cannot be read any more: {error.message}") from error
        raise _unknown(f"the migration still runs after {self.deadline:.0f} s: {task.arn}{unread}")


@dataclass
class _Log:
    """The log of the migration's container, as far as it has been read."""

    source: LogLines
    on_line: Callable[[str], None]
    lines: list[str] = field(default_factory=list)
    complete: bool = True

    def read(self) -> None:
        """Reads the new lines. A log that cannot be read does not fail a migration: it is marked as incomplete."""
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


def _not_started(refused: AwsError | None, *, unanswered: bool) -> MigrationError | UnknownOutcomeError:
    message = refused.message if refused else "no reason given"
    if unanswered:
        # The task may be running, even if later attempts were refused.
        return _unknown(f"could not determine whether the migration has started: {message}")
    return MigrationError(f"the migration did not start: {message}", refused.hint if refused else "")


def _unknown(message: str) -> UnknownOutcomeError:
    return UnknownOutcomeError(
        message, "Nothing was rolled back. Wait until the task has ended, read its log, then release again."
    )


def _stream_prefix(definition: dict[str, Any], migration: Migration) -> str:
    """The start of the log stream's name, which is ``prefix/container/task id``.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html

    Raises:
        MigrationError: the revision has no such container.
    """
    for candidate in definition["containerDefinitions"]:
        if candidate["name"] == migration.container:
            options = candidate.get("logConfiguration", {}).get("options", {})
            return f"{options.get('awslogs-stream-prefix', 'ecs')}/{migration.container}"
    raise MigrationError(
        f"{migration.task_definition} has no container {migration.container!r}",
        "Fix migration.container in the contract (output release of the Terraform root), then release again.",
    )


def _failure(task: Task, definition: dict[str, Any]) -> str:
    """Why a stopped migration failed; empty if all its essential containers exited with 0."""
    essential = {c["name"] for c in definition["containerDefinitions"] if c.get("essential", True)}
    failed = [c for c in task.containers if c.name in essential and c.exit_code != 0]
    if task.stop_code == "EssentialContainerExited" and not failed and essential <= {c.name for c in task.containers}:
        return ""
    exits = "; ".join(f"{c.name}: exit code {c.exit_code} {c.reason}".rstrip() for c in failed)
    return f"{task.stopped_reason or task.stop_code} ({exits or 'no container ended'})"


def _failed(result: MigrationResult, reason: str) -> MigrationError:
    error = MigrationError(f"the migration {result.task} failed: {reason}", "Fix the migration and release again.")
    error.result = result
    return error
