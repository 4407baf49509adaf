from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from longshore.errors import UsageError
from longshore.sandbox import control
from longshore.sandbox.api import operations
from longshore.sandbox.api.credentials import Caller
from longshore.sandbox.api.faults import Fault, FaultError, Faults, parse
from longshore.sandbox.api.stale_reads import ReadHistory
from longshore.sandbox.state import State
from tests.sandbox.moto_api import SECRET, Api
from tests.sandbox.test_control import STATE

READ = Caller("k", "ecs", "DescribeServices", "json")
WRITE = Caller("k", "ecs", "UpdateService", "json")


@pytest.fixture
def state(api: Api) -> Iterator[State]:
    """A state for `control`, of an API without faults before and after the test."""
    state = State(**{**STATE.__dict__, "endpoint": api.endpoint, "secret_access_key": SECRET})
    control.clear_faults(state)
    yield state
    control.clear_faults(state)


def code_of(call: Callable[[], Any]) -> tuple[str, int]:
    with pytest.raises(ClientError) as error:
        call()
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def put(api: Api, value: str) -> Any:
    return api.client("ssm").put_parameter(Name="/faults/image_tag", Value=value, Type="String", Overwrite=True)


def read(api: Api) -> str:
    return str(api.client("ssm").get_parameter(Name="/faults/image_tag")["Parameter"]["Value"])


# The affected calls


@pytest.mark.parametrize(
    ("operation", "caller", "strikes"),
    [
        ("ecs:UpdateService", WRITE, True),
        ("ecs:UpdateService", READ, False),
        ("ecs:writes", WRITE, True),
        ("ecs:writes", READ, False),
        ("ecs:reads", READ, True),
        ("ecs:reads", WRITE, False),
        ("ecs:*", READ, True),
        ("ecr:*", READ, False),
    ],
)
def test_a_fault_matches_its_operation(operation: str, caller: Caller, *, strikes: bool) -> None:
    assert Fault(operation, "error").strikes(caller) is strikes


@pytest.mark.parametrize(
    ("limits", "struck"),
    [
        ({}, "xxxxxx"),
        ({"times": 2}, "xx...."),
        ({"skip": 2}, "..xxxx"),
        ({"every": 3}, "..x..x"),
        ({"skip": 1, "every": 2, "times": 2}, "..x.x."),
    ],
)
def test_times_skip_and_every_select_the_affected_calls(limits: dict[str, int], struck: str) -> None:
    fault = Fault("ecs:*", "error", **limits)  # type: ignore[arg-type]
    assert "".join("x" if fault.strikes(READ) else "." for _ in range(6)) == struck


def test_the_oldest_matching_fault_applies() -> None:
    faults = Faults()
    faults.add(Fault("ecs:*", "error", times=1))
    second = faults.add(Fault("ecs:reads", "throttle"))
    chosen = [faults.choose(READ) for _ in range(2)]
    assert [fault.kind for fault in chosen if fault] == ["error", "throttle"]
    assert (faults.clear(second), [row["struck"] for row in faults.rows()]) == (1, [1])


def test_only_a_denial_affects_the_calls_that_ecs_makes_for_tasks() -> None:
    faults = Faults()
    faults.add(Fault("ssm:GetParameters", "throttle", times=1))
    faults.add(Fault("ssm:GetParameters", "denied", times=1))
    asked = [("ssm", "GetParameters"), ("secretsmanager", "GetSecretValue"), ("ssm", "GetParameters")]
    assert [faults.denies("secretsmanager", "GetSecretValue"), *(faults.denies(*call) for call in asked)] == [
        False, True, False, False,
    ]  # fmt: skip
    assert [row["struck"] for row in faults.rows()] == [0, 1]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"kind": "error"}, "operation"),
        ({"operation": "UpdateService", "kind": "error"}, "operation"),
        ({"operation": "ecs:*", "kind": "rain"}, "kind"),
        ({"operation": "ecs:*", "kind": "failures"}, "kind"),
        ({"operation": "ecs:*", "kind": "error", "times": 0}, "times"),
        ({"operation": "ecs:*", "kind": "error", "every": 0}, "every"),
        ({"operation": "ecs:*", "kind": "error", "skip": -1}, "skip"),
        ({"operation": "ecs:*", "kind": "delay"}, "seconds"),
        ({"operation": "ecs:*", "kind": "refuse"}, "code"),
        ({"operation": "ecs:*", "kind": "error", "wind": 1}, "wind"),
    ],
)
def test_an_invalid_fault_is_refused(given: dict[str, Any], named: str) -> None:
    with pytest.raises(FaultError, match=f"^{named}: "):
        parse(given)


