"""The reasons for which ECS stops tasks: which of them are failures, and which tasks failed for the same cause."""

from __future__ import annotations

import re

OWN_FAILURES = ("TaskFailedToStart", "EssentialContainerExited")
"""The stop codes of tasks that failed, with any reason."""

BY_THE_SCHEDULER = ("ServiceSchedulerInitiated",)
"""The stop codes of tasks that ECS stopped to scale, to deploy, to balance zones, or because they were unhealthy."""

NOT_FAILURES = ("UserInitiated", "SpotInterruption", "TerminationNotice", "InfrastructureHealth")
"""The stop codes of tasks that a user stopped, or that AWS took away with their capacity or their host.

A test holds these lists against the codes that botocore's model has.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html
"""

_SEVERAL_DETAILS = r"target-group|elb|instance|container instance|port|task|task ?set|deployment"
_VARYING = (
    # The session of a role is the id of the task (secrets that the execution role may not read).
    (r"(?<=:assumed-role/)([^/\s]+)/[^\s,;)\"']+", r"\1/…"),
    (r"(?i)\b((?:x-amzn?-)?(?:request|host|trace)[ _-]?id)\b[\"']?\s*[:=]\s*[\"']?[\w/+=.-]+", r"\1 …"),
    # A layer is downloaded from a signed address, whose path and query have ids.
    (r"(https?://[\w.-]*starport-layer-bucket[\w.-]*)/[^\s\"']*", r"\1/…"),
    (r"(https?://[^\s\"'?]+)\?[^\s\"']*", r"\1?…"),
    (rf"\((?:{_SEVERAL_DETAILS})\b(?:[^()]|\([^()]*\))*\)", "(…)"),
    # Ids of tasks have 32 digits; those of Docker's containers, and digests of layers, have 64.
    (r"(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "…"),
    (r"(?i)\b[0-9a-f]{32,}(?:-\d+)?\b", "…"),
    (r"\b(eni|eni-attach|i|mi|subnet|vol)-[0-9a-f]{8,17}\b", r"\1-…"),
    (r"\becs-svc/\d+", "ecs-svc/…"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?", "…"),
    (r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![\w.]*\w)", "…"),
    (r"(?i)\[[0-9a-f]*:[0-9a-f:.]*\](?::\d+)?", "…"),
    (r"(?i)(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}(?![\w:])", "…"),
    (r"\b\d+(?= time\(s\))|(?<=attempts, )\d+\b|(?<=/proc/)\d+\b", "…"),
    (r"\b(?:\d+(?:\.\d+)?(?:ns|µs|us|ms|s|m|h))+\b|\b\d+(?:\.\d+)?(?= (?:milli)?seconds?\b)", "…"),
    (r"\s+", " "),
)
_PATTERNS = tuple((re.compile(pattern), replacement) for pattern, replacement in _VARYING)

_CUT_AT = (255, 1024)
"""The lengths to which ECS's agents cut the reasons of containers and tasks: older ones, and those of today."""

_SLACK = 20
"""By how many characters the ids before a cut may differ in length."""


def comparison_key(reason: str) -> str:
    """A reason without the parts that differ between tasks which failed for the same cause. It is not for people.

    Such parts are ids of tasks, containers, requests, instances, network interfaces and subnets, the session of an
    assumed role, addresses with their ports, times and durations, signed addresses, and the details in parentheses that
    ECS gives of targets. The texts behind the rules are those of AWS's pages on stopped tasks, and of recordings.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
    """
    key = reason.strip()
    for pattern, replacement in _PATTERNS:
        key = pattern.sub(replacement, key)
    # The place of a cut depends on the ids before it, so the end of such a text is chance.
    cut_at = next((limit for limit in _CUT_AT if limit - _SLACK <= len(reason) <= limit), None)
    return key if cut_at is None else key[: cut_at * 3 // 4]
