"""Why it failed: what ECS, the container and its log say of the first task that did not do as it should."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from longshore.aws.ecs_types import Container, Task
from longshore.errors import AwsError
from longshore.masking import Masks, secrets_of_containers
from longshore.result import Failure
from longshore.rollout.ports import FailureReader, LogTail

LOG_LINES = 30
EVENTS = 5
LINE_LENGTH = 500
"""A ledger item holds 400 KB; a line of a log may be a megabyte."""


@dataclass(frozen=True)
class Diagnosis:
    """Asks after the reasons. What can't be read is said in its place: it never hides the failure itself.

    ``masks`` takes in the secrets of the containers whose logs are read; texts are masked before they are cut.
    """

    ecs: FailureReader
    logs: LogTail
    cluster: str
    masks: Masks

    def of_service(self, name: str, deployment: str, answer: str = "") -> Failure:
        """Why a service did not get there.

        Args:
            name: of the service.
            deployment: id of the deployment that failed.
            answer: what its health URL answered, if it was asked.
        """
        failure = Failure(subject=name)
        try:
            failure.events = list(self.ecs.services(self.cluster, [name])[name].events[:EVENTS])
            stopped = [t for t in self.ecs.stopped_tasks(self.cluster, name) if t.started_by == deployment]
            failed = [t for t in stopped if t.failure()]
            running = [t for t in self.ecs.tasks(self.cluster, name) if t.started_by == deployment]
            for task in [*failed, *running][:1]:
                self._of_task(failure, task)
            failure.tasks = len([t for t in failed if t.failure() == failed[0].failure()])
        except AwsError as error:
            failure.reason = failure.reason or f"the reason could not be read: {error.message}"
        failure.answer = self.masks.mask_untrusted(answer)[:LINE_LENGTH]
        return failure

    def _of_task(self, failure: Failure, task: Task) -> None:
        failure.task, failure.stop_code, failure.reason = task.arn, task.stop_code, task.stopped_reason
        failure.exit_codes = {c.name: c.exit_code for c in task.containers}
        first = first_failing(task)
        if first is None:
            return
        failure.container = first.name
        if first.reason:
            failure.reason = f"{task.stopped_reason}: {first.reason}".removeprefix(": ")
        definition = self.ecs.task_definition(task.task_definition)
        self.masks.hide(secrets_of_containers(definition["containerDefinitions"]))
        where = log_stream(definition, first.name, task.id)
        failure.log = shortened(self.logs.tail(*where, LOG_LINES), self.masks) if where else []


def first_failing(task: Task) -> Container | None:
    """The container to look at: the first with a reason or an exit code that is not 0, else the first."""
    wrong = (c for c in task.containers if c.reason or c.exit_code)
    return next(wrong, next(iter(task.containers), None))


def log_stream(definition: dict[str, Any], container: str, task: str) -> tuple[str, str] | None:
    """Group and stream of a container's log: the awslogs driver names it ``prefix/container/task id``.

    None where the container writes to no CloudWatch log.
    """
    for candidate in definition["containerDefinitions"]:
        options = candidate.get("logConfiguration", {}).get("options", {})
        if candidate["name"] == container and "awslogs-group" in options:
            return options["awslogs-group"], f"{options.get('awslogs-stream-prefix', 'ecs')}/{container}/{task}"
    return None


def shortened(lines: Sequence[str], masks: Masks) -> list[str]:
    """The last lines, each masked, then cut to fit a ledger item; a cut line says so."""
    # A part of a secret is not recognised any more.
    masked = [masks.mask_untrusted(line) for line in lines[-LOG_LINES:]]
    return [line if len(line) <= LINE_LENGTH else f"{line[:LINE_LENGTH]}… (cut)" for line in masked]
