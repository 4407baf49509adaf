from __future__ import annotations

import json

import pytest

from longshore.aws.stop_reasons import comparison_key
from longshore.sandbox.ecs.runtime import Launch
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


def value_of(reference: str, task: str = "", denied: str = "") -> str:
    values = SecretValues(ACCOUNT, REGION, lambda service, operation: denied == f"{service}:{operation}")
    launch = Launch(task, "launch", "", "launch", {"executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/path/reader"})
    return values.of(launch, {"secrets": [{"name": "S", "valueFrom": reference}]})["S"]


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


@pytest.mark.parametrize(
    ("reference", "action", "detail"),
    [
        ("/launch/key", "ssm:GetParameters", "secrets from ssm: service call has been retried 1 time(s): Acc"),
        ("{secret}:user::", "secretsmanager:GetSecretValue", "failed to fetch secret {secret} from secrets manager: "),
    ],
)
def test_a_denied_secret_has_the_task_and_the_request_in_its_reason(
    secret_arn: str, reference: str, action: str, detail: str
) -> None:
    """Each task has another reason, as on AWS (github.com/aws/copilot-cli, issue 4504)."""
    reference = reference.replace("{secret}", secret_arn)
    reasons = []
    for task in ("a1", "a1", "b2"):
        with pytest.raises(StartError) as error:
            value_of(reference, task, denied=action)
        assert f":assumed-role/reader/{task} is not authorized to perform: {action}" in error.value.message
        assert detail.replace("{secret}", secret_arn) in error.value.message
        reasons.append(error.value.message)
    assert len(set(reasons)) == 3
    assert value_of(reference, denied="ecr:BatchGetImage")


def test_the_reasons_of_two_tasks_differ_as_on_aws_and_mean_the_same() -> None:
    reasons = []
    for _ in range(2):
        with pytest.raises(StartError) as error:
            value_of(f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:nope-AbCdEf")
        reasons.append(error.value.message)
    assert reasons[0] != reasons[1]
    assert comparison_key(reasons[0]) == comparison_key(reasons[1])
    assert "ResourceNotFoundException: Secrets Manager can't find the specified secret. status code: 400" in reasons[0]


def test_a_denied_key_strikes_secrets_with_a_key_of_the_customer_only(api: Api, secret_arn: str) -> None:
    """Recorded: tests/conformance/recordings/ecs.tasks.toml, a KMS key that may not be used for a secret."""
    key = api.client("kms").create_key()["KeyMetadata"]["KeyId"]
    locked = api.client("secretsmanager").create_secret(Name="launch/locked", SecretString="s", KmsKeyId=key)["ARN"]
    api.client("ssm").put_parameter(Name="/launch/locked", Value="p", Type="SecureString", KeyId=key)
    assert (value_of(locked), value_of("/launch/locked")) == ("s", "p")
    pulling = (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
    )
    expected = {
        locked: "unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret "
        f"{locked} from secrets manager: AccessDeniedException: Access to KMS is not allowed status code: 400",
        "/launch/locked": "unable to retrieve secrets from ssm: service call has been retried 1 time(s): "
        "AccessDeniedException: The ciphertext refers to a customer master key",
    }
    for reference, text in expected.items():
        reasons = []
        for _ in range(2):
            with pytest.raises(StartError) as error:
                value_of(reference, denied="kms:Decrypt")
            reasons.append(error.value.message)
        assert reasons[0].startswith(pulling + text)
        assert reasons[0] != reasons[1]
        assert comparison_key(reasons[0]) == comparison_key(reasons[1])
    assert value_of("/launch/key", denied="kms:Decrypt") == "from-ssm"
    assert value_of(f"{secret_arn}:user::", denied="kms:Decrypt") == "shop"
