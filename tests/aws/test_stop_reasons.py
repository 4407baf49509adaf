"""The reasons of stopped tasks. The texts are re-typed from the sources that are named, with invented names and ids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import botocore.loaders
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longshore.aws.ecs_types import Container, Task
from longshore.aws.stop_reasons import BY_THE_SCHEDULER, NOT_FAILURES, OWN_FAILURES, comparison_key
from tests.fakes.samples import task

Varying = tuple[str, str, str, str]
"""The id of a task, a UUID, an IPv4 address with its port, and the id of an instance."""

_SECRET = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:shop/db-AbCdEf"
_INIT = "ResourceInitializationError: unable to pull secrets or registry auth: "
_RETRIEVAL = f"{_INIT}execution resource retrieval failed: unable to retrieve secret from asm: service call has been"

CAUSES: dict[str, Callable[[Varying], str]] = {
    # New Relic's documentation of its ECS integration: the name of the session is the id of the task.
    "secret denied": lambda v: (
        f"{_RETRIEVAL} retried 1 time(s): Fetching secret data from AWS Secrets Manager in region eu-central-1: secret"
        f" {_SECRET}: AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/shop-execution/{v[0]} is not"
        f" authorized to perform: secretsmanager:GetSecretValue on resource: {_SECRET} status code: 400, request id:"
        f" {v[1]}"
    ),
    "another secret denied": lambda v: CAUSES["secret denied"](v).replace("shop/db", "shop/mail"),
    # GiamPy5/terraform-aws-directus, issue 10.
    "KMS denied": lambda v: (
        f"{_RETRIEVAL} retried {len(v[2]) % 3 + 1} time(s): failed to fetch secret {_SECRET} from secrets manager:"
        f" AccessDeniedException: Access to KMS is not allowed status code: 400, request id: {v[1]}"
    ),
    # A recorded start without a route to ECR.
    "ECR not reachable": lambda v: (
        f"{_INIT}The task cannot pull registry auth from Amazon ECR: There is a connection issue between the task and"
        " Amazon ECR. Check your task network configuration. operation error ECR: GetAuthorizationToken, exceeded"
        " maximum number of attempts, 3, https response error StatusCode: 0, RequestID: , request send failed, Post"
        f' "https://api.ecr.eu-central-1.amazonaws.com/": dial tcp {v[2]}: i/o timeout'
    ),
    "ECR does not resolve": lambda v: (
        CAUSES["ECR not reachable"](v).rpartition("dial tcp")[0] + f"dial tcp: lookup api.ecr on {v[2]}: no such host"
    ),
    # The developer guide, "CannotPullContainer task errors".
    "image not found": lambda v: (
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref"
        " 111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop/web:v9: not found"
    ),
    "another image not found": lambda v: CAUSES["image not found"](v).replace("shop/web", "shop/proxy"),
    "layer not downloaded": lambda v: (
        'CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: Get "https://'
        f"prod-eu-central-1-starport-layer-bucket.s3.eu-central-1.amazonaws.com/3a1b-111122223333-{v[1]}/{v[1]}"
        f'?X-Amz-Security-Token={v[0]}&X-Amz-Signature={v[0]}{v[0]}": dial tcp {v[2]}: i/o timeout'
    ),
    # The developer guide, "Stopped tasks error codes" and "service event messages".
    "load balancer": lambda v: (
        "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-central-1:111122223333:"
        f"targetgroup/shop/{v[0][:16]})"
    ),
    "port of an instance": lambda v: (
        f"service shop (instance {v[3]}) (port {v[2].rpartition(':')[2]}) is unhealthy in (target-group (arn {v[0]}))"
        " due to (reason Health checks failed with these codes: [502])"
    ),
    "another answer": lambda v: CAUSES["port of an instance"](v).replace("502", "404"),
    "container health": lambda v: "Task failed container health checks",
    "memory": lambda v: "OutOfMemoryError: Container killed due to memory usage",
    "exited": lambda v: "Essential container in task exited",
    "network interface": lambda v: (
        f"Timeout waiting for network interface provisioning to complete: eni-{v[0][:17]} in subnet-{v[1][:8]}"
    ),
    "agent": lambda v: (
        f"CannotStartContainerError: Error response from daemon: container {v[0]}{v[0]} failed after 1.{v[2][0]}s at"
        f" 2026-01-02T03:04:0{v[2][0]}.123Z: OCI runtime create failed: no such file: /app/serve"
    ),
    "log group": lambda v: (
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to"
        " create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. (Service:"
        f" AmazonCloudWatchLogs; Status Code: 400; Request ID: {v[1]}; Proxy: null)"
    ),
    "IPv6": lambda v: f"dial tcp [2600:1f14:{v[0][:4]}:{v[0][4:8]}::1]:443: connect: network is unreachable",
}

_hex = st.text("0123456789abcdef", min_size=32, max_size=32)
_byte = st.integers(1, 254)
VARYING: st.SearchStrategy[Varying] = st.tuples(
    _hex,
    st.uuids().map(str),
    st.builds(lambda a, b, c, d, port: f"{a}.{b}.{c}.{d}:{port}", _byte, _byte, _byte, _byte, st.integers(1, 65535)),
    _hex.map(lambda text: f"i-{text[:17]}"),
)


@pytest.mark.parametrize("cause", CAUSES)
@settings(max_examples=30)
@given(first=VARYING, second=VARYING)
def test_tasks_with_one_cause_have_one_key(cause: str, first: Varying, second: Varying) -> None:
    assert comparison_key(CAUSES[cause](first)) == comparison_key(CAUSES[cause](second))


@given(VARYING)
def test_different_causes_have_different_keys(varying: Varying) -> None:
    keys = {comparison_key(text(varying)) for text in CAUSES.values()}
    assert len(keys) == len(CAUSES)


@given(st.text(max_size=300))
def test_a_key_can_be_made_of_any_text(text: str) -> None:
    assert isinstance(comparison_key(text), str)


@pytest.mark.parametrize("limit", [255, 1024])
@pytest.mark.parametrize("left", [20, 30, 36])
def test_a_text_that_ecs_has_cut_has_one_key_wherever_the_cut_is(limit: int, left: int) -> None:
    begun = ("because " * 200)[: limit - left]
    cuts = [f"{begun} dial tcp {address}:443: i/o timeout"[:limit] for address in ("10.0.0.9", "10.100.200.209")]
    assert limit in {len(text) for text in cuts}
    assert len({comparison_key(text) for text in cuts}) == 1


def test_every_stop_code_of_aws_is_judged() -> None:
    model = botocore.loaders.create_loader().load_service_model("ecs", "service-2")
    assert sorted(model["shapes"]["TaskStopCode"]["enum"]) == sorted([*OWN_FAILURES, *BY_THE_SCHEDULER, *NOT_FAILURES])


def failed(text: str, *containers: Container) -> Task:
    return replace(task(*containers, stop_code="TaskFailedToStart", last_status="STOPPED"), stopped_reason=text)


def ended(name: str, code: int, reason: str = "") -> Container:
    return Container(name, "app", None, code, reason)


def test_the_reason_is_shown_in_full() -> None:
    text = CAUSES["load balancer"](("0" * 32, "", "", ""))
    unhealthy = replace(failed(text), stop_code="ServiceSchedulerInitiated")
    assert unhealthy.failure() == text
    assert failed("", ended("web", 3, "no")).failure() == "TaskFailedToStart · web exit code 3, no"


def test_the_first_failing_container_is_part_of_the_cause() -> None:
    web, proxy = failed("exited", ended("web", 1)), failed("exited", ended("proxy", 1))
    assert web.failure_key() != proxy.failure_key()
    assert failed("exited", ended("web", 1)).failure_key() != failed("exited", ended("web", 2)).failure_key()


@pytest.mark.parametrize("code", [0, 137, 143])
def test_a_container_that_ecs_ended_with_the_others_is_not_part_of_the_cause(code: int) -> None:
    alone, beside = failed("exited", ended("web", 1)), failed("exited", ended("proxy", code), ended("web", 1))
    assert beside.failure_key() == alone.failure_key()
    assert failed("", ended("web", 137)).failure_key() != failed("", ended("web", 143)).failure_key()


def test_the_order_of_containers_is_not_part_of_the_cause() -> None:
    one, two = ended("a", 1), ended("b", 2)
    assert failed("", one, two).failure_key() == failed("", two, one).failure_key()
