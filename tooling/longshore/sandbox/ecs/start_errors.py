"""The errors of tasks that cannot start, as AWS reports them (developer guide, "Stopped tasks error messages")."""

from __future__ import annotations

import uuid

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
ESSENTIAL_EXITED = "Essential container in task exited"
FAILED_TO_START = "Task failed to start"

_DATABASE = "arn:aws:secretsmanager:us-east-1:123456789012:secret:database-AbCdEf"
_ROLE = "arn:aws:iam::123456789012:role/execution"


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


def cannot_pull_on_fargate(image: str, detail: str = "not found") -> StartError:
    """The same on Fargate, where the reason is the task's.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
    """
    resolving = f"pull image manifest has been retried 1 time(s): failed to resolve ref {image}"
    return StartError(f"CannotPullContainerError: {resolving}: {image}: {detail}")


def cannot_create(container: str, detail: str) -> StartError:
    """The engine refuses the container."""
    return StartError(f"CannotCreateContainerError: Error response from daemon: {detail}", container)


def cannot_start(container: str, detail: str) -> StartError:
    """The container's program is missing, or a port is in use."""
    return StartError(f"CannotStartContainerError: Error response from daemon: {detail}", container)


def resource_missing(detail: str) -> StartError:
    """A secret, or another resource that the task needs before its containers, is missing."""
    return StartError(f"ResourceInitializationError: {detail}")


def secret_denied(task: str, secret: str = _DATABASE, role: str = _ROLE) -> StartError:
    """The execution role may not read a secret. AWS names the session of the role by the task, and the request.

    The texts are those that users of Fargate quote (github.com/aws/copilot-cli, issue 4504, for a parameter).

    Args:
        task: id of the task.
        secret: ARN of the secret or parameter.
        role: ARN of the execution role.
    """
    parts = secret.split(":")
    account, from_ssm = parts[4], parts[2] == "ssm"
    action = "ssm:GetParameters" if from_ssm else "secretsmanager:GetSecretValue"
    source = "secrets from ssm" if from_ssm else "secret from asm"
    fetched = "" if from_ssm else f"failed to fetch secret {secret} from secrets manager: "
    return resource_missing(
        "unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve"
        f" {source}: service call has been retried 1 time(s): {fetched}AccessDeniedException: User:"
        f" arn:aws:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{task} is not authorized to perform: {action}"
        f" on resource: {secret} because no identity-based policy allows the {action} action status code: 400,"
        f" request id: {uuid.uuid4()}"
    )


def dependency_failed(container: str, dependency: str, condition: str) -> StartError:
    """A dependency ended in a way that cannot meet the condition."""
    detail = f"container ordering dependency [{dependency}] {condition} for target [{container}] has failed"
    return StartError(f"dependency graph: {detail}", container)
