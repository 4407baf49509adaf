"""The AWS variables that boto3 and Terraform get."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES

from longshore.aws.process_environment import (
    CREDENTIALS,
    HARMLESS,
    LEFT_OUT,
    NETWORK,
    process_environment,
    refuse_ambiguous,
)
from longshore.errors import ConfigError

REGION = {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1"}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAOWN", "AWS_SECRET_ACCESS_KEY": "own"}
ENDPOINT = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
DECIDED = {"AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}


def botocores() -> Iterable[str]:
    for _, variables, _, _ in BOTOCORE_DEFAUT_SESSION_VARIABLES.values():
        yield from [variables] if isinstance(variables, str) else variables or ()


def test_each_variable_that_botocore_reads_is_decided() -> None:
    others = {"AWS_DEFAULT_PROFILE", "AWS_DEFAULT_REGION", "BOTOCORE_TCP_KEEPALIVE"}
    assert set(botocores()) - CREDENTIALS - NETWORK - HARMLESS - LEFT_OUT.keys() == others


@pytest.mark.parametrize("name", sorted(LEFT_OUT))
def test_a_variable_that_only_one_half_reads_is_left_out(name: str) -> None:
    assert process_environment({name: "x", "HOME": "/home/ann"}, REGION) == {"HOME": "/home/ann", **DECIDED, **REGION}


def test_your_sign_in_is_passed_on() -> None:
    environ = dict.fromkeys(CREDENTIALS | NETWORK, "x") | {"AWS_VAULT_BACKEND": "file"}
    assert process_environment(environ, REGION) == {**environ, **DECIDED, **REGION}


def test_the_old_name_of_the_profile_is_passed_on_by_its_new_one() -> None:
    assert process_environment({"AWS_DEFAULT_PROFILE": "ops"}, REGION) == {"AWS_PROFILE": "ops", **DECIDED, **REGION}


@pytest.mark.parametrize("name", ["AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_CA_BUNDLE", "AWS_SESSION_TOKEN"])
def test_an_empty_variable_counts_as_unset(name: str) -> None:
    assert process_environment({name: ""}, REGION) == {**DECIDED, **REGION}


def test_an_environment_with_its_own_keys_takes_nothing_of_your_session() -> None:
    environ = dict.fromkeys(CREDENTIALS | NETWORK, "x")
    assert process_environment(environ, {**REGION, **KEYS, **ENDPOINT}) == {
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        **REGION,
        **KEYS,
        **ENDPOINT,
    }


def test_no_endpoint_of_aws_is_asked_for_beside_our_own() -> None:
    """Terraform's S3 backend would take "false" for true."""
    environ = {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "false"}
    assert not {*process_environment(environ, {**REGION, **ENDPOINT})} & {*environ}


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"AWS_PROFILE": "one", "AWS_DEFAULT_PROFILE": "two"}, "AWS_PROFILE is one but AWS_DEFAULT_PROFILE is two"),
        ({"AWS_ACCESS_KEY_ID": "AKIA"}, "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ({"AWS_SECRET_ACCESS_KEY": "x"}, "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ({**KEYS, "AWS_SECURITY_TOKEN": "old", "AWS_SESSION_TOKEN": "new"}, "AWS_SECURITY_TOKEN"),
        ({**KEYS, "AWS_SECURITY_TOKEN": "old"}, "AWS_SECURITY_TOKEN"),
        ({"AWS_CA_BUNDLE": "/no/such"}, "AWS_CA_BUNDLE names /no/such, which does not exist"),
        ({"REQUESTS_CA_BUNDLE": ""}, "REQUESTS_CA_BUNDLE is set but empty"),
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "/no/such"}, "AWS_WEB_IDENTITY_TOKEN_FILE names /no/such"),
    ],
)
def test_variables_that_would_split_the_halves_are_refused_by_name(environ: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError) as refused:
        refuse_ambiguous(environ)
    assert named in refused.value.message


def test_variables_that_agree_are_not_refused(tmp_path: Path) -> None:
    files = {"AWS_CA_BUNDLE": str(tmp_path), "AWS_SHARED_CREDENTIALS_FILE": "/no/such", "AWS_CONFIG_FILE": "/no/such"}
    same = {"AWS_PROFILE": "one", "AWS_DEFAULT_PROFILE": "one"}
    tokens = {"AWS_SECURITY_TOKEN": "x", "AWS_SESSION_TOKEN": "x"}
    refuse_ambiguous({**KEYS, **files, **same, **tokens})
