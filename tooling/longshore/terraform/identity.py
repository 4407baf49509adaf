"""The AWS identity behind a plan, compared with the one that boto3 has: both change the same environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from longshore.errors import ConfigError
from longshore.terraform.documents import Document, Text, parse

_TYPE = "aws_caller_identity"
_PROVIDER = "aws"
_CHOSEN = (
    "access_key",
    "assume_role",
    "assume_role_with_web_identity",
    "profile",
    "shared_config_files",
    "shared_credentials_files",
)
"""Arguments of the provider block with which a root chooses another identity on purpose.

https://registry.terraform.io/providers/hashicorp/aws/latest/docs#argument-reference
"""
_HINT = (
    "Check the AWS variables of this shell (AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_ROLE_ARN and"
    " AWS_WEB_IDENTITY_TOKEN_FILE) and the provider block. A plan does not show a dynamic block in it: if yours is"
    " meant to act in another account, write assume_role without dynamic."
)


class _Provider(Document):
    expressions: dict[str, Any] | None = None


class _Resource(Document):
    address: Text | None = None
    mode: Text | None = None
    type: Text | None = None
    provider_config_key: Text | None = None
    values: Any = None

    @property
    def is_identity(self) -> bool:
        return self.mode == "data" and self.type == _TYPE


class _Module(Document):
    resources: list[_Resource] | None = None


class _Configuration(Document):
    provider_config: dict[str, _Provider | None] | None = None
    root_module: _Module | None = None


class _StateValues(Document):
    root_module: _Module | None = None


class _State(Document):
    values: _StateValues | None = None


class _Identity(Document):
    account_id: Text | None = None
    arn: Text | None = None


class _Plan(Document):
    configuration: _Configuration | None = None
    prior_state: _State | None = None


def compare(plan: Mapping[str, Any], account: str, arn: str) -> str:
    """Compares the identity that a plan was made with, as ``data.aws_caller_identity`` has read it, with boto3's.

    A root without this data source, with aliases of the provider only, or whose provider block chooses an identity, is
    not compared; `longshore.run.contract_check` compares the account of the contract.

    Args:
        plan: from ``terraform show -json``.
        account: of boto3's credentials.
        arn: of boto3's credentials.

    Returns:
        A warning that names both identities, if they are two in the same account; otherwise an empty string.

    Raises:
        ConfigError: the plan was made in another account.
        TerraformError: the plan is malformed.
    """
    document = parse(_Plan, plan, "the plan")
    configuration = document.configuration or _Configuration()
    if _chooses_identity(configuration):
        return ""
    warning = ""
    for identity in _identities(configuration, document.prior_state or _State()):
        planned = identity.arn or "an unknown identity"
        if identity.account_id != account:
            raise ConfigError(
                f"Terraform planned for AWS account {identity.account_id or 'unknown'} as {planned},"
                f" but Longshore acts in {account} as {arn}",
                _HINT,
            )
        if _without_session(planned) != _without_session(arn):
            warning = f"Terraform planned as {planned}, but Longshore acts as {arn}"
    return warning


def _without_session(arn: str) -> str:
    """An identity without the name of its session, which differs each time that a role is assumed.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
    """
    return re.sub(r"(:assumed-role/[^/]+)/.*", r"\1", arn)


def _chooses_identity(configuration: _Configuration) -> bool:
    provider = (configuration.provider_config or {}).get(_PROVIDER) or _Provider()
    return any(name in (provider.expressions or {}) for name in _CHOSEN)


def _identities(configuration: _Configuration, state: _State) -> Iterator[_Identity]:
    """The values that the data source has in the root, with the provider that has no alias."""
    configured = (resource for resource in _resources(configuration.root_module) if resource.is_identity)
    addresses = {resource.address for resource in configured if resource.provider_config_key == _PROVIDER}
    for resource in _resources(state.values.root_module if state.values else None):
        if resource.is_identity and resource.address in addresses:
            yield parse(_Identity, resource.values or {}, f"{resource.address} of the plan")


def _resources(module: _Module | None) -> list[_Resource]:
    return (module.resources if module else None) or []
