"""The errors of tasks that cannot start, as AWS reports them (developer guide, "Stopped tasks error messages")."""

from __future__ import annotations

import uuid

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
ESSENTIAL_EXITED = "Essential container in task exited"
FAILED_TO_START = "Task failed to start"


class StartError(Exception):
    """A task cannot start.

    Args:
        message: the reason, as AWS reports it.
        container: the container that fails; empty if it is the task.
    """

    def __init__(self, message: str, container: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.container = container


def cannot_pull(container: str, detail: str) -> StartError:
    """The image does not exist, or the registry does not answer."""
    return StartError(f"CannotPullContainerError: Error response from daemon: {detail}", container)


def cannot_create(container: str, detail: str) -> StartError:
    """The engine refuses the container."""
    return StartError(f"CannotCreateContainerError: Error response from daemon: {detail}", container)


def cannot_start(container: str, detail: str) -> StartError:
    """The container's program is missing, or a port is in use."""
    return StartError(f"CannotStartContainerError: Error response from daemon: {detail}", container)


def resource_missing(detail: str) -> StartError:
    """A secret, or another resource that the task needs before its containers, is missing."""
    return StartError(f"ResourceInitializationError: {detail}")


def secret_denied(task: str) -> StartError:
    """The execution role may not read a secret. AWS names the session of the role by the task, and the request."""
    denied = "arn:aws:secretsmanager:us-east-1:123456789012:secret:database-AbCdEf"
    return resource_missing(
        "unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from"
        f" asm: service call has been retried 1 time(s): failed to fetch secret {denied} from secrets manager:"
        f" AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/execution/{task} is not authorized to"
        f" perform: secretsmanager:GetSecretValue on resource: {denied} status code: 400, request id: {uuid.uuid4()}"
    )


def dependency_failed(container: str, dependency: str, condition: str) -> StartError:
    """A dependency ended in a way that cannot meet the condition."""
    detail = f"container ordering dependency [{dependency}] {condition} for target [{container}] has failed"
    return StartError(f"dependency graph: {detail}", container)
