"""What can go wrong, as a tree; each class carries the exit code that a shell sees.

LongshoreError (1)
├── UsageError (2)           the command line or a file the user wrote
│   └── ConfigError          invoke.yaml, a contract that does not fit, findings of the checks
├── LockedError (3)          another release holds this environment
├── BuildError (4)           an image could not be built or pushed
├── PlanError (5)            the plan was refused
│   └── DeclinedError        by a person, or for want of one
├── ApplyError (6)           terraform apply failed
├── MigrationError (7)       the migration failed before anything moved
├── RolloutError (8)         a service did not get to the intended revision
│   ├── SupersededError (10) somebody else's deployment took ours over
│   └── VerifyError          it got there, but does not run what was released
├── UnknownOutcomeError (11) the deadline passed and nothing can be claimed
├── AwsError (1)             AWS refused a call
├── TerraformError (1)       terraform could not run, or could not read its state
│   └── StalePlanError       the state has changed since the plan was saved
├── GitError (1)             the source tree is not what a release needs
└── SandboxError (1)         the local cloud is not there, or can't start
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """What each exit code says (design.md, section 5)."""

    SUCCEEDED = 0
    FAILED = 1
    USAGE = 2
    LOCKED = 3
    BUILD = 4
    PLAN = 5
    APPLY = 6
    MIGRATION = 7
    ROLLED_BACK = 8
    ROLLBACK_FAILED = 9
    SUPERSEDED = 10
    UNKNOWN = 11
    RECORD_INCOMPLETE = 12
    APPROVAL = 13
    DIFFERENCES = 20
    INTERRUPTED = 130
    TERMINATED = 143


_TRANSIENT = (
    "Throttl",
    "5",
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "ServerException",
    "ServiceUnavailable",
    "SlowDown",
    "TooManyRequests",
)
"""How the codes begin of answers that may be another the next time."""


class LongshoreError(Exception):
    """Base of all our errors.

    Args:
        message: what is wrong, and where: the path of the key, the name of the resource.
        hint: what to do next, one sentence.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(LongshoreError):
    """The command line asks for something that can't be done."""

    exit_code = ExitCode.USAGE


class ConfigError(UsageError):
    """A file that the user wrote does not say what it must; the message lists every finding."""


class LockedError(LongshoreError):
    """Another release holds this environment."""

    exit_code = ExitCode.LOCKED


class BuildError(LongshoreError):
    """An image could not be built or pushed; nothing was deployed."""

    exit_code = ExitCode.BUILD


class PlanError(LongshoreError):
    """The plan would change what a release may not, or was declined; nothing was deployed."""

    exit_code = ExitCode.PLAN


class DeclinedError(PlanError):
    """Nobody approved the plan; nothing was deployed."""


class ApplyError(LongshoreError):
    """Terraform could not apply the plan; the old revisions still serve."""

    exit_code = ExitCode.APPLY


class MigrationError(LongshoreError):
    """The migration failed. ``result`` is what is known of its task (a MigrationResult), if it started."""

    exit_code = ExitCode.MIGRATION
    result: Any = None


class RolloutError(LongshoreError):
    """A service did not get to the intended revision."""

    exit_code = ExitCode.ROLLED_BACK


class SupersededError(RolloutError):
    """Somebody else's deployment of ``service`` took ours over; theirs is left alone."""

    exit_code = ExitCode.SUPERSEDED

    def __init__(self, message: str, hint: str = "", service: str = "") -> None:
        super().__init__(message, hint)
        self.service = service


class VerifyError(RolloutError):
    """What runs is not what was released."""


class UnknownOutcomeError(LongshoreError):
    """The deadline passed while the outcome was open: nothing is claimed, nothing is moved back."""

    exit_code = ExitCode.UNKNOWN


class AwsError(LongshoreError):
    """AWS refused a call, or did not answer.

    Args:
        code: AWS's own error code, such as ``AccessDeniedException``; empty where there was no answer.
    """

    def __init__(self, message: str, hint: str = "", code: str = "") -> None:
        super().__init__(message, hint)
        self.code = code

    @property
    def transient(self) -> bool:
        """Whether the same read may well succeed a moment later: throttling, AWS's own faults, no answer."""
        return not self.code or self.code.startswith(_TRANSIENT)


class TerraformError(LongshoreError):
    """Terraform could not be run, or its answer could not be read."""


class StalePlanError(TerraformError):
    """The state has changed since the plan was saved: it must be made again."""


class GitError(LongshoreError):
    """The source tree is not what a release needs."""


class SandboxError(LongshoreError):
    """The local cloud is not running, or can't be started."""
