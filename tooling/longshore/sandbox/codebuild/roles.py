"""The service role of a project: its trust in CodeBuild, and a build's temporary credentials."""

from __future__ import annotations

import json
from typing import Any

from moto.core.exceptions import ServiceException
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

SERVICE = "codebuild.amazonaws.com"
SECONDS = 12 * 3600
"""How long the credentials are valid: longer than any build of a test."""


class RoleError(Exception):
    """CodeBuild may not assume the role."""


def check(role: str) -> None:
    """Check that a role exists and trusts CodeBuild.

    Raises:
        RoleError: it does not exist, or does not trust CodeBuild.
    """
    refusal = RoleError(
        f"CodeBuild is not authorized to perform: sts:AssumeRole on service role {role}. Please verify that: "
        "1) The provided service role exists, 2) The role name is case-sensitive and matches exactly, and "
        "3) The role has the necessary trust policy configured"
    )
    try:
        record = iam_backends[role.split(":")[4]]["aws"].get_role_by_arn(role)
    except (IndexError, KeyError, ServiceException) as error:
        raise refusal from error
    if not _trusts(record.assume_role_policy_document):
        raise refusal


def credentials(role: str, build: str, region: str) -> dict[str, str]:
    """The credentials of a build, as variables.

    Args:
        role: ARN of the service role.
        build: the build's UUID; the session is named ``AWSCodeBuild-UUID``.
        region: the region of the build.

    Raises:
        RoleError: CodeBuild may not assume the role.
    """
    check(role)
    backend = sts_backends[role.split(":")[4]]["aws"]
    session: Any = backend.assume_role(
        region_name=region,
        role_session_name=f"AWSCodeBuild-{build}",
        role_arn=role,
        policy="",
        duration=SECONDS,
        external_id="",
    )
    return {
        "AWS_ACCESS_KEY_ID": session.access_key_id,
        "AWS_SECRET_ACCESS_KEY": session.secret_access_key,
        "AWS_SESSION_TOKEN": session.session_token,
    }


def _trusts(policy: str | dict[str, Any]) -> bool:
    document = json.loads(policy) if isinstance(policy, str) else policy
    statements = document.get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        services = (statement.get("Principal") or {}).get("Service", []) if statement.get("Effect") == "Allow" else []
        if SERVICE in ([services] if isinstance(services, str) else services):
            return True
    return False
