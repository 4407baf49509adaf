"""All errors, as a tree. `longshore.verdict` decides which exit code follows from one.

LongshoreError
├── UsageError           the command line, or a file that you wrote, is wrong
│   └── ConfigError          invoke.yaml, the contract, or the findings of the checks
├── NotReadyError        the environment is not in a state in which a release can start
│   └── UnreadableRecordError  an item of the ledger was written by a newer Longshore, or is incomplete
├── LockedError          another process or a person holds the lock
│   └── LockLostError        another process has taken over our lock
├── BuildError           an image could not be built or pushed
├── PlanError            the plan was refused by the gate
│   └── DeclinedError        the plan was declined, or there was no terminal to approve it
├── ApplyError           terraform apply failed
│   └── UnsavedStateError    the state of this or an earlier apply could not be saved
├── MigrationError       the migration failed before any service was moved
├── RolloutError         a service did not reach the intended revision
│   ├── DeadlineError        it did not complete before its deadline
│   ├── CrashLoopError       its tasks keep stopping for the same reason
│   ├── SupersededError      another deployment replaced ours
│   └── VerifyError          it completed, but does not run the released images, or is unhealthy
├── UnknownOutcomeError  the deadline passed before the outcome could be determined
├── InterruptError       a signal
├── AbortError           the operator rolls an interrupted release back
├── AwsError             AWS refused a call
│   └── NoCapacityError      ECS has no capacity for a task at this moment
├── TerraformError       terraform could not run, or could not read its state
│   ├── StalePlanError       the state has changed since the plan was saved
│   └── CloudError           Terraform Cloud refused a call, or did not respond
├── ChecksFailedError    several checks failed before anything was touched
├── RemoteReleaseError   a release inside a CodeBuild build did not begin
├── OutputError          the result could not be written to standard output
├── GitError             the git repository cannot be released from
├── SandboxError         the sandbox is not running, or cannot start
└── InternalError        a bug in Longshore

LeaveAtOnce, a BaseException, is the second signal. Only the outermost frame of a run catches it.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Any

_FAULTS = ("5", "Internal", "ServerException", "ServiceUnavailable", "TransactionInProgress")
"""Prefixes of codes for faults of AWS: items of a batch have no HTTP status. An earlier transaction may succeed."""

_DENIED = ("AccessDenied", "UnauthorizedOperation", "NotAuthorized", "403")
"""Prefixes of error codes for calls that IAM denies. The answer to a HEAD request, such as HeadBucket of S3, has no
body: its code is the HTTP status."""

_TOO_MUCH = (
    "Throttl", "ProvisionedThroughputExceeded", "RequestLimitExceeded", "RequestThrottled", "BandwidthLimitExceeded",
    "EC2ThrottledException", "SlowDown", "TooManyRequests", "429",
)  # fmt: skip
"""Prefixes of error codes for throttled calls: those that botocore tries again (retries/standard.py), but for
LimitExceededException, which is a quota in every service that a release uses."""

_AGAIN_LATER = (
    "RequestTimeout",
    "PriorRequestNotComplete",
    "ConcurrentModificationException",
    "ConcurrentUpdateException",
    "TooManyUpdates",
    "TransactionConflictException",
    "ReplicatedWriteConflictException",
)
"""Prefixes of error codes for calls that AWS refused with status 400 or 409, but which may succeed a moment later.

The first two are transient in botocore (retries/standard.py). The others are concurrent changes, by the service models
of EventBridge, Application Auto Scaling, SSM and DynamoDB.
"""

_TOO_MANY_REQUESTS = 429
_FIRST_FAULT = 500


class LongshoreError(Exception):
    """The base of all our errors.

    Args:
        message: the failure and its reason, with the path of the key or the name of the resource.
        hint: the next step, with the command to run.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(LongshoreError):
    """The command line asks for something impossible."""


class ConfigError(UsageError):
    """A file that you wrote is invalid; the message lists all problems."""


class NotReadyError(LongshoreError):
    """The environment is not in a state in which a release can start; nothing was touched."""


class UnreadableRecordError(NotReadyError):
    """An item of the ledger was written by a newer Longshore, or is incomplete."""


class LockedError(LongshoreError):
    """Another process or a person holds the lock of the environment."""


class LockLostError(LockedError):
    """This process no longer holds the lock, so it must not do or record anything more."""


class BuildError(LongshoreError):
    """An image could not be built or pushed; nothing was deployed."""


class PlanError(LongshoreError):
    """The plan has changes that a release must not make, or was declined; nothing was deployed."""


