"""The faults of the comparison, each with the truth, which is fixed before anything runs."""

from __future__ import annotations

from dataclasses import dataclass

SERVES = """mkdir -p /tmp/www && echo "${{SAID:-$RELEASE_VERSION}}" >/tmp/www/health
{before}
exec httpd -f -p 8080 -h /tmp/www
"""
"""A container that serves its version at /health, after something else."""

LISTENS_NEVER = """trap 'exit 0' TERM
while :; do sleep 1 & wait $!; done
"""


@dataclass(frozen=True)
class Fault:
    """A version, what is wrong with it, and when that can be known.

    Attributes:
        name: what it is about.
        script: what its containers do.
        truth: what has become of the release in the end.
        holds: whether the service ends with this version, serving what was asked for.
        known: from when on the truth can be known: ``failed`` once ECS shows the deployment as FAILED or rolls it
            back, ``third`` once three tasks have stopped for the same reason, ``completed`` once the deployment has
            completed, ``theirs`` once somebody else's deployment is there, ``deadline`` at the common deadline.
        window: seconds for which ECS shows FAILED before it rolls back.
        deleted: the image is deleted before any task starts.
        overtaken: somebody else deploys in the middle.
    """

    name: str
    script: str
    truth: str
    known: str
    holds: bool = False
    window: float = 0.0
    deleted: bool = False
    overtaken: bool = False


CRASHES = "echo 'FATAL: DATABASE_URL is not set'; exit 3\n"
GOOD = SERVES.format(before="")

FAULTS = (
    Fault("crash at start, window 0 s", CRASHES, "rolled back by ECS", "failed"),
    Fault("crash at start, window 2.5 s", CRASHES, "rolled back by ECS", "failed", window=2.5),
    Fault("image deleted, window 0 s", GOOD, "rolled back by ECS", "failed", deleted=True),
    Fault("image deleted, window 2.5 s", GOOD, "rolled back by ECS", "failed", window=2.5, deleted=True),
    Fault("crash after 5 s, for ever", "sleep 5; exit 3\n", "never completes", "third"),
    Fault("memory limit exceeded", "sleep 2; exec tail /dev/zero\n", "never completes", "third"),
    Fault("never listens", LISTENS_NEVER, "never completes", "deadline"),
    Fault(
        "wrong version on the health URL", SERVES.format(before="echo v0.0.0 >/tmp/www/health"), "not it", "completed"
    ),
    Fault("none", GOOD, "deployed", "completed", holds=True),
    Fault("overtaken by another deployment", SERVES.format(before="sleep 8"), "theirs runs", "theirs", overtaken=True),
)
"""In the order in which they are played: the last one leaves a revision running that nobody released."""
