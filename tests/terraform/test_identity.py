from __future__ import annotations

from typing import Any

import pytest

from longshore.errors import ConfigError
from longshore.terraform.identity import refuse_other

ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
ROLE = f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/botocore-session-1"


def plan(arn: str, account: str = ACCOUNT, key: str = "aws", **expressions: Any) -> dict[str, Any]:
    address = {"address": "data.aws_caller_identity.current", "mode": "data", "type": "aws_caller_identity"}
    return {
        "configuration": {
            "provider_config": {"aws": {"name": "aws", "expressions": expressions}},
            "root_module": {"resources": [{**address, "provider_config_key": key}]},
        },
        "prior_state": {
            "values": {"root_module": {"resources": [{**address, "values": {"account_id": account, "arn": arn}}]}}
        },
    }


@pytest.mark.parametrize(
    ("planned", "arn"),
    [
        (plan(USER), USER),
        (plan(f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/aws-go-sdk-2"), ROLE),
        (plan(USER, assume_role=[{}]), ROLE),
        (plan(USER, profile={"constant_value": "deploy"}), ROLE),
        (plan("other", account="000000000000", key="aws.dns"), USER),
        ({}, USER),
        ({"configuration": {}, "prior_state": {"values": {}}}, USER),
        ({"configuration": {"root_module": {}}, "prior_state": {"values": {"root_module": {}}}}, USER),
    ],
)
def test_the_same_identity_and_one_chosen_by_the_root_are_accepted(planned: dict[str, Any], arn: str) -> None:
    refuse_other(planned, ACCOUNT, arn)


@pytest.mark.parametrize("chosen", [{}, {"assume_role": [{}]}])
def test_another_account_is_refused(chosen: dict[str, Any]) -> None:
    other = "arn:aws:iam::210987654321:user/ann"
    with pytest.raises(ConfigError) as refused:
        refuse_other(plan(other, "210987654321", **chosen), ACCOUNT, USER)
    assert refused.value.message == (
        f"Terraform planned for AWS account 210987654321 as {other}, but Longshore acts in {ACCOUNT} as {USER}"
    )


@pytest.mark.parametrize("planned", [USER, f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/aws-go-sdk-2"])
def test_another_identity_is_refused(planned: str) -> None:
    with pytest.raises(ConfigError) as refused:
        refuse_other(plan(planned, region={"references": ["var.region"]}), ACCOUNT, ROLE)
    assert refused.value.message == f"Terraform planned as {planned}, but Longshore acts as {ROLE}"
    assert "AWS_PROFILE" in refused.value.hint
