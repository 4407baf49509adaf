"""The health of the targets of a service: a target group's check, its outcomes, and the states that they lead to.

Rules: "Health checks for Application Load Balancer target groups" and the page of the same name for Network Load
Balancers (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html), and the
reason codes of botocore's model (elbv2, TargetHealth.Reason).
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["initial", "healthy", "unhealthy", "draining"]

Address = tuple[str, int]


@dataclass(frozen=True)
class Check:
    """The health check of a target group.

    Attributes:
        group: ARN of the target group.
        protocol: HTTP, HTTPS or TCP.
        path: of the request; not for TCP.
        port: the port that is asked; None for the one that receives requests.
        codes: the status codes that are expected; not for TCP.
        interval: seconds between two checks.
        timeout: seconds within which an answer has to come.
        healthy: checks that an unhealthy target must pass in a row.
        unhealthy: checks that a target must fail in a row to be unhealthy.
        network: whether it is a target group of a Network Load Balancer.
        target_type: ``ip`` or ``instance``.
    """

    group: str
    protocol: Literal["HTTP", "HTTPS", "TCP"] = "HTTP"
    path: str = "/"
    port: int | None = None
    codes: tuple[range, ...] = (range(200, 201),)
    interval: float = 30.0
    timeout: float = 6.0
    healthy: int = 5
    unhealthy: int = 2
    network: bool = False
    target_type: str = "ip"

    def expects(self, status: int) -> bool:
        """Whether a status code passes the check."""
        return any(status in codes for codes in self.codes)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a check: without a reason code, it was passed.

    ``silent`` is set if nothing accepted the connection; asking such a target again leaves no trace in its log.
    """

    reason: str = ""
    description: str = ""
    silent: bool = False


PASSED = Outcome()
# The words of events and of DescribeTargetHealth, as recorded in public logs of deployments.
REFUSED = Outcome("Target.FailedHealthChecks", "Health checks failed", silent=True)
TIMED_OUT = Outcome("Target.Timeout", "Request timed out")
_REGISTERING = ("Elb.RegistrationInProgress", "Target registration is in progress")
_CHECKING = ("Elb.InitialHealthChecking", "Initial health checks in progress")
_DRAINING = ("Target.DeregistrationInProgress", "Target deregistration is in progress")


def answered(check: Check, status: int) -> Outcome:
    """The outcome of a check that was answered with a status code."""
    if check.expects(status):
        return PASSED
    return Outcome("Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]")


@dataclass
class Target:
    """A port of a task, registered in a target group.

    Attributes:
        group: ARN of the target group.
        container: name of the container.
        port: container port.
        reason: the reason code of its state; empty if it is healthy.
        asking: whether a check is under way.
    """

    group: str
    container: str
    port: int
    state: State = "initial"
    reason: str = _REGISTERING[0]
    description: str = _REGISTERING[1]
    asking: bool = False
    _passed: int = field(default=0, init=False)
    _failed: int = field(default=0, init=False)
    _counted_at: float | None = field(default=None, init=False)
    _silent: bool = field(default=False, init=False)

    def is_due(self, check: Check, now: float) -> bool:
        """Whether the target is to be checked now.

        A new target on which nothing listens yet is asked at every step, so that a service is not slower here than its
        application. Failures count at the interval of the check only.
        """
        if self.asking or self.state == "draining":
            return False
        return self._counts(check, now) or (self.state == "initial" and self._silent)

    def observe(self, outcome: Outcome, check: Check, now: float, *, first: int) -> None:
        """Take the outcome of a check into account.

        Args:
            outcome: the outcome.
            check: the target group's check.
            now: the time.
            first: checks that a new target must pass in a row.
        """
        self.asking = False
        if self.state == "draining" or (outcome.reason and not self._counts(check, now)):
            return
        self._counted_at, self._silent = now, outcome.silent
        self._passed, self._failed = (0, self._failed + 1) if outcome.reason else (self._passed + 1, 0)
        if self._passed >= (first if self.state == "initial" else check.healthy):
            self._enter("healthy")
        elif self._failed >= check.unhealthy:
            self._enter("unhealthy", outcome.reason, outcome.description)
        elif self.state == "initial":
            self._enter("initial", *_CHECKING)

    def drain(self) -> None:
        """Begin to deregister it."""
        self._enter("draining", *_DRAINING)

    def _counts(self, check: Check, now: float) -> bool:
        return self._counted_at is None or now - self._counted_at >= check.interval

    def _enter(self, state: State, reason: str = "", description: str = "") -> None:
        self.state, self.reason, self.description = state, reason, description


def check_of(group: Any) -> Check:
    """The check of one of moto's target groups, with the defaults of the ELB API (CreateTargetGroup).

    A check by gRPC is played as one by TCP.
    """
    network = group.protocol not in ("HTTP", "HTTPS")
    protocol = group.health_check_protocol
    grpc = (group.protocol_version or "") == "GRPC"
    port = str(group.health_check_port or "traffic-port")
    return Check(
        group.arn,
        protocol="TCP" if grpc or protocol not in ("HTTP", "HTTPS") else protocol,
        path=group.health_check_path or "/",
        port=int(port) if port.isdecimal() else None,
        codes=_codes(getattr(group, "matcher", None), "200-399" if network else "200"),
        interval=float(group.health_check_interval_seconds),
        timeout=float(group.health_check_timeout_seconds),
        healthy=int(group.healthy_threshold_count),
        unhealthy=int(group.unhealthy_threshold_count),
        network=network,
        target_type=group.target_type,
    )


def ask(address: Address, check: Check) -> Outcome:
    """Check a target over HTTP or HTTPS, whose certificate may be any.

    Args:
        address: host and published port.
        check: the target group's check.
    """
    if check.protocol == "HTTPS":
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            *address, timeout=check.timeout, context=context
        )
    else:
        connection = http.client.HTTPConnection(*address, timeout=check.timeout)
    try:
        connection.request("GET", check.path, headers={"User-Agent": "ELB-HealthChecker/2.0", "Connection": "close"})
        return answered(check, connection.getresponse().status)
    except TimeoutError:
        return TIMED_OUT
    except (OSError, http.client.HTTPException):
        return REFUSED
    finally:
        connection.close()


def _codes(matcher: Mapping[str, Any] | None, default: str) -> tuple[range, ...]:
    """The codes of a matcher such as ``200,202`` or ``200-299``."""
    pairs = [part.strip().partition("-") for part in str((matcher or {}).get("HttpCode") or default).split(",")]
    return tuple(range(int(low), int(high or low) + 1) for low, _, high in pairs)
