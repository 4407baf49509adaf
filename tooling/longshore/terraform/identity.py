"""The AWS identity behind a plan, compared with the one that boto3 has: both change the same environment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from longshore.errors import ConfigError

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


def compare(plan: Mapping[str, Any], account: str, arn: str) -> str:
    """Compares the identity that a plan was made with, as ``data.aws_caller_identity`` has read it, with boto3's.

    A root without this data source, with aliases of the provider only, or whose provider block chooses an identity, is
    not compared. The account of the contract is (`longshore.run.contract_check`).

    Args:
        plan: from ``terraform show -json``.
        account: of boto3's credentials.
        arn: of boto3's credentials.

    Returns:
        A warning that names both identities, if they are two in the same account; otherwise an empty string.

    Raises:
        ConfigError: the plan was made in another account.
    """
    if _chooses_identity(plan):
        return ""
    warning = ""
    for values in _identities(plan):
        planned = str(values.get("arn", ""))
        if values.get("account_id") != account:
            raise ConfigError(
                f"Terraform planned for AWS account {values.get('account_id')} as {planned},"
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


def _chooses_identity(plan: Mapping[str, Any]) -> bool:
    providers = (plan.get("configuration") or {}).get("provider_config") or {}
    expressions = (providers.get(_PROVIDER) or {}).get("expressions") or {}
    return any(name in expressions for name in _CHOSEN)


def _identities(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The values that the data source has in the root, with the provider that has no alias."""
    configured = ((plan.get("configuration") or {}).get("root_module") or {}).get("resources") or []
    addresses = {
        each.get("address") for each in configured if each.get("provider_config_key") == _PROVIDER and _is_data(each)
    }
    values = (plan.get("prior_state") or {}).get("values") or {}
    for resource in (values.get("root_module") or {}).get("resources") or []:
        if _is_data(resource) and resource.get("address") in addresses:
            yield resource.get("values") or {}


def _is_data(resource: Mapping[str, Any]) -> bool:
    return resource.get("mode") == "data" and resource.get("type") == _TYPE
