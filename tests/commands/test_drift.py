from __future__ import annotations

import pytest

from longshore.commands import drift
from longshore.result import Running, ServiceResult
from tests.fakes.samples import arn, deployment, result, service

SERVICE = ServiceResult(name="shop-test-web", wave=1, before=Running(task_definition=arn("shop-test-web", 1), count=2))


@pytest.mark.parametrize(
    ("recorded", "differs"),
    [
        ({"web": SERVICE}, False),
        ({"front": SERVICE}, False),  # its key in the contract has changed
        ({"web": SERVICE.model_copy(update={"name": "shop-test-api"})}, True),  # the key is another service's now
        ({}, True),
    ],
)
def test_a_service_is_known_by_its_name(recorded: dict[str, ServiceResult], *, differs: bool) -> None:
    lines = drift._never_released([service(deployment("ecs-svc/1", "COMPLETED"))], result(services=recorded))
    assert bool(list(lines)) == differs
