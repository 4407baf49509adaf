"""Answers that are not as AWS documents them: one error with the operation and the path of the key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from longshore.aws.ecr import Ecr
from longshore.aws.ecs import Ecs
from longshore.errors import AwsError
from tests.fuzz.aws import answering


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({}, "the answer of ECS DescribeServices has no 'services'"),
        ({"services": [{}]}, "the answer of ECS DescribeServices has no 'services[0].serviceName'"),
        ({"services": "x"}, "the answer of ECS DescribeServices cannot be read (AttributeError: "),
        ([], "the answer of ECS DescribeServices cannot be read (AttributeError: "),
        (
            {"services": [{"serviceName": 5}]},
            "the answer of ECS DescribeServices has 5 as 'services[0].serviceName', but AWS documents a string",
        ),
        (
            {"services": [{"serviceName": "web", "status": "ACTIVE", "desiredCount": True}]},
            "the answer of ECS DescribeServices has True as 'services[0].desiredCount', but AWS documents a whole",
        ),
        ({"services": []}, "ECS DescribeServices answered without web"),
    ],
)
def test_a_malformed_answer_names_operation_and_key(answer: Any, problem: str) -> None:
    connection, bodies = answering("ecs")
    bodies[:] = [json.dumps(answer).encode()]
    with pytest.raises(AwsError) as caught:
        Ecs(connection).services("shop", ["web"])
    assert caught.value.message.startswith(problem)
    assert "proxy" in caught.value.hint
    assert not caught.value.transient


def test_an_empty_list_that_must_have_an_item() -> None:
    connection, bodies = answering("ecr")
    bodies[:] = [b'{"imageDetails": []}']
    with pytest.raises(AwsError, match=r"the answer of ECR DescribeImages has an empty list 'imageDetails'"):
        Ecr(connection).digest("shop/app", "v1.0.0")
    bodies[:] = [b'{"authorizationData": [{"authorizationToken": "secret", "proxyEndpoint": "x"}]}']
    with pytest.raises(AwsError, match=r"^the token of ECR GetAuthorizationToken is not in base64$"):
        Ecr(connection).credentials()