# The responses


@pytest.mark.parametrize(
    ("kind", "service", "call", "expected"),
    [
        ("throttle", "ecs", "list_clusters", ("ThrottlingException", 400)),
        ("throttle", "dynamodb", "list_tables", ("ThrottlingException", 400)),
        ("throttle", "sts", "get_caller_identity", ("Throttling", 400)),
        ("throttle", "s3", "list_buckets", ("SlowDown", 503)),
        ("error", "ecs", "list_clusters", ("ServerException", 500)),
        ("error", "ssm", "describe_parameters", ("InternalServerError", 500)),
        ("error", "s3", "list_buckets", ("InternalError", 500)),
        ("expired", "ecs", "list_clusters", ("ExpiredTokenException", 400)),
        ("expired", "sts", "get_caller_identity", ("ExpiredToken", 403)),
        ("denied", "ecs", "list_clusters", ("AccessDeniedException", 400)),
        ("denied", "iam", "list_roles", ("AccessDenied", 403)),
        ("denied", "s3", "list_buckets", ("AccessDenied", 403)),
    ],
)
def test_errors_have_the_format_of_their_service(
    api: Api, state: State, kind: str, service: str, call: str, expected: tuple[str, int]
) -> None:
    control.add_fault(state, {"operation": f"{service}:*", "kind": kind})
    assert code_of(getattr(api.client(service), call)) == expected


def test_a_denial_names_the_action(api: Api, state: State) -> None:
    control.add_fault(state, {"operation": "ecs:ListClusters", "kind": "denied"})
    with pytest.raises(ClientError, match="not authorized to perform: ecs:ListClusters on resource"):
        api.client("ecs").list_clusters()


def test_a_refused_call_has_no_effect_but_the_next_call_has(api: Api, state: State) -> None:
    put(api, "before")
    control.add_fault(
        state, {"operation": "ssm:PutParameter", "kind": "refuse", "code": "TooManyUpdates", "message": "x", "times": 1}
    )
    assert code_of(lambda: put(api, "after")) == ("TooManyUpdates", 400)
    assert read(api) == "before"
    put(api, "after")
    assert read(api) == "after"


def test_a_call_with_a_lost_response_takes_effect(api: Api, state: State) -> None:
    put(api, "before")
    control.add_fault(state, {"operation": "ssm:PutParameter", "kind": "lost", "times": 1})
    with pytest.raises(ConnectionClosedError):
        put(api, "after")
    assert read(api) == "after"


def test_a_delayed_call_takes_effect_before_its_response(api: Api, state: State) -> None:
    control.add_fault(state, {"operation": "ssm:PutParameter", "kind": "delay", "seconds": 0.2, "times": 1})
    begun = time.monotonic()
    put(api, "late")
    assert time.monotonic() - begun >= 0.2
    assert read(api) == "late"


def test_a_stale_read_returns_the_state_before_the_last_change(api: Api, state: State) -> None:
    put(api, "before")
    assert read(api) == "before"
    put(api, "after")
    control.add_fault(state, {"operation": "ssm:GetParameter", "kind": "stale", "times": 2})
    assert [read(api), read(api), read(api)] == ["before", "before", "after"]


