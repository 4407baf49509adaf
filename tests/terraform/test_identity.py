from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from longshore.aws.sts import Caller
from longshore.errors import ConfigError, TerraformError
from longshore.terminal.console import Console
from longshore.terraform.identity import compare
from longshore.terraform.local import Terraform
from tests.fakes.environments import Identity, environment
from tests.fakes.samples import ACTOR

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
        (plan("other", account="000000000000", assume_role=[{}]), USER),
        ({}, USER),
        ({"configuration": {}, "prior_state": {"values": {}}}, USER),
        ({"configuration": {"root_module": {}}, "prior_state": {"values": {"root_module": {}}}}, USER),
    ],
)
def test_the_same_identity_and_one_chosen_by_the_root_are_accepted(planned: dict[str, Any], arn: str) -> None:
    assert compare(planned, ACCOUNT, arn) == ""


def test_another_account_is_refused() -> None:
    other = "arn:aws:iam::210987654321:user/ann"
    with pytest.raises(ConfigError) as refused:
        compare(plan(other, "210987654321"), ACCOUNT, USER)
    assert refused.value.message == (
        f"Terraform planned for AWS account 210987654321 as {other}, but Longshore acts in {ACCOUNT} as {USER}"
    )
    assert "AWS_PROFILE" in refused.value.hint
    assert "dynamic" in refused.value.hint


def test_a_malformed_plan_names_its_key() -> None:
    with pytest.raises(TerraformError, match=r"the plan\.configuration\.provider_config: must be a mapping"):
        compare(plan(USER) | {"configuration": {"provider_config": ["aws"]}}, ACCOUNT, USER)


@pytest.mark.parametrize("planned", [USER, f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/aws-go-sdk-2"])
def test_another_identity_of_the_account_is_a_warning(planned: str) -> None:
    """A plan does not show a dynamic block of the provider, so the root may have chosen the identity."""
    warning = compare(plan(planned, region={"references": ["var.region"]}), ACCOUNT, ROLE)
    assert warning == f"Terraform planned as {planned}, but Longshore acts as {ROLE}"


def test_a_command_warns_of_another_identity_once(tmp_path: Path) -> None:
    shown = io.StringIO()
    console = Console(io.StringIO(), shown, io.StringIO(), interactive=False)
    access, asked = SimpleNamespace(process_environment=dict), list[Caller]()

    def caller() -> Caller:
        asked.append(Identity().caller())
        return asked[-1]

    aws = SimpleNamespace(identity=SimpleNamespace(caller=caller))
    env = environment(tmp_path, console=console, access=access, aws=aws)
    roles = [f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/aws-go-sdk-{session}" for session in (1, 2)]
    for role in roles:  # each plan of a command has a driver of its own
        terraform = env.terraform
        assert isinstance(terraform, Terraform)
        terraform.inspect(plan(role))
    assert shown.getvalue() == f"warning: Terraform planned as {roles[0]}, but Longshore acts as {ACTOR.arn}\n"
    assert len(asked) == 1
