from __future__ import annotations

import json

import pytest

from longshore.sandbox.ecs.secret_values import SecretValues
from longshore.sandbox.ecs.start_errors import StartError
from tests.sandbox.moto_api import REGION, Api

ACCOUNT = "123456789012"


@pytest.fixture(scope="module")
def secret_arn(api: Api) -> str:
    """A secret of two fields, and a parameter /launch/key."""
    api.client("ssm").put_parameter(Name="/launch/key", Value="from-ssm", Type="SecureString")
    text = json.dumps({"user": "shop", "port": 5432})
    return str(api.client("secretsmanager").create_secret(Name="launch/database", SecretString=text)["ARN"])


def value_of(reference: str) -> str:
    return SecretValues(ACCOUNT, REGION).of({"secrets": [{"name": "S", "valueFrom": reference}]})["S"]


def test_secrets_are_resolved_by_name_arn_and_key(secret_arn: str) -> None:
    assert value_of("/launch/key") == "from-ssm"
    assert value_of(f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/launch/key") == "from-ssm"
    assert json.loads(value_of(secret_arn)) == {"user": "shop", "port": 5432}
    assert value_of(f"{secret_arn}:user::") == "shop"
    assert value_of(f"{secret_arn}:port::") == "5432"
    assert value_of(f"{secret_arn}:user:AWSCURRENT:") == "shop"


@pytest.mark.parametrize(
    "reference",
    ["/launch/nope", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:nope-AbCdEf", "{secret}:nope::"],
)
def test_a_missing_secret_is_named(secret_arn: str, reference: str) -> None:
    with pytest.raises(StartError, match=r"^ResourceInitializationError: unable to pull secrets") as error:
        value_of(reference.replace("{secret}", secret_arn))
    assert "nope" in error.value.message
