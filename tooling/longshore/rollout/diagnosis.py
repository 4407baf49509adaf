"""Explains a failure: the events of the service, a failed task, and the log of its container."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from longshore.aws.ecs_types import Container, Service, Task
from longshore.errors import AwsError
from longshore.masking import Masks, secrets_of_containers
from longshore.result import Failure
from longshore.rollout.failed_tasks import most_alike
from longshore.rollout.ports import FailureReader, LogTail, TargetReader
from longshore.rollout.target_reasons import EVENTS, target_reasons, telling_events

LOG_LINES = 30
LINE_LENGTH = 500
"""A ledger item holds 400 KB; a line of a log may be a megabyte."""


@dataclass(frozen=True)
class Diagnosis:
    """Reads the reasons of a failure. A reason that cannot be read is reported as such: it never hides the failure.

    Attributes:
        ecs: reads services, tasks and task definitions.
        logs: reads logs.
        targets: reads the health of targets.
        cluster: name of the cluster.
        masks: learns the secrets of the containers whose logs are read. Texts are masked before they are truncated.
    """

    ecs: FailureReader
    logs: LogTail
    targets: TargetReader
    cluster: str
    masks: Masks

    def of_service(self, name: str, deployment: str, answer: str = "") -> Failure:
        """Explains why a deployment of a service failed.

        Args:
            name: name of the service.
            deployment: id of the deployment.
            answer: the last answer of its health URL, if it has one.
        """
        failure = Failure(subject=name)
        try:
            service = self.ecs.services(self.cluster, [name])[name]
            failure.events = list(service.events[:EVENTS])
            stopped, running = self.ecs.stopped_tasks(self.cluster, name), self.ecs.tasks(self.cluster, name)
            self._add_targets(failure, service, deployment, [*running, *stopped])
            failed = most_alike([t for t in stopped if t.started_by == deployment and t.failure()])
            for task in [*failed, *(t for t in running if t.started_by == deployment)][:1]:
                self._add_task(failure, task)
            failure.tasks = len(failed)
        except AwsError as error:
            failure.reason = failure.reason or f"the reason could not be read: {error.message}"
        failure.answer = self.masks.mask_untrusted(answer)[:LINE_LENGTH]
        return failure

    def _add_targets(self, failure: Failure, service: Service, deployment: str, tasks: Sequence[Task]) -> None:
        """Adds what the load balancer and the events say about the deployment's tasks.

        A target's health that cannot be read is left out: a missing permission must not hide another reason.
        """
        ours = [task for task in tasks if task.started_by == deployment]
        others = [task for task in tasks if task.started_by != deployment]
        failure.events = telling_events(service.events, ours)
        with suppress(AwsError):
            failure.targets = target_reasons(self.targets, service.settings.target_groups, ours, others)

    def _add_task(self, failure: Failure, task: Task) -> None:
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
        stream = log_stream(definition, first.name, task.id)
        failure.log = shortened(self.logs.tail(*stream, LOG_LINES), self.masks) if stream else []


def first_failing(task: Task) -> Container | None:
    """The first container with a reason or with an exit code other than 0; the first container if there is none."""
    failing = (c for c in task.containers if c.reason or c.exit_code)
    return next(failing, next(iter(task.containers), None))


def log_stream(definition: dict[str, Any], container: str, task: str) -> tuple[str, str] | None:
    """Log group and stream of a container; None if it does not write to CloudWatch Logs.

    The awslogs driver names the stream ``prefix/container/task id``.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
    """
    for candidate in definition["containerDefinitions"]:
        options = candidate.get("logConfiguration", {}).get("options", {})
        if candidate["name"] == container and "awslogs-group" in options:
            return options["awslogs-group"], f"{options.get('awslogs-stream-prefix', 'ecs')}/{container}/{task}"
    return None


def shortened(lines: Sequence[str], masks: Masks) -> list[str]:
    """The last lines, each masked and then truncated to fit into a ledger item."""
    # Mask before truncating: a truncated secret is no longer recognised.
    masked = masks.mask_lines(lines[-LOG_LINES:])
    return [line if len(line) <= LINE_LENGTH else f"{line[:LINE_LENGTH]}… (cut)" for line in masked]