class DeclinedError(PlanError):
    """The plan was not approved; nothing was deployed."""


class ApplyError(LongshoreError):
    """Terraform could not apply the plan; the old revisions are still running."""


class UnsavedStateError(ApplyError):
    """Terraform could not save the state after an apply; it is kept on this machine and must be pushed first."""


class MigrationError(LongshoreError):
    """The migration failed. ``result`` describes its task (a MigrationResult), if it started."""

    result: Any = None


class RolloutError(LongshoreError):
    """A service did not reach the intended revision. ``service`` is its name, if there is a single one."""

    def __init__(self, message: str, hint: str = "", service: str = "") -> None:
        super().__init__(message, hint)
        self.service = service


class DeadlineError(RolloutError):
    """A service did not complete before its deadline."""


class CrashLoopError(RolloutError):
    """The tasks of the new revision keep stopping for the same reason, so waiting longer would not help."""


class SupersededError(RolloutError):
    """Another deployment of ``service`` replaced ours; that deployment was left untouched."""


class VerifyError(RolloutError):
    """The running tasks are not the released ones, or unhealthy. ``answer`` is a health URL's last response."""

    def __init__(self, message: str, hint: str = "", service: str = "", answer: str = "") -> None:
        super().__init__(message, hint, service)
        self.answer = answer


class UnknownOutcomeError(LongshoreError):
    """The deadline passed before the outcome could be determined; nothing is rolled back.

    ``result`` describes the migration (a MigrationResult), if its outcome is the unknown one.
    """

    result: Any = None


class InterruptError(LongshoreError):
    """A signal asked us to stop; moved services are rolled back."""

    def __init__(self, number: int) -> None:
        self.name = signal.Signals(number).name
        super().__init__(f"interrupted by {self.name}")


class LeaveAtOnce(BaseException):
    """A second signal: exit immediately and roll nothing back. ``name`` is that of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.name = signal.Signals(number).name


class AbortError(LongshoreError):
    """The operator rolls back a release that another process began."""


class AwsError(LongshoreError):
    """AWS refused a call, or did not respond.

    Args:
        code: AWS's error code, such as ``AccessDeniedException``; empty if there was no response.
        status: the HTTP status of the response; 0 if it is unknown.
    """

    def __init__(self, message: str, hint: str = "", code: str = "", status: int = 0) -> None:
        super().__init__(message, hint)
        self.code = code
        self.status = status

    @property
    def denied(self) -> bool:
        """Whether IAM denied the call; the resource may well exist."""
        return self.code.startswith(_DENIED)

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed a moment later: throttling, a conflict, a fault of AWS, no response."""
        refused_for_now = self.code.startswith((*_TOO_MUCH, *_AGAIN_LATER)) or self.status == _TOO_MANY_REQUESTS
        return self.ambiguous or refused_for_now

    @property
    def ambiguous(self) -> bool:
        """Whether a write may have taken effect nevertheless: no response, or a fault of AWS."""
        return not self.code or self.status >= _FIRST_FAULT or self.code.startswith(_FAULTS)


class NoCapacityError(AwsError):
    """ECS has no capacity for a task at this moment. ``certain``: no attempt of the call can have started it."""

    def __init__(self, message: str, hint: str = "", code: str = "", *, certain: bool = True) -> None:
        super().__init__(message, hint, code)
        self.certain = certain


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


class ChecksFailedError(LongshoreError):
    """Several checks failed before a run began; nothing was touched.

    Args:
        failed: the errors of the checks, in their order; the first decides the exit code.
    """

    def __init__(self, failed: Sequence[LongshoreError]) -> None:
        lines = (f"  {error.message}{f' → {error.hint}' if error.hint else ''}" for error in failed)
        super().__init__(f"{len(failed)} checks failed; nothing was touched:\n" + "\n".join(lines))
        self.first = failed[0]


class RemoteReleaseError(LongshoreError):
    """A release inside a CodeBuild build did not begin. ``exit_code`` is the one that it ended with there."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class OutputError(LongshoreError):
    """The result could not be written to standard output. It does not undo the work that was done before."""


class GitError(LongshoreError):
    """The git repository cannot be released from: dirty, not pushed, or unreadable."""


class SandboxError(LongshoreError):
    """The sandbox is not running, or cannot be started."""


class InternalError(LongshoreError):
    """A bug in Longshore. ``exit_code`` is that of the run that it ended, 0 if it ended none."""

    exit_code = 0
