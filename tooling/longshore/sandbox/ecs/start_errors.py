"""The errors of tasks that cannot start, as AWS reports them (developer guide, "Stopped tasks error messages")."""

from __future__ import annotations

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


def dependency_failed(container: str, dependency: str, condition: str) -> StartError:
    """A dependency ended in a way that cannot meet the condition."""
    detail = f"container ordering dependency [{dependency}] {condition} for target [{container}] has failed"
    return StartError(f"dependency graph: {detail}", container)
