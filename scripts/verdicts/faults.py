"""The faults of the comparison, each with its true outcome, which is fixed before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SERVES = """mkdir -p /tmp/www && echo "$RELEASE_VERSION" >/tmp/www/health
{before}
exec httpd -f -p 8080 -h /tmp/www
"""
"""A script that runs some commands and then serves its version at /health."""

NEVER_LISTENS = """trap 'exit 0' TERM
while :; do sleep 1 & wait $!; done
"""


@dataclass(frozen=True)
class Fault:
    """A version with a fault, and the moment at which the outcome can be known.

    Attributes:
        name: the fault in a few words.
        script: the program of its containers.
        outcome: of the deployment, in a few words.
        holds: whether the service ends up with this version and serves correctly.
        known: the moment at which the outcome can be known: ``failed`` once ECS shows the deployment as FAILED or
            rolls it back, ``third`` once three tasks have stopped for the same reason, ``completed`` once the
            deployment has completed, ``overtaken`` once the other deployment exists, ``deadline`` at the deadline.
        settings: of the sandbox, in seconds, where they differ from its defaults.
        denied: the call that the execution role may not make from the apply until all outcomes are known; empty for
            none.
        deleted: the image is deleted before any task starts.
        overtaken: another process deploys in the middle.
        configuration: the deploymentConfiguration of all services, where it differs from the one of other faults.
        alarmed_after: seconds after the start of all deployments at which their alarm goes off; None for never.
        answered_after: seconds after a deployment's start at which an operator answers its pause hook; None for never.
        answer: of the operator: CONTINUE or ROLLBACK.
    """

    name: str
    script: str
    outcome: str
    known: str
    holds: bool = False
    settings: Mapping[str, float] = field(default_factory=dict)
    denied: str = ""
    deleted: bool = False
    overtaken: bool = False
    configuration: Mapping[str, Any] = field(default_factory=dict)
    alarmed_after: float | None = None
    answered_after: float | None = None
    answer: str = "CONTINUE"


CRASHES = "echo 'FATAL: DATABASE_URL is not set'; exit 3\n"
GOOD = SERVES.format(before="")

SERVES_FROM_8_TO_11 = """mkdir -p /tmp/www && echo "$RELEASE_VERSION" >/tmp/www/health
sleep 8
httpd -p 8080 -h /tmp/www
sleep 3
echo "FATAL: the queue does not answer"; exit 3
"""
"""A script that serves long enough for ECS to complete the deployment, and crashes 11 s after its start."""

PAUSES = {"lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]}]}
"""The deployment waits before its first task, until an operator answers."""

EARLY = {"earlySuccessCriteria": {"enable": True, "healthyPercent": 100, "sourceServiceRevisionCleanup": "DEFERRED"}}
"""The deployment succeeds while the old tasks still run."""

FAULTS = (
    Fault("crash at start, window 0 s", CRASHES, "rolled back by ECS", "failed"),
    Fault("crash at start, window 2.5 s", CRASHES, "rolled back by ECS", "failed", settings={"rollback_window": 2.5}),
    Fault("image deleted, window 0 s", GOOD, "rolled back by ECS", "failed", deleted=True),
    Fault(
        "image deleted, window 2.5 s",
        GOOD,
        "rolled back by ECS",
        "failed",
        settings={"rollback_window": 2.5},
        deleted=True,
    ),
    Fault(
        "crash at start, rollback shows 20 s late",
        CRASHES,
        "rolled back by ECS",
        "failed",
        settings={"failure_hidden": 20.0, "rollback_reported_after": 10.0},
    ),
    Fault(
        "secret that cannot be read",
        GOOD,
        "rolled back by ECS",
        "failed",
        # The old tasks are adopted; a rollback that starts new ones could not read the secret, either.
        settings={"rollback_keeps_id": 1.0},
        denied="ssm:GetParameters",
    ),
    Fault("crash every 11 s, after serving", SERVES_FROM_8_TO_11, "completes, then crashes", "third"),
    Fault(
        "early success, then a crash after 11 s",
        SERVES_FROM_8_TO_11,
        "succeeds, then crashes",
        "third",
        configuration=EARLY,
    ),
    Fault(
        "pause hook, continued after 20 s",
        GOOD,
        "deployed",
        "completed",
        holds=True,
        configuration=PAUSES,
        answered_after=20.0,
    ),
    Fault(
        "pause hook, rolled back after 20 s",
        GOOD,
        "rolled back by ECS",
        "failed",
        configuration=PAUSES,
        answered_after=20.0,
        answer="ROLLBACK",
    ),
    Fault("alarm", GOOD, "rolled back by ECS", "failed", settings={"alarm_bake": 40.0}, alarmed_after=5.0),
    Fault("crash after 5 s, forever", "sleep 5; exit 3\n", "never completes", "third"),
    Fault("memory limit exceeded", "sleep 2; exec tail /dev/zero\n", "never completes", "third"),
    Fault("never listens", NEVER_LISTENS, "never completes", "deadline"),
    Fault(
        "wrong version on the health URL",
        SERVES.format(before="echo v0.0.0 >/tmp/www/health"),
        "wrong version serves",
        "completed",
    ),
    Fault("none", GOOD, "deployed", "completed", holds=True),
    Fault(
        "overtaken by another deployment",
        SERVES.format(before="sleep 8"),
        "other one runs",
        "overtaken",
        overtaken=True,
    ),
)
"""In the order in which they are played; the last one leaves a foreign revision running."""
