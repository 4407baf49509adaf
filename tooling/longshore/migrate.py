"""Runs the migration: one task, once, whose essential containers must all exit 0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from longshore.aws.ecs import NetworkSettings, Task
from longshore.clock import Clock
from longshore.contract import Migration
from longshore.errors import AwsError, LongshoreError, MigrationError, UnknownOutcomeError
from longshore.masking import Masks, secrets_of_containers
from longshore.result import MigrationResult

if TYPE_CHECKING:
    from longshore.aws.logs import Logs

LOG_LINES_KEPT = 30

MISSING_SECONDS = 60
"""So long a task may be missing from reads (eventual consistency), and so long a start is tried."""


class Tasks(Protocol):
    """What a migration needs of ECS (longshore.aws.ecs)."""

    def run_task(  # noqa: D102
        self,
        cluster: str,
        task_definition: str,
        *,
        launch_type: str,
        network: NetworkSettings,
        client_token: str,
        started_by: str,
    ) -> Task: ...
    def tasks_started_by(self, cluster: str, starter: str) -> list[Task]: ...  # noqa: D102
    def describe_tasks(self, cluster: str, arns: list[str]) -> list[Task]: ...  # noqa: D102
    def task_definition(self, arn: str) -> dict[str, Any]: ...  # noqa: D102


@dataclass(frozen=True)
class Migrator:
    """Where and how long the migration of one environment runs.

    ``deadline`` is in seconds; ``masks`` takes in the secrets of its containers before a line of them is read.
    """

    ecs: Tasks
    logs: Logs
    clock: Clock
    cluster: str
    deadline: float
    masks: Masks

    def run(self, migration: Migration, release: str, on_line: Callable[[str], None]) -> MigrationResult:
        """Runs the migration of a release to its end.

        Args:
            migration: the contract's.
            release: id of the release; the task is started once for it, however often this is called.
            on_line: gets each line of the container's log as it comes.

        Raises:
            MigrationError: it never started, or an essential container did not exit 0.
            UnknownOutcomeError: it still ran at the deadline, or how it ended can't be known; the task is named and
                left alone. ``result`` of both is what is known of it, if it started.
        """
        definition = self.ecs.task_definition(migration.task_definition)
        self.masks.hide(secrets_of_containers(definition["containerDefinitions"]))
        begun = self.clock.now()
        task = self._start(migration, release)
        result = MigrationResult(
            task=task.arn, task_definition=migration.task_definition, before_wave=migration.before_wave
        )
        follower = self.logs.follow(migration.log_group, _stream(definition, migration.container, task))

        def drain() -> None:
            # Lines are for people: that they can't be read must not end a migration, or hide how it ended.
            try:
                for line in follower.lines():
                    on_line(line)
                    result.log = [*result.log, line][-LOG_LINES_KEPT:]
            except AwsError:
                result.log_complete = False

        try:
            task = self._wait(task, drain)
        except LongshoreError as error:
            raise _with(result, error) from error
        drain()
        result.seconds = round(self.clock.now() - begun, 3)
        result.exit_codes = {c.name: c.exit_code for c in task.containers}
        result.exit_code = result.exit_codes.get(migration.container)
        result.stop_code, result.reason = task.stop_code, task.stopped_reason
        _judge(task, definition, result)
        return result

    def _start(self, migration: Migration, release: str) -> Task:
        """Starts the task, or finds the one that this release has started before."""
        refused: AwsError | None = None
        asked = False
        for _ in self.clock.polls(MISSING_SECONDS):
            try:
                before = self.ecs.tasks_started_by(self.cluster, release)
                if before:
                    return before[0]
                asked = True
                return self._run_task(migration, release)
            except AwsError as error:
                refused = error
                if not error.transient:
                    break
        message = refused.message if refused else "no reason given"
        if asked and refused and refused.ambiguous:
            raise _unknown(f"whether the migration has started is not known: {message}") from refused
        raise MigrationError(f"the migration did not start: {message}", refused.hint if refused else "") from refused

    def _run_task(self, migration: Migration, release: str) -> Task:
        launch = migration.launch
        network = NetworkSettings(tuple(launch.subnets), tuple(launch.security_groups), launch.assign_public_ip)
        return self.ecs.run_task(
            self.cluster,
            migration.task_definition,
            launch_type=launch.type,
            network=network,
            client_token=f"{release}-migration",
            started_by=release,
        )

    def _wait(self, task: Task, drain: Callable[[], None]) -> Task:
        begun, last_seen, unread = self.clock.now(), None, ""
        for _ in self.clock.polls(self.deadline):
            now = self.clock.now()
            try:
                found = self.ecs.describe_tasks(self.cluster, [task.arn])
                unread = ""
            except AwsError as error:
                if not error.transient:
                    raise _unknown(f"how the migration {task.arn} ends can't be read: {error.message}") from error
                unread = f"; the last read failed: {error.message}"
                continue
            if found and found[0].last_status == "STOPPED":
                return found[0]
            last_seen = now if found else last_seen
            # One made a moment ago may be missing from a read: not yet. One that was there before has gone.
            if not found and now - (last_seen or begun) > MISSING_SECONDS:
                raise _unknown(f"ECS does not know the migration {task.arn} any more")
            drain()
        raise _unknown(f"the migration still runs after {self.deadline:.0f} s: {task.arn}{unread}")


def _unknown(message: str) -> UnknownOutcomeError:
    return UnknownOutcomeError(
        message, "Nothing was moved back. Wait for the task, look at its log, then release again."
    )


def _with(result: MigrationResult, error: LongshoreError) -> LongshoreError:
    if isinstance(error, MigrationError | UnknownOutcomeError):
        error.result = result
    return error


def _stream(definition: dict[str, Any], container: str, task: Task) -> str:
    """The awslogs driver names a stream ``prefix/container/task id`` (its documentation)."""
    for candidate in definition["containerDefinitions"]:
        if candidate["name"] == container:
            options = candidate.get("logConfiguration", {}).get("options", {})
            return f"{options.get('awslogs-stream-prefix', 'ecs')}/{container}/{task.id}"
    raise MigrationError(f"{task.task_definition} has no container {container!r}", "Mend migration in the contract.")


def _judge(task: Task, definition: dict[str, Any], result: MigrationResult) -> None:
    essential = {c["name"] for c in definition["containerDefinitions"] if c.get("essential", True)}
    failed = [c for c in task.containers if c.name in essential and c.exit_code != 0]
    ended = {c.name for c in task.containers}
    if task.stop_code == "EssentialContainerExited" and not failed and essential <= ended:
        result.succeeded = True
        return
    said = "; ".join(f"{c.name}: exit code {c.exit_code} {c.reason}".rstrip() for c in failed)
    error = MigrationError(
        f"the migration {task.arn} failed: {task.stopped_reason or task.stop_code} ({said or 'no container ended'})",
        "Mend the migration and release again.",
    )
    raise _with(result, error)
