"""All errors, as a tree; each class carries the exit code that a shell sees.

LongshoreError (1)
├── UsageError (2)           the command line, or a file that you wrote, is wrong
│   └── ConfigError          invoke.yaml, the contract, or the findings of the checks
├── NotReadyError (1)        the environment is not in a state in which a release can start
├── LockedError (3)          another process or a person holds the lock
│   └── LockLostError        another process has taken over our lock
├── BuildError (4)           an image could not be built or pushed
├── PlanError (5)            the plan was refused by the gate
│   └── DeclinedError        the plan was declined, or there was no terminal to approve it
├── ApplyError (6)           terraform apply failed
│   └── UnsavedStateError    the state of this or an earlier apply could not be saved
├── MigrationError (7)       the migration failed before any service was moved
├── RolloutError (8)         a service did not reach the intended revision
│   ├── DeadlineError        it did not complete before its deadline
│   ├── CrashLoopError       its tasks keep stopping for the same reason
│   ├── SupersededError (10) another deployment replaced ours
│   └── VerifyError          it completed, but does not run the released images, or is unhealthy
├── UnknownOutcomeError (11) the deadline passed before the outcome could be determined
├── InterruptError (130)     a signal; 143 for SIGTERM and SIGHUP
├── AbortError (1)           the operator rolls an interrupted release back
├── AwsError (1)             AWS refused a call
├── TerraformError (1)       terraform could not run, or could not read its state
│   ├── StalePlanError       the state has changed since the plan was saved
│   └── CloudError           Terraform Cloud refused a call, or did not respond
├── GitError (1)             the git repository cannot be released from
└── SandboxError (1)         the sandbox is not running, or cannot start

LeaveAtOnce, a BaseException, is the second signal. Only the outermost frame of a run catches it.
"""

from __future__ import annotations

import signal
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """The exit codes (docs/concepts.md)."""

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


_FAULTS = ("5", "InternalError", "InternalFailure", "InternalServerError", "ServerException", "ServiceUnavailable")
"""Prefixes of error codes for faults of AWS."""

_DENIED = ("AccessDenied", "UnauthorizedOperation", "NotAuthorized")
"""Prefixes of error codes for calls that IAM denies."""

_TOO_MUCH = ("Throttl", "ProvisionedThroughputExceeded", "RequestLimitExceeded", "SlowDown", "TooManyRequests")
"""Prefixes of error codes for throttled calls."""


class LongshoreError(Exception):
    """The base of all our errors.

    Args:
        message: the failure and its reason, with the path of the key or the name of the resource.
        hint: the next step, with the command to run.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(LongshoreError):
    """The command line asks for something impossible."""

    exit_code = ExitCode.USAGE


class ConfigError(UsageError):
    """A file that you wrote is invalid; the message lists all problems."""


class NotReadyError(LongshoreError):
    """The environment is not in a state in which a release can start; nothing was touched."""


class LockedError(LongshoreError):
    """Another process or a person holds the lock of the environment."""

    exit_code = ExitCode.LOCKED


class LockLostError(LockedError):
    """This process no longer holds the lock, so it must not do or record anything more."""


class BuildError(LongshoreError):
    """An image could not be built or pushed; nothing was deployed."""

    exit_code = ExitCode.BUILD


class PlanError(LongshoreError):
    """The plan has changes that a release must not make, or was declined; nothing was deployed."""

    exit_code = ExitCode.PLAN


class DeclinedError(PlanError):
    """The plan was not approved; nothing was deployed."""


class ApplyError(LongshoreError):
    """Terraform could not apply the plan; the old revisions are still running."""

    exit_code = ExitCode.APPLY


class UnsavedStateError(ApplyError):
    """Terraform could not save the state after an apply; it is kept on this machine and must be pushed first."""


class MigrationError(LongshoreError):
    """The migration failed. ``result`` describes its task (a MigrationResult), if it started."""

    exit_code = ExitCode.MIGRATION
    result: Any = None


class RolloutError(LongshoreError):
    """A service did not reach the intended revision. ``service`` is its name, if there is a single one."""

    exit_code = ExitCode.ROLLED_BACK

    def __init__(self, message: str, hint: str = "", service: str = "") -> None:
        super().__init__(message, hint)
        self.service = service


class DeadlineError(RolloutError):
    """A service did not complete before its deadline."""


class CrashLoopError(RolloutError):
    """The tasks of the new revision keep stopping for the same reason, so waiting longer would not help."""


class SupersededError(RolloutError):
    """Another deployment of ``service`` replaced ours; that deployment was left untouched."""

    exit_code = ExitCode.SUPERSEDED


class VerifyError(RolloutError):
    """The running tasks are not the released ones, or unhealthy. ``answer`` is a health URL's last response."""

    def __init__(self, message: str, hint: str = "", service: str = "", answer: str = "") -> None:
        super().__init__(message, hint, service)
        self.answer = answer


class UnknownOutcomeError(LongshoreError):
    """The deadline passed before the outcome could be determined; nothing is rolled back.

    ``result`` describes the migration (a MigrationResult), if its outcome is the unknown one.
    """

    exit_code = ExitCode.UNKNOWN
    result: Any = None


class InterruptError(LongshoreError):
    """A signal asked us to stop; moved services are rolled back."""

    def __init__(self, number: int) -> None:
        self.name = signal.Signals(number).name
        super().__init__(f"interrupted by {self.name}")
        self.exit_code = _code_of(number)


class LeaveAtOnce(BaseException):
    """A second signal: exit immediately and roll nothing back. ``name`` and ``exit_code`` are the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.name = signal.Signals(number).name
        self.exit_code = _code_of(number)


def _code_of(number: int) -> ExitCode:
    return ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED


class AbortError(LongshoreError):
    """The operator rolls back a release that another process began."""


class AwsError(LongshoreError):
    """AWS refused a call, or did not respond.

    Args:
        code: AWS's error code, such as ``AccessDeniedException``; empty if there was no response.
    """

    def __init__(self, message: str, hint: str = "", code: str = "") -> None:
        super().__init__(message, hint)
        self.code = code

    @property
    def denied(self) -> bool:
        """Whether IAM denied the call; the resource may well exist."""
        return self.code.startswith(_DENIED)

    @property
    def transient(self) -> bool:
        """Whether the same read may succeed a moment later: throttling, a fault of AWS, no response."""
        return self.ambiguous or self.code.startswith(_TOO_MUCH)

    @property
    def ambiguous(self) -> bool:
        """Whether a write may have taken effect nevertheless: no response, or a fault of AWS."""
        return not self.code or self.code.startswith(_FAULTS)


class TerraformError(LongshoreError):
    """Terraform could not be run, or its output could not be read."""


class StalePlanError(TerraformError):
    """The state has changed since the plan was saved, so a new plan is needed."""


class CloudError(TerraformError):
    """Terraform Cloud refused a call, or did not respond.

    Args:
        status: the HTTP status; 0 if there was no response.
    """

    def __init__(self, message: str, hint: str = "", status: int = 0) -> None:
        super().__init__(message, hint)
        self.status = status

    @property
    def open(self) -> bool:
        """Whether the same read may succeed later, and a write may have taken effect nevertheless."""
        return self.status == 0 or self.status >= 500


class GitError(LongshoreError):
    """The git repository cannot be released from: dirty, not pushed, or unreadable."""


class SandboxError(LongshoreError):
    """The sandbox is not running, or cannot be started."""
