"""The errors of Longshore, as a tree. Which exit code follows from one is decided in longshore.verdict.

LongshoreError
├── UsageError           the command line or a file the user wrote
│   └── ConfigError          invoke.yaml, a contract that does not fit, findings of the checks
├── NotReadyError        a service is not in a state from which a release can start
├── LockedError          another release holds this environment
│   └── LockLostError        or has come to hold it while we thought we did
├── BuildError           an image could not be built or pushed
├── PlanError            the plan was refused
│   └── DeclinedError        by a person, or for want of one
├── ApplyError           terraform apply failed
│   └── UnsavedStateError    or its state could not be saved, now or before
├── MigrationError       the migration failed before anything moved
├── RolloutError         a service did not get to the intended revision
│   ├── DeadlineError        not in the time that it has
│   ├── CrashLoopError       its tasks stop again and again
│   ├── SupersededError      somebody else's deployment took ours over
│   └── VerifyError          it got there, but does not run what was released
├── UnknownOutcomeError  the deadline passed and nothing can be claimed
├── InterruptError       a signal asked us to stop
├── AbortError           somebody wants a release to go back that another process had begun
├── AwsError             AWS refused a call
├── TerraformError       terraform could not run, or could not read its state
│   ├── StalePlanError       the state has changed since the plan was saved
│   └── CloudError           Terraform Cloud refused a call, or did not answer
├── ChecksFailedError    several checks failed before anything was touched
├── RemoteReleaseError   a release inside a build did not begin
├── GitError             the source tree is not what a release needs
└── SandboxError         the local cloud is not there, or can't start

LeaveAtOnce is no error but an order: the second signal. Nothing but the end of a release catches it.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Any

_FAULTS = ("5", "InternalError", "InternalFailure", "InternalServerError", "ServerException", "ServiceUnavailable")
"""How the codes begin of AWS's own faults."""

_DENIED = ("AccessDenied", "UnauthorizedOperation", "NotAuthorized")
"""How the codes begin of calls that IAM does not allow."""

_TOO_MUCH = ("Throttl", "ProvisionedThroughputExceeded", "RequestLimitExceeded", "SlowDown", "TooManyRequests")
"""How the codes begin of calls that were refused because there were too many."""


class LongshoreError(Exception):
    """Base of all our errors.

    Args:
        message: what is wrong, and where: the path of the key, the name of the resource.
        hint: what to do next, one sentence.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(LongshoreError):
    """The command line asks for something that can't be done."""


class ConfigError(UsageError):
    """A file that the user wrote does not say what it must; the message lists every finding."""


class NotReadyError(LongshoreError):
    """A service is not in a state from which a release can start; nothing was touched."""


class LockedError(LongshoreError):
    """Another release holds this environment."""


class LockLostError(LockedError):
    """The lock that this process held is not its own any more: nothing further may be done, or written down."""


class BuildError(LongshoreError):
    """An image could not be built or pushed; nothing was deployed."""


class PlanError(LongshoreError):
    """The plan would change what a release may not, or was declined; nothing was deployed."""


class DeclinedError(PlanError):
    """Nobody approved the plan; nothing was deployed."""


class ApplyError(LongshoreError):
    """Terraform could not apply the plan; the old revisions still serve."""


class UnsavedStateError(ApplyError):
    """Terraform has applied something, and its state could not be saved: it is kept here, and must be pushed first."""


class MigrationError(LongshoreError):
    """The migration failed. ``result`` is what is known of its task (a MigrationResult), if it started."""

    result: Any = None


class RolloutError(LongshoreError):
    """A service did not get to the intended revision. ``service`` is its name, where one is to blame."""

    def __init__(self, message: str, hint: str = "", service: str = "") -> None:
        super().__init__(message, hint)
        self.service = service


class DeadlineError(RolloutError):
    """A service was not there when its time was over."""


class CrashLoopError(RolloutError):
    """The tasks of the new revision stop again and again, for the same reason: waiting longer tells nothing new."""


class SupersededError(RolloutError):
    """Somebody else's deployment of ``service`` took ours over; theirs is left alone."""


class VerifyError(RolloutError):
    """What runs is not what was released. ``answer`` is what a health URL answered last, if one is to blame."""

    def __init__(self, message: str, hint: str = "", service: str = "", answer: str = "") -> None:
        super().__init__(message, hint, service)
        self.answer = answer


class UnknownOutcomeError(LongshoreError):
    """The deadline passed while the outcome was open: nothing is claimed, nothing is moved back.

    ``result`` is what is known of a migration (a MigrationResult), if one is open.
    """

    result: Any = None


class InterruptError(LongshoreError):
    """A signal asked us to stop; what moved goes back."""

    def __init__(self, number: int) -> None:
        self.name = signal.Signals(number).name
        super().__init__(f"interrupted by {self.name}")


class LeaveAtOnce(BaseException):
    """A second signal: leave now, and leave everything as it is. ``name`` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.name = signal.Signals(number).name


class AbortError(LongshoreError):
    """Somebody wants a release to go back that another process had begun."""


class AwsError(LongshoreError):
    """AWS refused a call, or did not answer.

    Args:
        code: AWS's own error code, such as ``AccessDeniedException``; empty where there was no answer.
    """

    def __init__(self, message: str, hint: str = "", code: str = "") -> None:
        super().__init__(message, hint)
        self.code = code

    @property
    def denied(self) -> bool:
        """Whether IAM does not allow the call: what it asks for may well be there."""
        return self.code.startswith(_DENIED)

    @property
    def transient(self) -> bool:
        """Whether the same read may well succeed a moment later: throttling, AWS's own faults, no answer."""
        return self.ambiguous or self.code.startswith(_TOO_MUCH)

    @property
    def ambiguous(self) -> bool:
        """Whether a write may have taken effect all the same: there was no answer, or AWS's own fault."""
        return not self.code or self.code.startswith(_FAULTS)


class TerraformError(LongshoreError):
    """Terraform could not be run, or its answer could not be read."""


class StalePlanError(TerraformError):
    """The state has changed since the plan was saved: it must be made again."""


class CloudError(TerraformError):
    """Terraform Cloud refused a call, or did not answer.

    Args:
        status: of HTTP; 0 where there was no answer.
    """

    def __init__(self, message: str, hint: str = "", status: int = 0) -> None:
        super().__init__(message, hint)
        self.status = status

    @property
    def open(self) -> bool:
        """Whether the same read may well succeed later, and a write may have taken effect all the same."""
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


class GitError(LongshoreError):
    """The source tree is not what a release needs."""


class SandboxError(LongshoreError):
    """The local cloud is not running, or can't be started."""
