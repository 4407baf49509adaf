from __future__ import annotations

import pytest

from longshore.errors import UsageError
from longshore.sandbox.fault_spec import FaultSpec, parse


@pytest.mark.parametrize(
    ("options", "spec"),
    [
        ({}, FaultSpec()),
        ({"operation": None, "window": None}, FaultSpec()),
        (
            {"operation": "ecs:UpdateService", "kind": "delay", "times": "3", "seconds": "0.5", "code": None},
            FaultSpec({"operation": "ecs:UpdateService", "kind": "delay", "times": 3, "seconds": 0.5}),
        ),
        ({"window": "2.5"}, FaultSpec(rollback_window=2.5)),
        ({"window": "0"}, FaultSpec(rollback_window=0.0)),
        ({"operation": "cloud:queued"}, FaultSpec(terraform_cloud=("queued",))),
        (
            {"operation": "cloud:queued", "times": "2", "window": "1"},
            FaultSpec(terraform_cloud=("queued", "queued"), rollback_window=1.0),
        ),
    ],
)
def test_options_are_parsed(options: dict[str, str | None], spec: FaultSpec) -> None:
    assert parse(options) == spec


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"times": "often"}, "times: 'often' is not a whole number"),
        ({"seconds": "soon"}, "seconds: 'soon' is not a number of seconds"),
        ({"window": "long"}, "window: 'long' is not a number of seconds"),
        ({"operation": "ecs:UpdateServices"}, "operation: ecs has no operation 'UpdateServices'"),
    ],
)
def test_an_invalid_option_is_named(options: dict[str, str | None], message: str) -> None:
    with pytest.raises(UsageError) as error:
        parse(options)
    assert error.value.message == message
