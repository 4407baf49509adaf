"""The failures that ECS answers with status 200."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from longshore.errors import AwsError, NoCapacityError

ANSWERED = "Failures"
"""The code of an error that ECS answered with status 200; asking again does not help."""

_CAPACITY = ("Capacity is unavailable", "RESOURCE:", "AGENT")
"""The beginnings of RunTask's reasons that may pass: a full Fargate, a full instance, an agent that is disconnected.

Others stay, such as ATTRIBUTE, MISSING and INACTIVE.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html
https://repost.aws/knowledge-center/ecs-fargate-runtask-capacity
"""


def refuse_failures(operation: str, failures: Iterable[Any], hint: str) -> None:
    """Refuses an answer with failures.

    Raises:
        AwsError: it names each failure's resource and reason.
    """
    reasons = [f"{f.get('arn', '?')}: {f.get('reason', '')} {f.get('detail', '')}".rstrip() for f in failures]
    if reasons:
        raise AwsError(f"ECS {operation} failed for {'; '.join(reasons)}", hint, ANSWERED)


def refuse_task(answer: Any) -> None:
    """Refuses an answer of RunTask with failures.

    Raises:
        NoCapacityError: all of them may pass.
        AwsError: one of them stays.
    """
    hint = "Check the capacity of the cluster and the network of the task."
    failures = answer.get("failures", [])
    try:
        refuse_failures("RunTask", failures, hint)
    except AwsError as error:
        if not all(str(failure.get("reason", "")).startswith(_CAPACITY) for failure in failures):
            raise
        # boto3 repeats a call that got no answer: the attempt before may still start the task.
        certain = not answer.get("ResponseMetadata", {}).get("RetryAttempts")
        raise NoCapacityError(error.message, hint, error.code, certain=certain) from None
