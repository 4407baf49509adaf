"""Errors of Parameter Store and EventBridge in AWS's words."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.moto_api import Api


@pytest.mark.parametrize(
    ("service", "operation", "given", "code", "message"),
    [
        ("ssm", "get_parameter", {"Name": "/none"}, "ParameterNotFound", ""),
        (
            "events",
            "describe_rule",
            {"Name": "none"},
            "ResourceNotFoundException",
            "Rule none does not exist on EventBus default.",
        ),
        (
            "events",
            "describe_rule",
            {"Name": "none", "EventBusName": "lost"},
            "ResourceNotFoundException",
            "Event bus lost does not exist.",
        ),
    ],
)
def test_an_error_has_the_words_of_aws(
    api: Api, service: str, operation: str, given: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(ClientError) as error:
        getattr(api.client(service), operation)(**given)
    assert (error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]) == (code, message)
