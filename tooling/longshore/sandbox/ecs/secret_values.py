"""The values of a container's `secrets`, from moto's Parameter Store and Secrets Manager."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from moto.core.exceptions import JsonRESTError, ServiceException
from moto.secretsmanager.models import SecretsManagerBackend, secretsmanager_backends
from moto.ssm.models import ssm_backends

from longshore.sandbox.ecs.runtime import Launch
from longshore.sandbox.ecs.start_errors import StartError, resource_missing, secret_denied

_PARAMETERS = ("ssm", "GetParameters")
_SSM_KEY = "alias/aws/ssm"
_DENIED_KEY = (
    "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not"
    " allowed to access."
)
_PULL = "unable to pull secrets or registry auth: execution resource retrieval failed: "


class SecretValues:
    """Resolves references as the ECS agent does.

    Args:
        account_id: the account of parameters and secrets.
        region: the region of parameters that are referred to by name.
        denies: whether the execution roles may not make a call, by service and operation.
    """

    def __init__(
        self, account_id: str, region: str, denies: Callable[[str, str], bool] = lambda _service, _operation: False
    ) -> None:
        self._account_id = account_id
        self._region = region
        self._denies = denies

    def of(self, launch: Launch, container: Mapping[str, Any]) -> dict[str, str]:
        """The values of the `secrets` of a container definition of a task, by variable.

        Raises:
            StartError: ResourceInitializationError: a value is missing, or may not be read.
        """
        values = {}
        for secret in container.get("secrets") or []:
            reference = secret["valueFrom"]
            service, operation = ("secretsmanager", "GetSecretValue") if _is_secret(reference) else _PARAMETERS
            if self._denies(service, operation):
                raise secret_denied(launch.task, self._arn(reference), str(launch.definition.get("executionRoleArn")))
            values[secret["name"]] = self._value(reference)
        return values

    def _arn(self, reference: str) -> str:
        """The ARN that AWS's error names."""
        if reference.startswith("arn:"):
            return ":".join(reference.split(":")[:7])
        return f"arn:aws:ssm:{self._region}:{self._account_id}:parameter/{reference.removeprefix('/')}"

    def _value(self, reference: str) -> str:
        return self._secret(reference) if _is_secret(reference) else self._parameter(reference)

    def _parameter(self, reference: str) -> str:
        """The value of a parameter, by name or ``arn:aws:ssm:REGION:ACCOUNT:parameter/NAME``."""
        region = reference.split(":")[3] if reference.startswith("arn:") else self._region
        backend = ssm_backends[self._account_id][region]
        parameter = backend.get_parameter(reference)
        if parameter is None:
            detail = f"unable to retrieve secrets from ssm: invalid parameters: {reference}"
            raise resource_missing(_PULL + detail)
        if parameter.keyid not in (None, _SSM_KEY):
            self._decrypt("retrieve secrets from ssm: service call has been retried 1 time(s)", _DENIED_KEY)
        return str(parameter.response_object(decrypt=True, region=region)["Value"])

    def _secret(self, reference: str) -> str:
        """The value of ``arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME[:JSON-KEY[:STAGE[:VERSION]]]``."""
        parts = reference.split(":")
        arn, (key, stage, version) = ":".join(parts[:7]), ([*parts[7:], "", "", ""])[:3]
        backend = secretsmanager_backends[self._account_id][parts[3]]
        try:
            # None selects the current version, although moto's annotations forbid it
            secret = backend.get_secret_value(arn, version or None, stage or None)  # type: ignore[arg-type]
        except (JsonRESTError, ServiceException, KeyError) as error:
            raise _not_from_asm(_refused(arn, error)) from error
        own = getattr(backend.secrets[arn], "kms_key_id", None)  # a replica has no key in moto
        if own not in (None, SecretsManagerBackend.DEFAULT_KMS_KEY_ALIAS):
            self._decrypt(f"retrieve secret from asm: {_fetching(arn)}", "Access to KMS is not allowed")
        text = str(secret.get("SecretString", ""))
        return _field(text, key, arn) if key else text

    def _decrypt(self, call: str, message: str) -> None:
        """Refuse a secret that is encrypted with a customer's key, if the execution roles may not use that.

        AWS's own keys need no permission. The texts are quoted by users (github.com/GiamPy5/terraform-aws-directus,
        issue 10, and github.com/external-secrets/kubernetes-external-secrets, issue 627, for a parameter).
        """
        if self._denies("kms", "Decrypt"):
            request = f"status code: 400, request id: {uuid.uuid4()}"
            raise resource_missing(f"{_PULL}unable to {call}: AccessDeniedException: {message} {request}")


def _is_secret(reference: str) -> bool:
    return reference.startswith("arn:") and reference.split(":")[2] == "secretsmanager"


def _refused(arn: str, error: Exception) -> str:
    """AWS's text about a secret that Secrets Manager refuses; each task has another request."""
    code = getattr(error, "error_type", None) or getattr(error, "code", None) or type(error).__name__
    message = getattr(error, "message", str(error))
    return f"{_fetching(arn)}: {code}: {message} status code: 400, request id: {uuid.uuid4()}"


def _fetching(arn: str) -> str:
    return f"service call has been retried 1 time(s): failed to fetch secret {arn} from secrets manager"


def _field(text: str, key: str, arn: str) -> str:
    try:
        value = json.loads(text)[key]
    except (ValueError, KeyError, TypeError) as error:
        raise _not_from_asm(f"retrieved secret from Secrets Manager did not contain json key {key}: {arn}") from error
    return value if isinstance(value, str) else json.dumps(value)


def _not_from_asm(detail: str) -> StartError:
    return resource_missing(f"{_PULL}unable to retrieve secret from asm: {detail}")
