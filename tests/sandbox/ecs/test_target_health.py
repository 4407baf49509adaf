from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from longshore.sandbox.ecs.target_health import (
    PASSED,
    REFUSED,
    TIMED_OUT,
    Check,
    Outcome,
    Target,
    answered,
    ask,
    check_of,
)
from longshore.sandbox.ecs.target_registration import outcome_of

GROUP = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/0a1b2c3d4e5f6071"
CHECK = Check(GROUP, interval=30, healthy=3, unhealthy=2)
NOT_FOUND = answered(CHECK, 404)


def group(**given: Any) -> Any:
    """One of moto's target groups."""
    defaults = {
        "arn": GROUP,
        "protocol": "HTTP",
        "protocol_version": "HTTP1",
        "health_check_protocol": "HTTP",
        "health_check_port": "traffic-port",
        "health_check_path": None,
        "health_check_interval_seconds": 30,
        "health_check_timeout_seconds": 10,
        "healthy_threshold_count": "5",
        "unhealthy_threshold_count": "2",
        "matcher": None,
        "target_type": "ip",
    }
    return SimpleNamespace(**{**defaults, **given})


def test_the_check_of_a_group_has_its_settings() -> None:
    check = check_of(group(health_check_path="/health", matcher={"HttpCode": "200,301-303"}, health_check_port="9000"))
    assert (check.path, check.port, check.interval, check.timeout) == ("/health", 9000, 30.0, 10.0)
    assert (check.healthy, check.unhealthy, check.network) == (5, 2, False)
    assert [status for status in range(200, 500) if check.expects(status)] == [200, 301, 302, 303]


@pytest.mark.parametrize(
    ("given", "protocol", "codes"),
    [
        ({}, "HTTP", [200]),
        ({"health_check_protocol": "HTTPS"}, "HTTPS", [200]),
        ({"protocol": "TCP", "health_check_protocol": "TCP"}, "TCP", range(200, 400)),
        ({"protocol": "UDP", "health_check_protocol": "UDP"}, "TCP", range(200, 400)),
        ({"protocol": "TCP", "health_check_protocol": "HTTP"}, "HTTP", range(200, 400)),
        ({"protocol_version": "GRPC", "matcher": {"GrpcCode": "12"}}, "TCP", [200]),
    ],
)
def test_a_check_has_the_defaults_of_its_protocol(given: dict[str, Any], protocol: str, codes: Any) -> None:
    check = check_of(group(**given))
    assert check.protocol == protocol
    assert [status for status in range(100, 600) if check.expects(status)] == list(codes)


def after(*outcomes: tuple[float, Outcome], first: int = 1) -> Target:
    """A target after outcomes at their times."""
    target = Target(GROUP, "web", 8080)
    for moment, outcome in outcomes:
        target.observe(outcome, CHECK, moment, first=first)
    return target


def test_a_new_target_is_healthy_after_one_check() -> None:
    assert (Target(GROUP, "web", 8080).state, Target(GROUP, "web", 8080).reason) == (
        "initial",
        "Elb.RegistrationInProgress",
    )
    target = after((0, PASSED))
    assert (target.state, target.reason, target.description) == ("healthy", "", "")


def test_a_new_target_may_have_to_pass_more_checks() -> None:
    assert after((0, PASSED), (30, PASSED), first=3).reason == "Elb.InitialHealthChecking"
    assert after((0, PASSED), (30, PASSED), (60, PASSED), first=3).state == "healthy"


def test_a_target_is_unhealthy_after_so_many_failures_in_a_row() -> None:
    assert after((0, NOT_FOUND)).state == "initial"
    target = after((0, NOT_FOUND), (30, NOT_FOUND))
    assert (target.state, target.reason, target.description) == (
        "unhealthy",
        "Target.ResponseCodeMismatch",
        "Health checks failed with these codes: [404]",
    )
    assert after((0, PASSED), (30, NOT_FOUND), (60, PASSED), (90, NOT_FOUND)).state == "healthy"
    assert after((0, PASSED), (30, TIMED_OUT), (60, TIMED_OUT)).reason == "Target.Timeout"


def test_an_unhealthy_target_must_pass_so_many_checks_in_a_row() -> None:
    sick = ((0, REFUSED), (30, REFUSED), (60, PASSED), (90, PASSED))
    assert after(*sick).state == "unhealthy"
    assert after(*sick, (120, PASSED)).state == "healthy"
    assert after(*sick, (120, REFUSED), (150, PASSED)).state == "unhealthy"


def test_a_new_target_that_does_not_listen_is_asked_again_at_once_and_failures_count_at_the_interval() -> None:
    target = after((0, REFUSED), (0.2, REFUSED), (0.4, REFUSED), (29.9, REFUSED))
    assert (target.state, target.is_due(CHECK, 29.95)) == ("initial", True)
    target.observe(PASSED, CHECK, 29.95, first=1)
    assert (target.state, target.is_due(CHECK, 30.1), target.is_due(CHECK, 59.95)) == ("healthy", False, True)
    answers = after((0, NOT_FOUND))
    assert (answers.is_due(CHECK, 0.2), answers.is_due(CHECK, 30)) == (False, True)


def test_a_draining_target_is_not_checked() -> None:
    target = after((0, PASSED))
    target.drain()
    target.observe(NOT_FOUND, CHECK, 30, first=1)
    assert (target.state, target.reason, target.is_due(CHECK, 90)) == (
        "draining",
        "Target.DeregistrationInProgress",
        False,
    )


@contextmanager
def server(status: int) -> Iterator[tuple[tuple[str, int], list[tuple[str, str]]]]:
    """An HTTP server with this answer; yields its address, and the paths and user agents that it has seen."""
    seen: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers["User-Agent"]))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield ("127.0.0.1", listening.server_port), seen
        listening.shutdown()
        thread.join()


def test_a_check_asks_the_path_and_compares_the_status() -> None:
    check = Check(GROUP, path="/health?deep=1", codes=(range(200, 300),))
    with server(204) as (address, seen):
        assert outcome_of(address, check) == PASSED
        assert seen == [("/health?deep=1", "ELB-HealthChecker/2.0")]
    with server(301) as (address, _):
        assert ask(address, check) == Outcome(
            "Target.ResponseCodeMismatch", "Health checks failed with these codes: [301]"
        )


def test_no_answer_is_a_timeout_and_no_connection_a_failed_check() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = silent.getsockname()[:2]
        assert ask(address, Check(GROUP, timeout=0.1)) == TIMED_OUT
        assert outcome_of(address, Check(GROUP, protocol="TCP")) == PASSED
    assert ask(address, Check(GROUP)) == REFUSED
    assert outcome_of(address, Check(GROUP, protocol="TCP")) == REFUSED
