"""Why a task could not start, in AWS's words (developer guide, "Stopped tasks error messages")."""

from __future__ import annotations

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
ESSENTIAL_EXITED = "Essential container in task exited"
FAILED_TO_START = "Task failed to start"


class StartError(Exception):
    """A task can't start.

    Args:
        message: the reason, in AWS's words.
        container: the container it is about; empty if it is about the task.
    """

    def __init__(self, message: str, container: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.container = container


def cannot_pull(container: str, detail: str) -> StartError:
    """The image is not there, or the registry does not answer."""
    return StartError(f"CannotPullContainerError: Error response from daemon: {detail}", container)


def cannot_create(container: str, detail: str) -> StartError:
    """The engine refuses the container."""
    return StartError(f"CannotCreateContainerError: Error response from daemon: {detail}", container)


def cannot_start(container: str, detail: str) -> StartError:
    """The container's program is missing, or a port is taken."""
    return StartError(f"CannotStartContainerError: Error response from daemon: {detail}", container)


def no_resource(detail: str) -> StartError:
    """A secret, or something else that the task needs before its containers, is missing."""
    return StartError(f"ResourceInitializationError: {detail}")


def no_dependency(container: str, dependency: str, condition: str) -> StartError:
    """A container that this one depends on has ended in a way that can't meet the condition."""
    detail = f"container ordering dependency [{dependency}] {condition} for target [{container}] has failed"
    return StartError(f"dependency graph: {detail}", container)