def test_a_stale_service_is_returned_in_any_combination() -> None:
    def services(*counts: tuple[str, int]) -> bytes:
        return json.dumps({"services": [{"serviceArn": name, "desiredCount": n} for name, n in counts]}).encode()

    history = ReadHistory()
    history.keep(READ, b"both", services(("web", 1), ("worker", 1)))
    history.changed(WRITE)
    assert history.before(READ, b"one", services(("web", 2))) == services(("web", 1))
    history.keep(READ, b"one", services(("web", 2)))
    history.keep(READ, b"one", services(("web", 3)))
    assert history.before(READ, b"one", services(("web", 4))) == services(("web", 1))
    assert history.before(READ, b"other", services(("new", 5))) == services(("new", 5))


def test_run_task_can_return_failures(api: Api, state: State) -> None:
    control.add_fault(state, {"operation": "ecs:RunTask", "kind": "failures", "message": "RESOURCE:MEMORY"})
    answer = api.client("ecs").run_task(cluster="any", taskDefinition="any")
    assert (answer["tasks"], [failure["reason"] for failure in answer["failures"]]) == ([], ["RESOURCE:MEMORY"])


def test_the_log_names_the_fault_of_a_call(api: Api, state: State) -> None:
    start = control.calls(state)["next"]
    control.add_fault(state, {"operation": "ssm:PutParameter", "kind": "throttle", "times": 1})
    code_of(lambda: put(api, "x"))
    put(api, "y")
    logged = control.calls(state, start)["requests"]
    assert [(call["status"], call["fault"], call["parameters"]["Value"]) for call in logged] == [
        (400, "throttle", "x"),
        (200, "", "y"),
    ]


# Setting faults


def test_faults_are_listed_counted_and_cleared(api: Api, state: State) -> None:
    control.add_fault(state, {"operation": "ssm:PutParameter", "kind": "throttle", "times": 1})
    control.add_fault(state, {"operation": "ecs:*", "kind": "error"})
    code_of(lambda: put(api, "x"))
    rows = control.faults(state)
    assert [(row["operation"], row["kind"], row["times"], row["struck"]) for row in rows] == [
        ("ssm:PutParameter", "throttle", 1, 1),
        ("ecs:*", "error", None, 0),
    ]
    control.clear_faults(state)
    assert control.faults(state) == []


def test_an_invalid_fault_is_refused_with_a_message(state: State) -> None:
    with pytest.raises(UsageError, match="kind: 'rain' is not one of throttle, "):
        control.add_fault(state, {"operation": "ecs:*", "kind": "rain"})
    assert control.faults(state) == []


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site"])
def test_a_web_page_cannot_set_faults(state: State, header: str) -> None:
    fault = json.dumps({"operation": "ecs:*", "kind": "error"}).encode()
    request = urllib.request.Request(f"{state.endpoint}/_sandbox/faults", fault, {header: "http://example.com"})
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request)
    with error.value as answer:
        assert answer.code == 403
    assert control.faults(state) == []


@pytest.mark.parametrize("operation", ["ecs:UpdateService", "ecs:reads", "ecs:writes", "dynamodb:*"])
def test_valid_operations_are_accepted(operation: str) -> None:
    operations.check(operation)


@pytest.mark.parametrize(
    ("operation", "message", "hint"),
    [
        ("ecs:UpdateServices", "operation: ecs has no operation 'UpdateServices'", "Did you mean UpdateService?"),
        ("dynamo:PutItem", "operation: 'dynamo' is not an AWS service", "Did you mean dynamodb?"),
        ("", "operation: '' is not an AWS service", "For example: --operation ecs:UpdateService"),
    ],
)
def test_a_mistyped_operation_is_refused_with_a_suggestion(operation: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        operations.check(operation)
    assert (error.value.message, error.value.hint) == (message, hint)
