"""The variables of a build: their precedence, and the values that they refer to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from moto.core.exceptions import JsonRESTError, ServiceException
from moto.secretsmanager.exceptions import SecretNotFoundException
from moto.secretsmanager.models import secretsmanager_backends
from moto.ssm.models import ssm_backends

from longshore.sandbox.codebuild.buildspec import Buildspec

PLAINTEXT, PARAMETER, SECRET = "PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER"
TYPES = (PLAINTEXT, PARAMETER, SECRET)
MASK = "***"

INHERITED = (
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "PIP_INDEX_URL",
    "PIP_CONFIG_FILE",
    "PIP_CACHE_DIR",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
)
"""The variables that a build inherits from the server: only those for network access."""


class MissingValueError(Exception):
    """A variable refers to a missing parameter or secret.

    Attributes:
        code: the status code of the phase's context.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Values:
    """The values of a build's variables, and the secret ones among them, which the log must not show."""

    values: Mapping[str, str]
    secret: tuple[str, ...]


def inherited() -> dict[str, str]:
    """The variables that a build inherits from the server."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ}


def merge(project: Iterable[Mapping[str, str]], overrides: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """The project's variables with the overrides of StartBuild, each with a type, in the AWS API's format."""
    merged = {variable["name"]: dict(variable) for variable in [*project, *overrides]}
    return [{"type": PLAINTEXT, **variable} for variable in merged.values()]


def resolve(merged: Iterable[Mapping[str, str]], buildspec: Buildspec, account_id: str, region: str) -> Values:
    """The values of all variables; the project's and StartBuild's override those of the buildspec.

    Args:
        merged: the variables of project and StartBuild.
        buildspec: the build's buildspec.
        account_id: the account of parameters and secrets.
        region: the region of parameters and secrets that are named without it.

    Raises:
        MissingValueError: a parameter or a secret does not exist.
    """
    references = {name: (PLAINTEXT, value) for name, value in buildspec.variables.items()}
    references |= {name: (PARAMETER, value) for name, value in buildspec.parameters.items()}
    references |= {name: (SECRET, value) for name, value in buildspec.secrets.items()}
    references |= {variable["name"]: (variable["type"], variable.get("value", "")) for variable in merged}
    read = {PLAINTEXT: lambda value, *_: value, PARAMETER: _parameter, SECRET: _secret}
    values = {name: read[kind](value, account_id, region) for name, (kind, value) in references.items()}
    return Values(values, tuple(values[name] for name, (kind, _) in references.items() if kind != PLAINTEXT))


def _parameter(name: str, account_id: str, region: str) -> str:
    parameter = ssm_backends[account_id][region].get_parameter(name)
    if parameter is None:
        raise MissingValueError("Decrypted Variables Error", f"parameter does not exist: {name}")
    return str(parameter.response_object(decrypt=True, region=region)["Value"])


def _secret(reference: str, account_id: str, region: str) -> str:
    """The value of a secret ``NAME-OR-ARN[:JSON-KEY[:STAGE[:VERSION]]]``."""
    parts = reference.split(":")
    length = 7 if reference.startswith("arn:") else 1
    name, (key, stage, version) = ":".join(parts[:length]), ([*parts[length:], "", "", ""])[:3]
    backend = secretsmanager_backends[account_id][region]
    try:
        # None selects the current version, although moto's annotations forbid it
        secret = backend.get_secret_value(name, version or None, stage or None)  # type: ignore[arg-type]
    except (JsonRESTError, ServiceException, KeyError) as error:
        missing = SecretNotFoundException()  # AWS's message, of which only the name is ours
        message = f"{missing.error_type}: {missing.message} ({name})"
        raise MissingValueError("Secrets Manager Error", message) from error
    text = str(secret.get("SecretString", ""))
    return _field(text, key, name) if key else text


def _field(text: str, key: str, name: str) -> str:
    try:
        value: Any = json.loads(text)[key]
    except (ValueError, KeyError, TypeError) as error:
        raise MissingValueError("Secrets Manager Error", f"secret {name} has no JSON key {key}") from error
    return value if isinstance(value, str) else json.dumps(value)
