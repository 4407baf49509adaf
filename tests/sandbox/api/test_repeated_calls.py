"""A mutating call takes effect once, however often the client repeats it."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable
from typing import Any

import pytest

from longshore.sandbox.api.fault_injection import FAULT_KIND
from longshore.sandbox.api.repeated_calls import RepeatedCalls
from longshore.sandbox.serving import Environ, StartResponse

CREATE = b"Action=CreateRole&RoleName=shop&Version=2010-05-08"


def request(number: str = "1", body: bytes = CREATE, **more: str) -> Environ:
    """A request of IAM, signed by name only."""
    scope = "AWS4-HMAC-SHA256 Credential=KEY/20260102/us-east-1/iam/aws4_request"
    return {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/", "QUERY_STRING": "", "HTTP_AUTHORIZATION": scope,
        "CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body), **({"HTTP_AMZ_SDK_INVOCATION_ID": number} if number else {}), **more,
    }  # fmt: skip


class Roles:
    """Creates a role once; ``statuses`` come first. A call waits until it is ``open``."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.calls = 0
        self.open = threading.Event()
        self.open.set()

    def __call__(self, _: Environ, start_response: StartResponse) -> Iterable[bytes]:
        self.calls += 1
        number = self.calls
        self.open.wait(10)
        status = self.statuses.pop(0) if self.statuses else 200 if number == 1 else 409
        start_response(f"{status} x", [("Content-Type", "text/xml"), ("x-amzn-requestid", str(number))])
        return [b"<answer/>"]


def ask(application: RepeatedCalls, environ: Environ) -> tuple[int, str]:
    """The status, and the number of the call that gave the answer."""
    seen: list[Any] = []
    body = application(environ, lambda status, headers: seen.append((int(status[:3]), dict(headers))))
    assert b"".join(body) == b"<answer/>"
    status, headers = seen[0]
    return status, headers["x-amzn-requestid"]


def test_a_repeated_call_gets_the_answer_of_the_first_attempt() -> None:
    roles = Roles()
    application = RepeatedCalls(roles)
    assert [ask(application, request()) for _ in range(3)] == [(200, "1")] * 3
    assert roles.calls == 1


def test_an_attempt_waits_for_the_one_before_it() -> None:
    roles = Roles()
    roles.open.clear()
    application, answers = RepeatedCalls(roles), list[tuple[int, str]]()
    attempts = [threading.Thread(target=lambda: answers.append(ask(application, request()))) for _ in range(2)]
    for attempt in attempts:
        attempt.start()
    roles.open.set()
    for attempt in attempts:
        attempt.join(10)
    assert answers == [(200, "1")] * 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (request("1"), request("2")),  # another call
        (request(""), request("")),  # a client that is no SDK of AWS
        (request(HTTP_AUTHORIZATION="x Credential=A/20260102/us-east-1/iam/aws4_request"), request()),
        ({**request(), FAULT_KIND: "lost"}, request()),  # as on AWS
    ],
)
def test_other_calls_take_effect_each(first: Environ, second: Environ) -> None:
    application = RepeatedCalls(Roles())
    assert [ask(application, first), ask(application, second)] == [(200, "1"), (409, "2")]


def test_a_read_is_answered_again() -> None:
    application, body = RepeatedCalls(Roles(200, 200)), b"Action=GetRole&RoleName=shop&Version=2010-05-08"
    assert [ask(application, request(body=body)) for _ in range(2)] == [(200, "1"), (200, "2")]


def test_a_call_that_failed_on_the_server_is_made_again() -> None:
    application = RepeatedCalls(Roles(500, 200))
    assert [ask(application, request()) for _ in range(3)] == [(500, "1"), (200, "2"), (200, "2")]
